import type { Finding } from "../../assess/schema.ts";
import { epsilonText, grouped, percent, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { BANDS } from "../most-telling.ts";
import { findingSeverity } from "../severity.ts";
import { changeIn, threatName } from "../words.ts";
import { mistake, severityChip, type View } from "./view.ts";

/** More rows than this make a page that nobody can open; the report says what it leaves out. */
const MAX_ROWS = 5000;

interface Column {
  readonly name: string;
  readonly numeric?: boolean;
  readonly wide?: boolean;
  readonly cell: (finding: Finding, view: View) => Content;
  /** What the column is sorted by, where the text does not sort. */
  readonly value?: (finding: Finding) => number;
}

const COLUMNS: readonly Column[] = [
  {
    name: "Finding",
    cell: (finding, { anchors, chosen }) => {
      const short = finding.id.slice(0, 12);
      return chosen.includes(finding) ? html`<a href="#${anchors.get(finding)}">${short}</a>` : short;
    },
  },
  { name: "Sample", value: ({ subject }) => subject.index, cell: ({ subject }) => named(subject.sampleId) },
  {
    name: "Mistake",
    wide: true,
    cell: ({ outputChange }, { result }) => mistake(result, outputChange.trueLabel, outputChange.after.label),
  },
  {
    name: "Confidence",
    numeric: true,
    value: ({ outputChange }) => outputChange.after.confidence,
    cell: ({ outputChange }) => percent(outputChange.after.confidence),
  },
  { name: "Threat", cell: ({ constraints }) => threatName(constraints.threat) },
  { name: "Attacker", cell: ({ threatModel }) => threatModel.knowledge },
  { name: "Attack", cell: ({ attack }) => attack.name },
  {
    name: "Queries",
    numeric: true,
    value: ({ attack }) => attack.queriesUsed,
    cell: ({ attack }) => grouped(attack.queriesUsed),
  },
  { name: "Size", numeric: true, value: sizeOf, cell: (finding) => sizeText(finding) },
  {
    name: "To the eye",
    value: ({ perturbation }) => BANDS.indexOf(perturbation.perceptibility.band),
    cell: ({ perturbation }) => perturbation.perceptibility.band,
  },
];

const SEVERITY: Column = {
  name: "Severity",
  cell: (finding, { result }) => {
    const pair = findingSeverity(result.risk, finding);
    return pair === undefined ? "-" : severityChip(pair.shown, pair.severityHigh);
  },
};

/** The change in the threat's own norm. */
function sizeOf({ constraints, perturbation }: Finding): number {
  return changeIn(constraints.norm, perturbation);
}

function sizeText(finding: Finding): string {
  return ["l0", "fields", "text"].includes(finding.constraints.norm)
    ? grouped(sizeOf(finding))
    : epsilonText(sizeOf(finding));
}

/** Every finding in a row; sorted and filtered where scripts run. */
export function allFindings(view: View): Content {
  const { findings } = view.run;
  if (findings.length === 0) return null;
  const shown = findings.slice(0, MAX_ROWS);
  const left = findings.length - shown.length;
  const columns = view.result.risk === undefined ? COLUMNS : [...COLUMNS, SEVERITY];
  const head = columns.map(({ name, numeric }) => html`<th scope="col"${numeric && html` class="n"`}>${name}</th>`);
  return html`<section id="all"><h2>All findings</h2>
<p>${left > 0 ? `The first ${plural(shown.length, "finding")} of ${grouped(findings.length)}; all are in findings.jsonl.` : `${plural(findings.length, "finding")}, each verified: the original model, alone, on the input as it would be deployed.`}</p>
<div class="tools" id="tools" hidden><label for="search">Filter</label><input type="search" id="search" placeholder="class, attack, sample ..." autocomplete="off"><span id="count" role="status" class="muted small"></span></div>
<div class="tall" role="region" aria-label="All findings" tabindex="0"><table><thead><tr>${head}</tr></thead>
<tbody>${shown.map((finding) => row(view, columns, finding))}</tbody></table></div>
</section>
`;
}

function row(view: View, columns: readonly Column[], finding: Finding): Markup {
  const cells = columns.map(({ cell, value, numeric, wide }) => {
    const sorted = value !== undefined && html` data-v="${String(value(finding))}"`;
    return html`<td${numeric && html` class="n"`}${wide && html` class="wider"`}${sorted}>${cell(finding, view)}</td>`;
  });
  // A finding with a card is found there.
  const id = !view.chosen.includes(finding) && html` id="${view.anchors.get(finding)}"`;
  return html`<tr${id}>${cells}</tr>\n`;
}
