import type { ScoreMeaning } from "../models/classifier.ts";
import { predictedClass } from "../threats/goal.ts";
import { type Case, incomparable } from "./case.ts";
import type { CaseInputs } from "./inputs.ts";
import type { Observation } from "./schema.ts";
import type { Version } from "./version.ts";

/** A margin below this may be rounding: the question is asked again. */
const THIN_MARGIN = 0.02;
const REPEATS = 3;
/** Where the repeats disagree. */
const MORE_REPEATS = 7;

/** What one version makes of one case: a pure function of the model's answers. Each input goes through the original model alone. */
export async function observe(
  version: Version,
  one: Case,
  inputs: Pick<CaseInputs, "point" | "clean">,
): Promise<Observation> {
  const reason = incomparable(version, one);
  if (reason !== null) return { state: "incomparable", detail: reason };
  const { classes } = version.record;
  const label = classes.indexOf(one.label);
  if (inputs.clean !== null) {
    const clean = answerOf(version, await version.classifier.verify(inputs.clean));
    if (clean.predicted !== label)
      return { state: "seed-fails", predicted: classes[clean.predicted] ?? "no class", margin: clean.margin };
  }
  const first = answerOf(version, await version.classifier.verify(inputs.point));
  const answers = [first];
  const wrong = () => answers.filter(({ predicted }) => predicted !== label).length;
  const askAgain = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) answers.push(answerOf(version, await version.classifier.verify(inputs.point)));
  };
  // A model that is only asked may answer differently each time, whatever the margin.
  if (first.margin < THIN_MARGIN || version.classifier.asked !== undefined) await askAgain(REPEATS - 1);
  if (wrong() > 0 && wrong() < answers.length) await askAgain(MORE_REPEATS);
  const { predicted, margin } = first;
  const told = { predicted: classes[predicted] ?? "no class", margin };
  if (wrong() > 0 && wrong() < answers.length)
    return { state: "unstable", ...told, wrong: { count: wrong(), of: answers.length } };
  if (predicted === label) return { state: "resists", ...told };
  return { state: one.taken.size === 0 || one.taken.has(told.predicted) ? "yields" : "yields-other", ...told };
}

function answerOf({ classifier }: Version, scores: Float32Array): { predicted: number; margin: number } {
  const predicted = predictedClass(scores);
  const shares = sharesOf(scores, classifier.meaning ?? "logits");
  const runnerUp = shares.reduce(
    (best, share, i) => (i === predicted ? best : Math.max(best, share)),
    Number.NEGATIVE_INFINITY,
  );
  const margin = (shares[predicted] ?? Number.NaN) - runnerUp;
  // Class -1: not a single number among the scores. No label is -1, so it counts as wrong.
  return { predicted, margin: Number.isFinite(margin) ? margin : 0 };
}

function sharesOf(scores: Float32Array, meaning: ScoreMeaning): number[] {
  if (meaning !== "logits") return [...scores];
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
