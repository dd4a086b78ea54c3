import type { Finding, Result } from "../../assess/schema.ts";
import { type ConfidenceBar, confidenceBars } from "../charts/confidence.ts";
import { tableOf } from "../charts/figure.ts";
import { defenseCounts, editText } from "../edits.ts";
import { grouped, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { RULE } from "../most-telling.ts";
import type { Pictures } from "../picture.ts";
import { findingSeverity } from "../severity.ts";
import { markedTexts } from "../shown.ts";
import { tellFinding } from "../story.ts";
import { fieldDigits, fieldText } from "../words.ts";
import { className, command, PIXELATED, severityChip, type View } from "./view.ts";

/** The most telling findings, each as an experiment with its pictures. */
export function gallery(view: View): Markup {
  const { chosen, run } = view;
  if (run.findings.length === 0)
    return html`<section id="gallery"><h2>Findings</h2><p>No finding: no attack that ran fooled the model on these samples.</p></section>`;
  return html`<section id="gallery"><h2>The most telling findings</h2>
<p>${leftOut(view)} Order: ${RULE}.</p>
${chosen.some(({ subject }) => subject.modality === "image") && html`<p class="muted small">The change is drawn amplified: middle gray where nothing changed, lighter or darker where the input became so.</p>`}
${defenses(view)}<div class="cards">${chosen.map((finding) => card(view, finding))}</div>
</section>
`;
}

/** How many of how many are shown, and why not the others. */
function leftOut({ chosen, run, album }: View): Content {
  const rest = run.findings.length - chosen.length;
  return [
    `${plural(chosen.length, "finding")} of ${grouped(run.findings.length)}`,
    rest > 0 && html`; the table below has all, <code>--pictures N</code> shows more of them here`,
    ".",
    album.unreadable > 0 && ` The inputs of ${grouped(album.unreadable)} were not stored or can't be read.`,
    album.noRoom > 0 && ` ${grouped(album.noRoom)} are without pictures, to keep this file small.`,
    album.reduced > 0 && ` The pictures of ${grouped(album.reduced)} are reduced.`,
  ];
}

function card(view: View, finding: Finding): Markup {
  const { result, anchors } = view;
  const { outputChange } = finding;
  const anchor = anchors.get(finding)!;
  const pair = findingSeverity(result.risk, finding);
  const { input, action, outcome, command: line } = tellFinding(finding, result);
  const column = (title: string, items: readonly string[]) =>
    html`<div><h4>${title}</h4><ul>${items.map((item) => html`<li>${item}</li>`)}</ul></div>`;
  return html`<article class="card" id="${anchor}"><header><h3>${named(className(result, outputChange.trueLabel))} taken for ${named(className(result, outputChange.after.label))}</h3>${pair !== undefined && severityChip(pair.shown, pair.severityHigh)}<a class="id" href="#${anchor}">${finding.id.slice(0, 12)}</a></header>
<div class="show">${exhibit(view, finding)}<div class="beliefs">${beliefs(result, finding)}</div></div>
<div class="told">${column("Input", input)}${column("Action", action)}${column("Outcome", outcome)}</div>
<details><summary>Make it again</summary>${command(line)}</details></article>
`;
}

function exhibit({ album, result, texts }: View, finding: Finding): Content {
  const { edits } = finding.perturbation.location;
  if (edits !== undefined) return editedText(texts.get(finding), edits);
  const pictures = album.pictures.get(finding);
  if (pictures !== undefined) return shots(result, finding, pictures);
  const { fields } = finding.perturbation.location;
  if (fields !== undefined && fields.length > 0) return changedFields(finding, fields);
  return html`<p class="muted">No picture: the inputs of this finding were not stored, can't be read, or did not fit.</p>`;
}

function shots(result: Result, { outputChange }: Finding, pictures: Pictures): Markup {
  const { before, after, change, amplified, width, height, reducedFrom, note } = pictures;
  const [was, is] = [className(result, outputChange.before.label), className(result, outputChange.after.label)];
  const size = html` width="${width}" height="${height}"${width <= PIXELATED && html` class="pixels"`}`;
  const shot = (src: string, alt: string, caption: Content) =>
    html`<figure><img${size} src="${src}" alt="${alt}"><figcaption>${caption}</figcaption></figure>`;
  const reduced = reducedFrom !== null && html`, reduced from ${reducedFrom.width}x${reducedFrom.height}`;
  return html`<div class="shots">${shot(before, `Before: the model says ${was}`, ["Before", reduced, note !== null && `, ${note}`])}${shot(after, `After: the model says ${is}`, "After")}${shot(change, "What was changed", amplified === 1 ? "Change" : `Change, ${amplified} times`)}</div>`;
}

type Edits = NonNullable<Finding["perturbation"]["location"]["edits"]>;

/** The text before and after, with its edits marked; without the stored text, the edits alone. */
function editedText(original: string | undefined, edits: Edits): Markup {
  const list = html`<ul class="edits">${edits.map((edit) => html`<li>${editText(edit)}${edit.noticed && " (a reader can see it)"}</li>`)}</ul>`;
  if (original === undefined) return html`<div>${list}</div>`;
  return markedTexts(original, edits, list);
}

/** What would have stopped the findings about texts. */
function defenses({ run }: View): Content {
  const counts = defenseCounts(run.findings);
  if (counts.length === 0) return null;
  const rows = counts.map(({ name, stops, of }) => [name, `${stops} of ${of}`]);
  return html`<div class="box"><h3>What would have stopped them</h3>${tableOf({ columns: [{ name: "Normalization" }, { name: "Findings stopped", numeric: true }], rows }, "What would have stopped them")}<p class="muted small">Each was applied to the adversarial text, and the model asked again; it counts only where the clean text still is answered right.</p></div>`;
}

type Fields = NonNullable<Finding["perturbation"]["location"]["fields"]>;

function changedFields(finding: Finding, fields: Fields): Markup {
  const { magnitude } = finding.perturbation;
  const digits = fieldDigits(finding, 4);
  const columns = [{ name: "Field" }, { name: "Before", numeric: true }, { name: "After", numeric: true }];
  const rows = fields.map(({ index, name, from, to }) => [
    name === undefined ? `field ${index}` : named(name),
    fieldText(from, digits),
    fieldText(to, digits),
  ]);
  const rest = (magnitude.fields ?? magnitude.l0) - fields.length;
  return html`<div>${tableOf({ columns, rows }, "Changed fields")}${rest > 0 && html`<p class="muted small">And ${plural(rest, "smaller change")}.</p>`}</div>`;
}

/** What the model believed of the true and of the wrong class, before and after. */
function beliefs(result: Result, { outputChange }: Finding): Markup {
  const { trueLabel, before, after } = outputChange;
  const bars = (answer: Answer): ConfidenceBar[] =>
    [trueLabel, after.label].map((label) => ({
      label: className(result, label),
      confidence: confidenceIn(answer, label),
      right: label === trueLabel,
    }));
  return html`<div><h4>Before</h4>${confidenceBars(bars(before))}</div><div><h4>After</h4>${confidenceBars(bars(after))}</div>`;
}

type Answer = Finding["outputChange"]["before"];

/** Confidence in any class, the way the finding states it for its own: the score itself where scores are probabilities, else their softmax. */
function confidenceIn({ label, confidence, scores }: Answer, asked: number): number {
  if (asked === label) return confidence;
  if (Math.abs(scores[label]! - confidence) < 1e-6) return Math.min(1, Math.max(0, scores[asked]!));
  const top = Math.max(...scores);
  return Math.exp(scores[asked]! - top) / scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
}
