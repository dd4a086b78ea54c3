import type { Finding, Result, ThreatResult } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { editText } from "../edits.ts";
import { epsilonText, grouped, interval, percent, plural } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { mostTelling } from "../most-telling.ts";
import { makeAlbum, type Pictures } from "../picture.ts";
import { withdrawn } from "../withdrawn.ts";
import { changeIn, fieldDigits, fieldText, NORMS } from "../words.ts";
import { className, share, short, sureness, threatLabel, worstFirst } from "./text.ts";

/** Rows of the table; beyond that each threat has one, and the last ones none. */
const ROWS = 6;
const SHOWN = 3;
/** Characters that the pictures may take. */
const PICTURE_BUDGET = 600_000;

/** What was observed: figures with intervals, and a few findings as input, action, outcome. */
export async function outcomes(run: StoredRun): Promise<Markup> {
  const { result, findings } = run;
  return html`<section class="outcomes"><h2>Outcomes</h2>
${figures(result)}
${await cards(run)}
<p class="note">${findingNote(result, findings.length)}</p></section>
`;
}

interface Row {
  readonly name: Markup | string;
  readonly value: number;
  readonly sampling95: { readonly low: number; readonly high: number };
  readonly unbroken: number;
  readonly of: number;
  readonly kind: "clean" | "all" | "part";
  readonly struck?: boolean;
}

function figures(result: Result): Markup {
  const { clean } = result;
  const threats = worstFirst(result);
  const all = threats.flatMap((threat) => [whole(threat, result), ...parts(threat)]);
  const rows = all.length <= ROWS ? all : threats.slice(0, ROWS).map((threat) => whole(threat, result));
  const left = all.length <= ROWS ? 0 : Math.max(0, threats.length - ROWS);
  const first: Row = {
    name: "without attack",
    value: clean.accuracy,
    sampling95: clean.sampling95,
    unbroken: clean.correct,
    of: clean.of,
    kind: "clean",
  };
  return html`<table><thead><tr><th>share of samples that are right</th><th class="n">%</th><th class="n">95 % interval</th><th class="n">samples</th><th></th></tr></thead><tbody>
${[first, ...rows].map(row)}${left > 0 && html`<tr><td colspan="5">and ${plural(left, "more threat")}, each with a robust accuracy at least as high</td></tr>`}
</tbody></table>`;
}

function whole(threat: ThreatResult, result: Result): Row {
  const reasons = withdrawn(result, threat);
  const name = html`under <b>${threatLabel(threat)}</b>${threat.profiles.length > 1 && ", all attackers"}`;
  return { name, ...threat.robustAccuracy, kind: "all", struck: reasons.length > 0 };
}

function parts({ profiles }: ThreatResult): Row[] {
  if (profiles.length < 2) return [];
  return profiles.map(({ knowledge, robustAccuracy }) => ({ name: knowledge, ...robustAccuracy, kind: "part" }));
}

function row({ name, value, sampling95, unbroken, of, kind, struck = false }: Row): Markup {
  const figure = percent(value).slice(0, -2);
  return html`<tr class="${kind}"><td>${name}</td><td class="n">${struck ? html`<s>${figure}</s>` : figure}</td><td class="n">${interval(sampling95)}</td><td class="n">${grouped(unbroken)} of ${grouped(of)}</td><td>${bar(value, sampling95, kind)}</td></tr>
`;
}

/** The figure repeated as a bar with its interval; the cells beside it say it in numbers. */
function bar(value: number, { low, high }: Row["sampling95"], kind: Row["kind"]): Markup {
  const at = (value: number) => (100 * value).toFixed(1);
  return html`<svg class="bar ${kind}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="100" height="8"/><rect class="fill" width="${at(value)}" height="8"/><rect class="span" x="${at(low)}" y="3" width="${at(Math.max(0.004, high - low))}" height="2"/></svg>`;
}

async function cards({ result, findings, blob }: StoredRun): Promise<Markup> {
  const chosen = mostTelling(result, findings, SHOWN);
  const { pictures } = await makeAlbum(chosen, blob, PICTURE_BUDGET);
  return html`<div class="cards">${chosen.map((finding) => card(result, finding, pictures.get(finding)))}</div>`;
}

function card(result: Result, finding: Finding, pictures: Pictures | undefined): Markup {
  const { attack, constraints, outputChange, perturbation, subject, threatModel } = finding;
  const { trueLabel, before, after } = outputChange;
  const norm = constraints.norm as ThreatResult["norm"];
  const size = `${NORMS[norm]} ${epsilonText(changeIn(norm, perturbation))} of ${epsilonText(constraints.epsilon)}`;
  return html`<article>${pictures === undefined ? fields(finding) : triptych(pictures)}<dl>
<dt>Input</dt><dd>Sample ${subject.index}: ${className(result, trueLabel)}, answered right, ${sureness(before.confidence)} sure</dd>
<dt>Action</dt><dd>${short(attack.name)} (${threatModel.knowledge}), ${plural(attack.queriesUsed, "query", "queries")}, seed ${finding.seed}; ${size}</dd>
<dt>Outcome</dt><dd>${className(result, after.label)}, ${sureness(after.confidence)} sure; to the eye ${perturbation.perceptibility.band}</dd></dl></article>`;
}

function triptych({ before, after, change, amplified }: Pictures): Markup {
  const picture = (source: string, caption: string) =>
    html`<figure><img src="${source}" alt=""><figcaption>${caption}</figcaption></figure>`;
  return html`<div class="triptych">${picture(before, "before")}${picture(after, "after")}${picture(change, `change x ${amplified}`)}</div>`;
}

/** What is no image: the fields that changed most. */
function fields(finding: Finding): Markup {
  const { edits } = finding.perturbation.location;
  if (edits !== undefined)
    return html`<div class="fields">${edits.slice(0, 3).map((edit) => html`<p>${short(editText(edit))}</p>`)}<p>${plural(edits.length, "edit")} in all</p></div>`;
  const { fields: changed = [], support } = finding.perturbation.location;
  const shown = changed.slice(0, 3);
  const digits = fieldDigits(finding, 3);
  return html`<div class="fields">${shown.map(({ index, name, from, to }) => html`<p><b>${short(name ?? `field ${index}`)}</b> ${short(fieldText(from, digits))} to ${short(fieldText(to, digits))}</p>`)}<p>${share(support)} of the values changed</p></div>`;
}

function findingNote(result: Result, findings: number): string {
  const wrong = result.clean.of - result.clean.correct;
  const natural = `${plural(wrong, "sample")} ${wrong === 1 ? "was" : "were"} wrong without any attack.`;
  if (findings === 0) return `No verified misclassification was found. ${natural}`;
  const shown = Math.min(findings, SHOWN);
  return `${plural(findings, "verified finding")}${shown < findings ? `, ${shown} of them above` : ""}. ${natural} Brackets: 95 % Wilson intervals, what another draw of as many samples could have given.`;
}
