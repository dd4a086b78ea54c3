import type { Comparison, PairedRate, ThreatComparison } from "../../assess/schema.ts";
import { dumbbellChart } from "../charts/dumbbell.ts";
import { type Table, tableOf } from "../charts/figure.ts";
import { duration, grouped, percent, plural } from "../format.ts";
import { contentPolicy } from "../html/policy.ts";
import { STYLE } from "../html/style.ts";
import { type Content, html, Markup, named } from "../markup.ts";
import { threatName } from "../words.ts";
import { closing } from "./closing.ts";
import { costSection } from "./cost.ts";
import {
  cleanRow,
  direction,
  mainThreat,
  methodText,
  points,
  pointsInterval,
  pText,
  type RateRow,
  samplesText,
  threatRows,
  threatTitle,
  withdrawals,
} from "./rows.ts";

/** What the page has beyond the report's style. */
const MORE = `
.thin{stroke-width:1.25}
.hollow{fill:var(--surface);stroke:currentColor;stroke-width:2.25}
.better{color:var(--right)}.worse{color:var(--wrong)}.unclear{color:var(--muted)}
.top h1 .to{color:var(--muted);font-weight:400;padding:0 .2em}
.lead .before{color:var(--text)}.lead .after{color:var(--accent)}
.stack{display:grid;grid-template-columns:minmax(0,1fr);gap:20px}
.tiles{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}.tiles b{font-size:1.45rem}
@media screen and (max-width:760px){.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tiles b{font-size:1rem}}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;padding:0;list-style:none;font-size:.875rem;color:var(--muted)}
.key svg{width:26px;height:12px;vertical-align:-1px;margin-right:6px;color:var(--text)}
`;
const PAGE_STYLE = STYLE + MORE;
/** Samples of a list that the page names. */
const CHANGED = 10;

const SECTIONS = [
  ["changed", "What changed"],
  ["unseen", "Not used in training"],
  ["samples", "Samples"],
  ["cost", "Cost"],
  ["detectors", "Detector"],
  ["measured", "How it was measured"],
  ["not-tested", "Not tested"],
] as const;

/** The whole comparison, one file for a browser: nothing is loaded, and nothing runs in it. */
export function comparisonPage(comparison: Comparison): string {
  const { before, after, tool } = comparison;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(PAGE_STYLE)}"><meta name="referrer" content="no-referrer">
<title>Blindspot: ${before.model.name} and ${after.model.name}</title><style>${new Markup(PAGE_STYLE)}</style></head>
<body><a class="skip" href="#main">Skip to the comparison</a>
${head(comparison)}
<nav class="wide" aria-label="Sections"><ul>${SECTIONS.filter(([id]) => id !== "detectors" || comparison.detections.length > 0).map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main class="wide" id="main">
${changed(comparison)}${unseenSection(comparison)}${samples(comparison)}${costSection(comparison)}${closing(comparison)}</main>
<footer class="wide">Made by ${tool.name} ${tool.version} from two stored runs alone. Nothing in this page is loaded from elsewhere.</footer></body></html>
`.text;
}

function head(comparison: Comparison): Markup {
  const { before, after, data, seed, clean, headlineNotes } = comparison;
  const threat = mainThreat(comparison);
  const { overall } = threat;
  const struck = withdrawals(comparison);
  const figure = html`before, <strong class="before">${percent(overall.before.value)}</strong> stand; after, <strong class="after">${percent(overall.after.value)}</strong>`;
  const shown = threat.withdrawn.length > 0 ? html`<s>${figure}</s> (withdrawn)` : figure;
  return html`<header class="wide top"><p class="eyebrow">Blindspot: before and after, attacked afresh with equal effort</p>
<h1>${named(before.model.name)}<span class="to" aria-hidden="true"> → </span><span class="hidden">and</span>${named(after.model.name)}</h1>
<p class="muted">${named(data.spec)}: ${data.draw}; seed ${seed}; ${samplesText(comparison)}</p>
<p class="lead">Under ${threatName(threat.id)}: ${shown}. Without any attack, ${percent(clean.before.value)} and ${percent(clean.after.value)} are right.</p>
<p class="verdict">${verdict(overall, clean)}</p>
${struck.length > 0 && notice("", "Figures are withdrawn: a check failed", struck)}
${headlineNotes.length > 0 && notice(" soft", "To know before you read on", headlineNotes)}
${tiles(comparison)}
</header>
`;
}

function notice(kind: string, title: string, items: readonly string[]): Markup {
  return html`<div class="notice${kind}" role="note"><strong>${title}</strong><ul>${items.map((item) => html`<li>${item}</li>`)}</ul></div>`;
}

/** What the intervals allow to say, and no more. */
function verdict(overall: PairedRate, clean: PairedRate): Markup {
  const gain = {
    better: "The model after stands better than the draw of samples explains.",
    worse: "The model after stands worse than the draw of samples explains.",
    unclear: "No clear change: the interval of the difference holds 0.",
  }[direction(overall)];
  const price = {
    better: "It is also right more often without attack.",
    worse: `It pays with ${points(-clean.difference.value).replace("+", "")} points of accuracy without attack.`,
    unclear: "Without attack no clear change was measured.",
  }[direction(clean)];
  return html`<strong>${gain}</strong> ${price}`;
}

function tiles({ clean, threats, training, cost, before, after }: Comparison): Markup {
  const tile = (title: Content, rate: PairedRate, withdrawn: boolean) => {
    const figure = html`<span class="nowrap">${percent(rate.before.value).slice(0, -2)} → ${percent(rate.after.value)}</span>`;
    return html`<li>${title}<b>${withdrawn ? html`<s>${figure}</s>` : figure}</b><span class="muted small">${points(rate.difference.value)} points ${pointsInterval(rate.difference)}</span></li>`;
  };
  return html`<ul class="tiles">
${tile("Without attack", clean, false)}
${threats.slice(0, 3).map((threat) => tile(`Under ${threatName(threat.id)}`, threat.overall, threat.withdrawn.length > 0))}
${training !== null && html`<li>Training<b>${duration(training.seconds)}</b><span class="muted small">${training.method}, ${plural(training.epochs, "epoch")}, ${plural(training.train.rows, "sample")}</span></li>`}
${cost !== null && html`<li>Latency of a row<b>${(cost.latency.after.single / cost.latency.before.single).toFixed(2)} x</b><span class="muted small">${cost.latency.before.single.toFixed(2)} → ${cost.latency.after.single.toFixed(2)} ms alone</span></li>`}
<li>Evaluation<b>${before.run.badge} / ${after.run.badge}</b><span class="muted small">badges of the runs before and after</span></li>
</ul>`;
}

function changed(comparison: Comparison): Markup {
  return html`<section id="changed"><h2>What changed</h2>
<p>${methodText(comparison)}</p>
<ul class="key"><li>${key(false)}before</li><li>${key(true)}after</li><li>thin lines: 95 % Wilson intervals, before above, after below</li></ul>
${comparison.threats.map((threat, i) => threatBlock(comparison, threat, i))}
</section>
`;
}

function key(filled: boolean): Markup {
  return html`<svg viewBox="0 0 26 12" aria-hidden="true"><circle class="${filled ? "mark" : "hollow"}" cx="13" cy="6" r="5"/></svg>`;
}

function threatBlock(comparison: Comparison, threat: ThreatComparison, i: number): Markup {
  const rows = [cleanRow(comparison), ...threatRows(threat)];
  const title = `Under ${threatTitle(threat)}`;
  const description = rows
    .map(({ label, rate }) => `${label}: ${percent(rate.before.value)} before, ${percent(rate.after.value)} after`)
    .join("; ");
  const chart = dumbbellChart(
    { id: `dumbbell-${i}`, title, description: `Samples that are right and stand. ${description}.` },
    rows.map((row) => ({ ...row, change: points(row.rate.difference.value) })),
  );
  // A column more needs the whole width.
  const wide = rows.some(({ rate }) => rate.trainedOn !== undefined);
  return html`<div class="${wide ? "stack" : "pair"}">${chart}<div class="box"><h3>The same in figures</h3>${tableOf(rateTable(rows), title)}</div></div>
`;
}

function rateTable(rows: readonly RateRow[]): Table {
  const aside = rows.some(({ rate }) => rate.trainedOn !== undefined);
  return {
    columns: [
      { name: "" },
      { name: "before", numeric: true },
      { name: "after", numeric: true },
      { name: "points [95 %]", numeric: true },
      { name: "gained, lost", numeric: true },
      ...(aside ? [{ name: "trained on", numeric: true }] : []),
    ],
    rows: rows.map(({ label, rate, withdrawn }) => [
      label,
      cell(rate.before, rate.of),
      cell(rate.after, rate.of),
      html`<span class="${direction(rate)}">${withdrawn ? html`<s>${points(rate.difference.value)}</s>` : html`<strong>${points(rate.difference.value)}</strong>`}</span><br><span class="muted small">${pointsInterval(rate.difference)}</span>`,
      html`+${grouped(rate.gained)}, -${grouped(rate.lost)}<br><span class="muted small">${pText(rate.p)}</span>`,
      ...(aside
        ? [
            rate.trainedOn &&
              html`${rate.trainedOn.before} → ${rate.trainedOn.after}<br><span class="muted small">of ${rate.trainedOn.of}</span>`,
          ]
        : []),
    ]),
  };
}

function cell({ value, right }: PairedRate["before"], of: number): Markup {
  return html`${percent(value)}<br><span class="muted small">${grouped(right)} of ${grouped(of)}</span>`;
}

/** Each attack from scratch, those apart that the training never crafted with. */
function unseenSection({ threats, training }: Comparison): Markup {
  const rows = threats.flatMap((threat) =>
    threat.attacks.map((attack) => ({
      ...attack,
      threat,
      strange: attack.usedInTraining === false || threat.usedInTraining === false,
    })),
  );
  const columns = [
    { name: "Attack" },
    { name: "Used in training" },
    { name: "before", numeric: true },
    { name: "after", numeric: true },
    { name: "points [95 %]", numeric: true },
  ];
  const used = ({ usedInTraining, threat }: (typeof rows)[number]) => {
    if (usedInTraining === null) return "not known";
    const attack = usedInTraining ? "attack" : "another attack";
    const norm = threat.usedInTraining ? "same threat" : "another threat";
    return usedInTraining && threat.usedInTraining ? "yes" : `no: ${attack}, ${norm}`;
  };
  const said =
    training === null
      ? "No training log was given, so it is not known which attacks the training knew."
      : `The training crafted with ${training.crafting.join(", ") || "no attack"} under ${threatName(training.threat)}. What is right only against that was learned by heart: look at the other attacks, and at attackers without gradients.`;
  return html`<section id="unseen"><h2>Attacks and norms that the training did not use</h2>
<p>${said} Each attack here ran from scratch, on the audit subset.</p>
<div class="box">${tableOf(
    {
      columns,
      rows: rows.map((row) => [
        html`${row.name} <span class="muted small">${row.knowledge}, ${threatName(row.threat.id)}</span>`,
        used(row),
        cell(row.before, row.of),
        cell(row.after, row.of),
        html`<span class="${direction(row)}">${points(row.difference.value)}</span><br><span class="muted small">${pointsInterval(row.difference)}</span>`,
      ]),
    },
    "Attacks from scratch",
  )}</div></section>
`;
}

function samples(comparison: Comparison): Markup {
  return html`<section id="samples"><h2>Samples that were gained and lost</h2>
${comparison.threats.map(({ id, changes }) => html`<h3>Under ${threatName(id)}</h3><div class="pair">${changeBox(comparison, `Lost: ${grouped(changes.lost.length)}`, "Broken after by", changes.lost)}${changeBox(comparison, `Gained: ${grouped(changes.gained.length)}`, "Broken before by", changes.gained)}</div>`)}
</section>
`;
}

function changeBox(
  { classes }: Comparison,
  title: string,
  by: string,
  list: ThreatComparison["changes"]["gained"],
): Markup {
  if (list.length === 0) return html`<div class="box"><h4>${title}</h4><p class="muted">None.</p></div>`;
  const rows = list
    .slice(0, CHANGED)
    .map(({ sample, label, broken }) => [
      named(sample),
      named(classes[label] ?? String(label)),
      broken === null ? "wrong without attack" : `${broken.attack} (${broken.knowledge})`,
    ]);
  const more = list.length - CHANGED;
  return html`<div class="box"><h4>${title}</h4>${tableOf({ columns: [{ name: "Sample" }, { name: "True class" }, { name: by }], rows }, title)}${more > 0 && html`<p class="muted small">And ${grouped(more)} more, in comparison.json.</p>`}</div>`;
}
