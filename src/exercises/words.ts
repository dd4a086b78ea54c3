/** Figures and names as the exercises write them. */
import type { Knowledge } from "../attacks/attack.ts";
import { plural, sure } from "../report/format.ts";
import { KNOWS, limitText, threatName } from "../report/words.ts";
import type { Fact, LessonPicture, LessonTable } from "./lesson.ts";
import type { Answer, ExercisePlan, Subject, Workbench } from "./workbench.ts";

/** Three digits, without an exponent where one can do without: `0.00213`, `5.3`, `1.2e-7`. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** `'stop' (99.8 %)` */
export function answered({ classes }: { readonly classes: readonly string[] }, answer: Answer): string {
  return `'${classes[answer.label]}' (${sure(answer.confidence)})`;
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
export function answersTable({ model }: Workbench, before: Answer, after: Answer, shown = 5): LessonTable {
  const peak = (index: number) => Math.max(before.probabilities[index]!, after.probabilities[index]!);
  const order = model.classes.map((_, index) => index).sort((a, b) => peak(b) - peak(a) || a - b);
  return {
    caption: "What the model thinks it sees",
    columns: ["class", "before", "after"],
    rows: order
      .slice(0, shown)
      .map((index) => [model.classes[index]!, sure(before.probabilities[index]!), sure(after.probabilities[index]!)]),
  };
}

/** Factor by which the largest difference becomes visible: a whole number, so that it can be said. */
export function amplification(difference: Float32Array): number {
  const largest = difference.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return largest === 0 ? 1 : Math.max(1, Math.floor(0.5 / largest));
}

/** Before, after, and the difference around middle gray, amplified. None where inputs are no images. */
export function picturesOf(
  { model, options }: Workbench,
  { before, after }: { readonly before: Float32Array; readonly after: Float32Array },
  captions: { readonly before: string; readonly after: string },
): LessonPicture[] {
  if (options.data.modality !== "image") return [];
  const dims = model.dims;
  const difference = after.map((value, i) => value - before[i]!);
  const factor = amplification(difference);
  return [
    { caption: captions.before, dims, point: before },
    { caption: captions.after, dims, point: after },
    {
      caption: `the difference, times ${factor}; gray is no change`,
      dims,
      point: difference.map((value) => Math.min(1, Math.max(0, 0.5 + factor * value))),
    },
  ];
}
