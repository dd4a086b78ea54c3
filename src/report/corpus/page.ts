import type { PairCount } from "../../corpus/catalog.ts";
import type { Counts } from "../../corpus/facets.ts";
import type { CorpusStatistics } from "../../corpus/statistics.ts";
import { tableOf } from "../charts/figure.ts";
import { grouped, plural } from "../format.ts";
import { threatShort } from "../gate/words.ts";
import { contentPolicy } from "../html/policy.ts";
import { STYLE } from "../html/style.ts";
import { type Content, html, Markup, named } from "../markup.ts";
import { type Shown, shownMarkup } from "../shown.ts";
import { coverageSection, growthSection } from "./sections.ts";

/** What the page is made of. */
export interface CorpusPage {
  /** Of the folder. */
  readonly name: string;
  readonly tool: string;
  readonly statistics: CorpusStatistics;
  readonly alike: AlikeCounts;
  /** How many samples are of each pair and attack; null: without any. */
  readonly pairsByAttack: readonly PairCount[];
  /** The first samples of groups, the largest group first. */
  readonly leaders: readonly ShownLeader[];
}

export interface AlikeCounts {
  readonly groups: number;
  readonly samples: number;
  /** Too large to be believed. */
  readonly suspicious: { readonly groups: number; readonly samples: number };
}

export interface ShownLeader {
  readonly id: string;
  /** Samples of its group, itself among them. */
  readonly members: number;
  readonly label: string;
  readonly predicted: string;
  /** Kind, threat, attack, size of the change. */
  readonly facts: readonly string[];
  readonly shown: Shown | null;
}

const MORE = `
.tiles{grid-template-columns:repeat(auto-fit,minmax(min(100%,150px),1fr))}
.counts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr));gap:20px}
.leaders{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:20px}
.leaders .card>*+*{margin-top:10px}
.leaders .card h3{flex-basis:100%}
.pairs td.n{border-radius:3px;padding-right:12px}
@media screen and (max-width:760px){.pairs th[scope=row]{max-width:9rem}thead th{white-space:normal}}
`;
const PAGE_STYLE = STYLE + MORE;
/** Lines of a table, and columns of the matrix. */
const LINES = 12;
const PAIRS = 40;
const ATTACKS = 8;
/** Nothing is dark because a corpus is small. */
const FEW = 8;

/** A corpus as one file for a browser: nothing is loaded, and nothing runs in it. Counts alone: shares of a corpus say nothing about a model. */
export function corpusPage(page: CorpusPage): string {
  const sections: [id: string, name: string, body: Content][] = [
    ["holds", "What it holds", holds(page)],
    ["growth", "How it grew", growthSection(page.statistics)],
    ["pairs", "What is taken for what", pairs(page)],
    ["coverage", "Boundary cells", coverageSection(page.statistics)],
    ["alike", "Samples that are alike", alike(page)],
  ];
  const full = sections.filter(([, , body]) => body !== null);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(PAGE_STYLE)}"><meta name="referrer" content="no-referrer">
<title>Blindspot corpus: ${page.name}</title><style>${new Markup(PAGE_STYLE)}</style></head>
<body><a class="skip" href="#main">Skip to the counts</a>
<header class="wide top"><p class="eyebrow">Blindspot: every mistake that was kept as a test</p>
<h1>${named(page.name)}</h1>
<p class="muted">Counts, and no rates: these samples were collected because models failed, so a share of them says nothing about a model.</p>
${tiles(page)}</header>
<nav class="wide" aria-label="Sections"><ul>${full.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main class="wide" id="main">
${full.map(([id, name, body]) => html`<section id="${id}"><h2>${name}</h2>${body}</section>\n`)}</main>
<footer class="wide">Made by ${page.tool} from the corpus. Nothing in this page is loaded from elsewhere.</footer></body></html>
`.text;
}

function tiles({ statistics, alike: { groups, samples } }: CorpusPage): Markup {
  const { coverage: families, models, lastNewCell, damaged } = statistics;
  const told: [name: string, count: number, more: string][] = [
    ["samples", statistics.samples, statistics.kinds.map((one) => `${grouped(one.samples)} ${one.name}`).join(", ")],
    ["alike", samples, `in ${plural(groups, "group")}, each with a leader`],
    [
      "boundary cells",
      families.reduce((sum, { cells }) => sum + cells, 0),
      lastNewCell === null ? "none yet" : `the last new one on ${lastNewCell.slice(0, 10)}`,
    ],
    ["versions", models.length, "of models that failed on samples"],
    ...(damaged > 0 ? [["damaged files", damaged, "see blindspot corpus verify"] as [string, number, string]] : []),
  ];
  return html`<ul class="tiles">${told.map(([name, count, more]) => html`<li>${name}<b>${grouped(count)}</b><span class="muted small">${more}</span></li>`)}</ul>`;
}

function holds({ statistics: { kinds, trust, threats, attacks } }: CorpusPage): Content {
  const short = threats.map(({ name, samples }) => ({ name: threatShort(name), samples }));
  return html`<div class="counts">${countsBox("Kind", kinds)}${countsBox("State", trust)}${countsBox("Threat", short)}${countsBox("Attack", attacks)}</div>`;
}

function countsBox(title: string, counts: Counts): Content {
  if (counts.length === 0) return null;
  const rows = counts.slice(0, LINES).map(({ name, samples }) => [named(name), grouped(samples)]);
  const more = counts.length - LINES;
  return html`<div class="box">${tableOf({ columns: [{ name: title }, { name: "Samples", numeric: true }], rows }, title)}${more > 0 && html`<p class="muted small">And ${grouped(more)} more.</p>`}</div>`;
}

/** A row for each class pair, a column for each attack, shaded by count. */
function pairs({ statistics, pairsByAttack }: CorpusPage): Content {
  if (statistics.pairs.length === 0) return null;
  const totals = new Map<string, number>();
  for (const { attack, samples } of pairsByAttack)
    if (attack !== null) totals.set(attack, (totals.get(attack) ?? 0) + samples);
  const names = [...totals].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name);
  const [shown, others] = [names.slice(0, ATTACKS), new Set(names.slice(ATTACKS))];
  const cell = (pair: string, fits: (attack: string | null) => boolean) =>
    pairsByAttack.reduce((sum, one) => sum + (one.pair === pair && fits(one.attack) ? one.samples : 0), 0);
  const columns: [name: string, fits: (attack: string | null) => boolean][] = [
    ...shown.map((name): [string, (attack: string | null) => boolean] => [name, (attack) => attack === name]),
    ...(others.size > 0
      ? [["others", (attack: string | null) => attack !== null && others.has(attack)] as (typeof columns)[0]]
      : []),
    ...(pairsByAttack.some(({ attack }) => attack === null)
      ? [["no attack", (attack: string | null) => attack === null] as (typeof columns)[0]]
      : []),
  ];
  const listed = statistics.pairs.slice(0, PAIRS);
  const counts = listed.map(({ name }) => columns.map(([, fits]) => cell(name, fits)));
  const largest = Math.max(FEW, ...counts.flat());
  const rows = listed.map(({ name, samples }, i) => {
    const cells = counts[i]!.map(
      (count) => html`<td class="n ${count > 0 && shade(count / largest)}">${count > 0 && grouped(count)}</td>`,
    );
    return html`<tr><th scope="row">${named(name)}</th><td class="n">${grouped(samples)}</td>${cells}</tr>\n`;
  });
  const more = statistics.pairs.length - listed.length;
  return html`<p>Samples by class pair and attack. One that several attacks found counts under each.</p>
<div class="box"><div class="scroll pairs" role="region" aria-label="Class pairs by attack" tabindex="0"><table><thead><tr><th scope="col">True class as the wrong one</th><th scope="col" class="n">Samples</th>${columns.map(([name]) => html`<th scope="col" class="n">${named(name)}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>
${more > 0 && html`<p class="muted small">And ${plural(more, "pair")} more: <code>blindspot corpus stats --json</code>.</p>`}</div>`;
}

function shade(part: number): string {
  return part > 0.75 ? "h4" : part > 0.4 ? "h3" : part > 0.15 ? "h2" : "h1";
}

function alike({ alike: { groups, samples, suspicious }, leaders }: CorpusPage): Content {
  if (groups === 0 && suspicious.groups === 0) return null;
  const large = `${plural(suspicious.samples, "sample")} look alike in ${plural(suspicious.groups, "group")} too large to be believed: they stand alone.`;
  const more = groups - leaders.length;
  return html`<p>${plural(samples, "sample")} are alike in ${plural(groups, "group")}: one seed, one class pair, one kind of change. The smallest change leads; nothing is dropped.${suspicious.groups > 0 && ` ${large}`}</p>
<div class="leaders">${leaders.map(leaderCard)}</div>
${more > 0 && html`<p class="muted">And ${plural(more, "smaller group")}: <code>blindspot corpus ls --leaders</code>.</p>`}`;
}

function leaderCard({ id, members, label, predicted, facts, shown }: ShownLeader): Markup {
  return html`<article class="card"><header><h3>${named(label)} taken for ${named(predicted)}</h3><span class="chip unknown">+${grouped(members - 1)} alike</span><code class="id">${id.slice(0, 12)}</code></header>
<p class="muted small">${facts.join(" · ")}</p>${shown === null ? html`<p class="muted small">Nothing to show: a vector, or its file can't be read.</p>` : shownMarkup(shown)}</article>
`;
}
