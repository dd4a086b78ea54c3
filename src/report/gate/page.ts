import { take } from "../../base/take.ts";
import type { Gated } from "../../regression/case-list.ts";
import type { GateCase, Outcome } from "../../regression/schema.ts";
import { tableOf } from "../charts/figure.ts";
import { coverageSection, growthSection, summaryText } from "../corpus/sections.ts";
import { duration, grouped, percent, plural } from "../format.ts";
import { contentPolicy } from "../html/policy.ts";
import { STYLE } from "../html/style.ts";
import { html, Markup, named } from "../markup.ts";
import { type Shown, shownMarkup } from "../shown.ts";
import { standingOf } from "./attention.ts";
import { countsOf, freshRows, leftOutText } from "./facts.ts";
import {
  attackText,
  COLUMNS,
  changedText,
  changeText,
  corpusText,
  effortText,
  failuresOf,
  MEANINGS,
  needsLook,
  outcomeText,
  reachedText,
  shownFirst,
  threatShort,
  verdictText,
} from "./words.ts";

const MORE = `
.stamp{display:inline-block;margin-top:1.2rem;padding:6px 16px;border-radius:8px;font-weight:650;border:2px solid currentColor}
.passed{color:var(--right)}.failed{color:var(--wrong)}.open{color:var(--caution)}
.top h1 .to{color:var(--muted);font-weight:400;padding:0 .2em}
.tiles{grid-template-columns:repeat(auto-fit,minmax(min(100%,150px),1fr))}
.case{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,6fr);gap:8px 24px;align-items:start;margin-top:10px}
.case dl{grid-template-columns:minmax(6rem,9rem) minmax(0,1fr);font-size:.9rem}
@media screen and (max-width:760px){.case{grid-template-columns:minmax(0,1fr)}}
`;
const PAGE_STYLE = STYLE + MORE;
/** Cases that get a card of their own, and rows of the table below. */
const CARDS = 24;
const ROWS = 2000;

const SECTIONS = [
  ["attention", "What needs a look"],
  ["counts", "By threat"],
  ["fresh", "A fresh random set"],
  ["sure", "How sure"],
  ["corpus", "The corpus"],
  ["all", "Every sample"],
] as const;

/**
 * A gate as one file for a browser: nothing is loaded, and nothing runs in it.
 * @param shown pictures of image samples, whole texts: by sample id
 */
export function gatePage(result: Gated, shown: ReadonlyMap<string, Shown> = new Map()): string {
  const { base, candidate, tool } = result;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(PAGE_STYLE)}"><meta name="referrer" content="no-referrer">
<title>Blindspot gate: ${candidate.name}</title><style>${new Markup(PAGE_STYLE)}</style></head>
<body><a class="skip" href="#main">Skip to the result</a>
<header class="wide top"><p class="eyebrow">Blindspot: may this version replace the one before it?</p>
<h1>${named(base.name)}<span class="to" aria-hidden="true"> → </span><span class="hidden">to</span>${named(candidate.name)}</h1>
<p class="muted">${named(result.corpus.name)}: ${corpusText(result)}; ${plural(result.cost.queries, "query", "queries")}, ${plural(result.cost.remembered, "answer")} remembered; seed ${result.seed}; ${duration(result.seconds)}</p>
${stamp(result)}
${tiles(result)}
</header>
<nav class="wide" aria-label="Sections"><ul>${SECTIONS.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main class="wide" id="main">
${attention(result, shown)}${counts(result)}${fresh(result)}${sure(result)}${corpus(result)}${all(result)}</main>
<footer class="wide">Made by ${tool.name} ${tool.version} from gate.json. Nothing in this page is loaded from elsewhere.</footer></body></html>
`.text;
}

function stamp(result: Gated): Markup {
  const { exitCode } = result.verdict;
  const kind = exitCode === 0 ? "passed" : exitCode === 1 ? "failed" : "open";
  const reasons = failuresOf(result);
  return html`<p class="stamp ${kind}">${verdictText(result)}</p>
${reasons.length > 1 && html`<ul class="plain">${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}`;
}

function tiles(result: Gated): Markup {
  return html`<ul class="tiles">${countsOf(result).columns.map(
    ({ outcomes, cases }) =>
      html`<li>${outcomeText(outcomes[0]!)}<b>${grouped(cases)}</b><span class="muted small">${MEANINGS[outcomes[0]!]}</span></li>`,
  )}</ul>`;
}

function attention(result: Gated, shown: ReadonlyMap<string, Shown>): Markup {
  const cases = take(shownFirst(result.cases), CARDS);
  const more = result.cases.count(needsLook) - CARDS;
  return html`<section id="attention"><h2>What needs a look</h2>
${cases.length === 0 ? html`<p>Nothing: no sample is wrong in the new version.</p>` : html`<div class="cards">${cases.map((one) => card(result, one, shown.get(one.sample)))}</div>`}
${more > 0 && html`<p class="muted">And ${plural(more, "more case")} below.</p>`}</section>
`;
}

function card(result: Gated, one: GateCase, shown: Shown | undefined): Markup {
  const { sample, outcome, label, waiver } = one;
  const kind = { failed: "fail", unanswered: "warn", waived: "skipped", untrusted: "skipped", passed: "warn" }[
    standingOf(result, one)
  ];
  const facts: [string, string | Markup][] = [
    ["true class", named(label)],
    ["taken for", named(reachedText(one))],
    ["under", threatShort(one.threat)],
    ["base", one.base.state],
    ["candidate", one.candidate.state],
    ["re-attack", attackText(one) ?? "none"],
    ...(waiver === undefined
      ? []
      : ([["waiver", `${waiver.by}, until ${waiver.until}${waiver.expired ? " (expired)" : ""}: ${waiver.reason}`]] as [
          string,
          string,
        ][])),
    ["look closer", html`<code>npx blindspot corpus show ${sample.slice(0, 12)}</code>`],
  ];
  return html`<article class="card" id="s-${sample.slice(0, 16)}"><header><h3>${named(label)} taken for ${named(reachedText(one))}</h3><span class="chip ${kind}">${outcomeText(outcome)}</span><code class="id">${sample.slice(0, 12)}</code></header>
<div class="case">${shown === undefined ? changesOf(one) : shownMarkup(shown)}<dl>${facts.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>`)}</dl></div></article>
`;
}

/** Of a row or a text, what was changed; else why there is nothing to see. */
function changesOf(one: GateCase): Markup {
  const changed = changedText(one);
  if (changed.length > 0) return shownMarkup({ kind: "changes", changes: changed });
  const why =
    one.modality === "image"
      ? "No picture: its file can't be read, or nothing clean stands beside it."
      : one.threat === null
        ? "The input itself: nobody changed it."
        : "No picture: a vector.";
  return html`<p class="muted small">${why}</p>`;
}

function counts(result: Gated): Markup {
  const { columns, rows } = countsOf(result);
  return html`<section id="counts"><h2>By threat</h2><div class="box">${tableOf(
    {
      columns: [{ name: "Threat" }, ...columns.map(({ name }) => ({ name, numeric: true }))],
      rows: rows.map(({ threat, cells }) => [threatShort(threat), ...cells.map(grouped)]),
    },
    "Outcomes by threat",
  )}</div></section>
`;
}

function fresh(result: Gated): Markup {
  const rows = freshRows(result);
  const set = result.fresh;
  const body =
    result.freshProblem !== null
      ? html`<p>Not evaluated: ${result.freshProblem}</p>`
      : set === null
        ? html`<p>None was given (<code>--data</code>). The corpus was selected because a version failed, so no rate can be read from it, and a drop that it does not show would not have been noticed.</p>`
        : html`<p>${named(set.data)}: ${set.draw}. Both versions were attacked afresh, with equal effort.</p><div class="box">${tableOf(
            {
              columns: [
                { name: "" },
                { name: "before", numeric: true },
                { name: "after", numeric: true },
                { name: "gained / lost", numeric: true },
                { name: "McNemar p", numeric: true },
                { name: "drop that would have shown", numeric: true },
                { name: "trained on", numeric: true },
              ],
              rows: rows.map(({ name, rate }) => [
                name,
                `${rate.before} of ${rate.of}`,
                `${rate.after} of ${rate.of}`,
                `${rate.gained} / ${rate.lost}`,
                rate.p.toFixed(3),
                percent(rate.leastDrop),
                rate.trainedOn === undefined
                  ? "none"
                  : `${rate.trainedOn.before} → ${rate.trainedOn.after} of ${rate.trainedOn.of}`,
              ]),
            },
            "The fresh set",
          )}</div>`;
  return html`<section id="fresh"><h2>A fresh random set</h2>${body}</section>
`;
}

function sure(result: Gated): Markup {
  const { baseline, policy } = result;
  const came = new Set(result.cases.counts.map(({ facts }) => facts.outcome));
  const words = COLUMNS.flatMap(({ outcomes }) => outcomes).filter((outcome) => came.has(outcome));
  const meaning = (outcome: Outcome) => html`<dt>${outcomeText(outcome)}</dt><dd>${MEANINGS[outcome]}</dd>`;
  return html`<section id="sure"><h2>How sure</h2>
<div class="pair"><div class="box"><h3>What “fixed” withstood</h3>${result.effort.threats.length === 0 ? html`<p>Nothing had to be attacked again.</p>` : html`<ul class="plain">${effortText(result).map((line) => html`<li>${line}</li>`)}</ul>`}
<h3>What the gate fails on</h3><p>${policy.failOn.map((rule) => rule.replaceAll("-", " ")).join(", ")}; more than ${policy.maxNotEvaluated} without an answer.</p>
${baseline !== null && html`<h3>Baseline</h3><p>${named(baseline.model)}, blessed ${baseline.at.slice(0, 10)} by ${named(baseline.by)}: ${baseline.reason}. ${baseline.broken} broken then; of the samples that it knew, ${baseline.now} now.</p>`}</div>
<div class="box"><h3>The words</h3><dl>${words.map(meaning)}</dl>
${leftOutText(result).length > 0 && html`<h3>Without a say</h3><ul class="plain">${leftOutText(result).map((line) => html`<li>${line}</li>`)}</ul>`}</div></div></section>
`;
}

function corpus({ corpus: { name }, grown, holds }: Gated): Markup {
  const more =
    grown === undefined || grown.samples === 0
      ? ""
      : ` The re-attacks added ${plural(grown.samples, "sample")} and ${plural(grown.cells, "new boundary cell")}.`;
  const told = holds === undefined ? "" : ` held ${summaryText(holds)}, when this gate began.`;
  return html`<section id="corpus"><h2>The corpus</h2><p>${named(name)}${told}${more} Counts, and no rates: its samples were collected because models failed.</p>
${holds !== undefined && [growthSection(holds), coverageSection(holds)]}
<p class="muted small">With pairs, pictures and samples that are alike: <code>npx blindspot corpus stats --html corpus.html</code></p></section>
`;
}

function all(result: Gated): Markup {
  const shown = take(
    result.cases.of(() => true),
    ROWS,
  );
  const total = result.cases.count();
  return html`<section id="all"><h2>Every sample</h2><div class="tall">${tableOf(
    {
      columns: [
        { name: "Sample" },
        { name: "Outcome" },
        { name: "True class" },
        { name: "Taken for" },
        { name: "What happened" },
      ],
      rows: shown.map((one) => [
        html`<code>${one.sample.slice(0, 12)}</code>`,
        outcomeText(one.outcome),
        named(one.label),
        named(reachedText(one)),
        html`${changeText(one)}${one.trainedOn && html` <span class="muted">(trained on)</span>`}`,
      ]),
    },
    "Every sample",
  )}</div>${total > ROWS && html`<p class="muted">The first ${grouped(ROWS)} of ${grouped(total)}; all are in gate.json.</p>`}</section>
`;
}
