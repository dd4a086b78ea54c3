/** Figures and names as the exercises write them. */
import type { Knowledge } from "../attacks/attack.ts";
import { epsilonText, percent, plural, sure } from "../report/format.ts";
import { KNOWS, limitText, threatName } from "../report/words.ts";
import type { Threat } from "../threats/threat.ts";
import type { Fact, LessonPictures, LessonTable } from "./lesson.ts";
import type { Answer, ExercisePlan, Subject, Workbench } from "./workbench.ts";

/** Three digits, without an exponent where one can do without: `0.00213`, `5.3`, `1.2e-7`. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** `'stop' (99.8 %)` */
export function answered({ classes }: { readonly classes: readonly string[] }, answer: Answer): string {
  return `'${classes[answer.label]}' (${sure(answer.confidence)})`;
}

/** A probability in a cell of a table. */
function cell(share: number): string {
  if (share > 0.999 && share < 1) return "> 99.9 %";
  return share > 0 && share < 0.001 ? "< 0.1 %" : percent(share);
}

/** How sure the model is, in a cell of a table. */
export function confidence(answer: Answer): string {
  return cell(answer.confidence);
}

/** The conditions that every exercise begins with. */
export function conditionsOf(
  { model, names, options }: Workbench,
  { threat }: Pick<ExercisePlan, "threat">,
  knowledge: Knowledge,
): Fact[] {
  const { modality } = options.data;
  const rounding = threat.quantize === "uint8" ? "; the result must fit an 8-bit file" : "";
  return [
    { name: "model", value: `${names.model}, ${plural(model.classes.length, "class", "classes")}` },
    { name: "data", value: `${names.data}, ${plural(options.data.length, "sample")} of ${model.dims.join(" x ")}` },
    { name: "may change", value: `${threatName(threat.id)}: ${limitText({ ...threat, modality })}${rounding}` },
    { name: "attacker", value: `${knowledge}: knows ${KNOWS[knowledge]}` },
  ];
}

/** The sample that a single-sample exercise works on. */
export function subjectFact({ model }: Workbench, { sample, wrongBefore }: Subject): Fact {
  const skipped =
    wrongBefore === 0 ? "" : `; ${plural(wrongBefore, "sample")} before it passed over: wrong without any attack`;
  return { name: "sample", value: `index ${sample.index}, true class '${model.classes[sample.label]}'${skipped}` };
}

/** The likeliest classes of either answer, side by side. */
export function answersTable({ model }: Workbench, before: Answer, after: Answer, shown = 4): LessonTable {
  const peak = (index: number) => Math.max(before.probabilities[index]!, after.probabilities[index]!);
  const order = model.classes.map((_, index) => index).sort((a, b) => peak(b) - peak(a) || a - b);
  return {
    caption: "What the model thinks it sees",
    columns: ["class", "before", "after"],
    rows: order
      .slice(0, shown)
      .map((index) => [model.classes[index]!, cell(before.probabilities[index]!), cell(after.probabilities[index]!)]),
  };
}

/** The pictures of a lesson; null where inputs are no images. */
export function picturesOf(
  { model, options }: Workbench,
  points: { readonly before: Float32Array; readonly after: Float32Array },
  captions: LessonPictures["captions"],
): LessonPictures | null {
  return options.data.modality === "image" ? { dims: model.dims, ...points, captions } : null;
}

/** A measured distance: in gray levels where the threat counts those, whatever float32 made of it. */
export function distanceText({ norm, quantize }: Threat, distance: number): string {
  const levels = norm === "linf" && quantize === "uint8";
  return epsilonText(levels ? Math.round(255 * distance) / 255 : distance);
}
