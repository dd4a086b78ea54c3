import type { Comparison, DetectionFacts, PairedRate, ThreatComparison } from "../../assess/schema.ts";
import { duration, grouped, percent, plural } from "../format.ts";
import { html, Markup } from "../markup.ts";
import { STYLE } from "../one-page/style.ts";
import { LENGTH, share, short } from "../one-page/text.ts";
import { shortened } from "../visible.ts";
import { KNOWS, limitText, threatName } from "../words.ts";
import {
  cleanRow,
  direction,
  mainThreat,
  points,
  pointsInterval,
  pText,
  samplesText,
  threatRows,
  unseenText,
  withdrawals,
} from "./rows.ts";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
/** There is room for larger type than in the report of a run. */
const LARGER = new Markup(`
body{font-size:9.4pt;line-height:1.42}
th,.note{font-size:8.6pt}
th:last-child,td:last-child{width:30mm}
td:first-child{white-space:nowrap}
tr.all td:nth-child(2){font-weight:400}tr.all td:nth-child(3){font-weight:650}
`);
/** Threats that the table has room for, and points of a list. */
const ROOM = { threats: 2, points: 4, lost: 6, detectors: 2, rows: 9 } as const;

/** The comparison on one sheet of A4: concepts, procedure, outcomes, decision. */
export function comparisonOnePage(comparison: Comparison): string {
  const { before, after, tool } = comparison;
  const title = `${shortened(before.model.name, LENGTH.name)} and ${shortened(after.model.name, LENGTH.name)}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}: one page</title><style>${STYLE}${rowsOf(comparison) <= ROOM.rows && LARGER}</style></head>
<body><main>
<header><div><p class="eyebrow">Before and after on one page</p><h1>${short(before.model.name)} → ${short(after.model.name)}</h1><p class="eyebrow">${after.run.startedAt.slice(0, 10)} · Blindspot ${short(tool.version)}</p></div>${banner(comparison)}</header>
<div class="columns">${concepts(comparison)}${procedure(comparison)}</div>
${outcomes(comparison)}<div class="columns closing">${decision(comparison)}${limits(comparison)}</div>
</main></body></html>
`.text;
}

/** Rows of the table of outcomes. */
function rowsOf({ threats }: Comparison): number {
  return threats.slice(0, ROOM.threats).reduce((rows, { profiles }) => rows + profiles.length + 1, 1);
}

const BANNERS = {
  better: { kind: "yes", text: "It stands better" },
  unclear: { kind: "with-care", text: "No clear change" },
  worse: { kind: "no", text: "It stands worse" },
} as const;

function banner(comparison: Comparison): Markup {
  const { before, after } = comparison;
  const threat = mainThreat(comparison);
  const failed = threat.withdrawn.length > 0;
  const { kind, text } = BANNERS[direction(threat.overall)];
  const said = failed ? "Withdrawn: a check failed" : `${text} under ${shortened(threatName(threat.id), LENGTH.name)}`;
  return html`<p class="verdict ${failed ? "" : kind}">${said}<small>Evaluation badges ${before.run.badge} before, ${after.run.badge} after</small></p>`;
}

function concepts(comparison: Comparison): Markup {
  const { modality } = comparison;
  const threats = comparison.threats.slice(0, ROOM.threats);
  const knowledges = [...new Set(threats.flatMap(({ profiles }) => profiles.map(({ knowledge }) => knowledge)))];
  return html`<section class="concepts"><h2>Key concepts</h2><dl>
<dt>Adversarial example</dt><dd>An input changed on purpose, within a stated limit, so that a model which was right answers wrong.</dd>
<dt>The limit</dt>${threats.map((threat) => html`<dd><b>${short(threatName(threat.id))}</b>: the attacker may change ${limitText({ ...threat, modality })}.</dd>`)}
<dt>The attackers</dt>${knowledges.map((knowledge) => html`<dd><b>${knowledge}</b> knows ${KNOWS[knowledge]}.</dd>`)}
<dt>Paired difference</dt><dd>Both models get the same samples. What counts are the samples that changed: gained and lost.</dd>
</dl></section>
`;
}

function procedure(comparison: Comparison): Markup {
  const { data, seed, training, threats } = comparison;
  const attacks = [...new Set(threats.flatMap(({ profiles }) => profiles.flatMap((profile) => profile.attacks)))];
  const strange = unseenText(comparison);
  return html`<section class="procedure"><h2>Procedure</h2><ol>
<li><b>Before.</b> ${modelText(comparison.before)}.</li>
<li><b>Training.</b> ${training === null ? "No log was given." : html`${training.method} against ${short(threatName(training.threat))} on ${plural(training.train.rows, "sample")}, ${plural(training.epochs, "epoch")} in ${duration(training.seconds)}; epoch ${training.epoch} chosen on ${plural(training.validate.rows, "other sample")}.`}</li>
<li><b>After.</b> ${modelText(comparison.after)}.</li>
<li><b>Held-out data.</b> ${samplesText(comparison)} of ${short(data.spec, LENGTH.phrase)} (${short(data.draw, LENGTH.phrase)}; seed ${seed}).</li>
<li><b>Attack both afresh.</b> The same attacks, settings and budgets: ${short(attacks.join(", "), LENGTH.sentence)}.${strange !== "" && html` Not used in training: ${short(strange, LENGTH.sentence)}.`}</li>
<li><b>Verify.</b> Each success on the model's own file, alone.</li>
</ol></section>
`;
}

function modelText({ model: { name, sha256 } }: Comparison["before"]): Markup {
  return html`${short(name, LENGTH.title)}${sha256 !== undefined && html`, SHA-256 ${sha256.slice(0, 12)}…`}`;
}

function outcomes(comparison: Comparison): Markup {
  const { threats, cost } = comparison;
  const shown = threats.slice(0, ROOM.threats);
  const clean = cleanRow(comparison);
  const rows = [
    row(clean.label, clean.rate, "clean", false),
    ...shown.flatMap((threat) =>
      threatRows(threat).map(({ label, rate, withdrawn }) =>
        row(
          html`<b>${short(threatName(threat.id))}</b>, ${label}`,
          rate,
          label === "all attackers" ? "all" : "part",
          withdrawn,
        ),
      ),
    ),
  ];
  const more = threats.length - shown.length;
  return html`<section class="outcomes"><h2>Outcomes</h2>
<table><thead><tr><th>right, and standing</th><th class="n">before</th><th class="n">after</th><th class="n">points, 95 % interval</th><th class="n">gained, lost</th><th></th></tr></thead><tbody>
${rows}${more > 0 && html`<tr><td colspan="6">and ${plural(more, "more threat")}: see the page</td></tr>`}
</tbody></table>
<p class="note">${cost !== null && `A row alone takes ${cost.latency.before.single.toPrecision(3)} ms before, ${cost.latency.after.single.toPrecision(3)} ms after; the files have ${grouped(cost.bytes.before)} and ${grouped(cost.bytes.after)} bytes. `}Points: after minus before, Newcombe's interval for paired proportions${comparison.intervals === "group-bootstrap" && " (bootstrap over groups)"}. Bars: grey before, colored after.</p>${lost(mainThreat(comparison), comparison.classes)}${comparison.detections.slice(0, ROOM.detectors).map(detector)}</section>
`;
}

/** What the change broke: whoever decides should have seen it. */
function lost({ changes }: ThreatComparison, classes: readonly string[]): Markup | null {
  if (changes.lost.length === 0) return null;
  const named = changes.lost
    .slice(0, ROOM.lost)
    .map(({ index, label }, i) => html`${i > 0 && ", "}sample ${index} (${short(classes[label] ?? String(label))})`);
  const more = changes.lost.length - ROOM.lost;
  return html`<p class="note"><b>Lost by the change:</b> ${named}${more > 0 && ` and ${grouped(more)} more`}.</p>`;
}

function detector({
  detector: described,
  version,
  accuracyWithRejection: rate,
  falsePositives,
}: DetectionFacts): Markup {
  return html`<p class="note"><b>With a detector ${version}</b> (${short(described, LENGTH.phrase)}): ${percent(rate.value)} correct and accepted under an attacker who knows it, ${percent(falsePositives.value)} of clean inputs rejected.</p>`;
}

function row(name: Markup | string, rate: PairedRate, kind: "clean" | "all" | "part", struck: boolean): Markup {
  const change = html`${points(rate.difference.value)} ${pointsInterval(rate.difference)}`;
  return html`<tr class="${kind}"><td>${name}</td><td class="n">${percent(rate.before.value)}</td><td class="n">${percent(rate.after.value)}</td><td class="n">${struck ? html`<s>${change}</s>` : change}</td><td class="n">+${grouped(rate.gained)}, -${grouped(rate.lost)} (${pText(rate.p)})</td><td>${bars(rate, kind)}</td></tr>
`;
}

/** The cells beside it say it in numbers. */
function bars({ before, after }: PairedRate, kind: string): Markup {
  const width = (value: number) => (100 * value).toFixed(1);
  return html`<svg class="bar ${kind}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="100" height="8"/><rect class="span" width="${width(before.value)}" height="3" opacity=".45"/><rect class="fill" y="4" width="${width(after.value)}" height="4"/></svg>`;
}

function decision(comparison: Comparison): Markup {
  const { clean, headlineNotes } = comparison;
  const threat = mainThreat(comparison);
  const gain = {
    better: "Use the model after",
    worse: "Keep the model before",
    unclear: "This change is not shown to help",
  }[direction(threat.overall)];
  const price =
    direction(clean) === "worse" ? `, if ${points(clean.difference.value)} points without attack are worth it` : "";
  const failed = withdrawals(comparison);
  return html`<section class="decision"><h2>Decision</h2>
<p>${failed.length > 0 ? html`<b>None yet:</b> ${short(failed[0]!, LENGTH.sentence)}.` : html`<b>${gain}${price}:</b> under ${short(threatName(threat.id))}, ${share(threat.overall.before.value)} before and ${share(threat.overall.after.value)} after stand.`}</p>
<p>${left(threat)}</p>
${headlineNotes.slice(0, 2).map((note) => html`<p><b>Note:</b> ${short(note, LENGTH.sentence)}.</p>`)}</section>
`;
}

/** What is still broken: hardened is not safe. */
function left({ overall: { after, of } }: ThreatComparison): string {
  return `Of ${plural(of, "sample")}, ${grouped(of - after.right)} still fall after the change: it lowers the risk, it does not end it.`;
}

function limits(comparison: Comparison): Markup {
  const said = [...comparison.notCompared, ...comparison.notTested];
  const more = said.length - ROOM.points;
  return html`<section class="limits"><h2>Limits</h2><ul>
<li>Every robust accuracy is an upper bound, for this data and these limits only.</li>
${said.slice(0, ROOM.points).map((text) => html`<li>Not tested: ${short(text, LENGTH.sentence)}</li>`)}
${more > 0 && html`<li>${plural(more, "more point")}: see the page.</li>`}
</ul></section>
`;
}
