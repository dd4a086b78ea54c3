import { groupProblems } from "../../base/errors.ts";
import { scoresOf } from "../../models/row-batches.ts";
import { stepNotes } from "../../models/step-notes.ts";
import { median } from "../statistics.ts";
import { type CheckDefinition, fail, type ModelContext, type Outcome, pass, skipped, warn } from "./check.ts";
import { pointsOf } from "./rows.ts";

const REPEATS = 5;
/** Largest distance of L2-normalized logits of one input that is not called random: AutoAttack's constant. */
const SAME = 1e-4;
/** Probability that is missing to 1 below which float32 has lost the slope of cross-entropy. */
const SATURATED = 1e-7;

function normalized(scores: Float32Array): Float32Array {
  const norm = Math.hypot(...scores);
  return norm === 0 ? scores : scores.map((score) => score / norm);
}

const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
const argmax = (scores: Float32Array) => scores.indexOf(Math.max(...scores));

/** The same scores for every sample: no attack can change anything. */
export function isConstant({ scores }: Pick<ModelContext, "scores">): boolean {
  return scores.length > 1 && scores.every((row) => distance(row, scores[0]!) === 0);
}

async function determinism({ classifier, samples, scores: first }: ModelContext): Promise<Outcome[]> {
  let largest = 0;
  let flips = 0;
  for (let repeat = 1; repeat < REPEATS; repeat++) {
    const again = await scoresOf(classifier, pointsOf(samples), true);
    again.forEach((scores, i) => {
      largest = Math.max(largest, distance(normalized(scores), normalized(first[i]!)));
      if (argmax(scores) !== argmax(first[i]!)) flips++;
    });
  }
  return flips > 0 || largest > SAME
    ? fail(
        `the same input gives other outputs: ${flips} flips, normalized scores up to ${largest.toExponential(1)} apart`,
      )
    : pass(`${samples.length} inputs, ${REPEATS} times each: the same outputs`);
}

function scoresAreLogits({ classifier, scores }: ModelContext): Outcome[] {
  if (classifier.trees !== undefined) return skipped("trees have no gradients that could vanish");
  if (classifier.capabilities.output === "label") return skipped("the model gives labels only");
  const sumsToOne = (row: Float32Array) =>
    row.every((p) => p >= -1e-5 && p <= 1 + 1e-5) && Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 1e-5;
  return scores.every(sumsToOne)
    ? warn("the scores are probabilities, and no logits were found behind them: gradients may vanish")
    : pass("logits");
}

function saturation({ classifier, scores }: ModelContext): Outcome[] {
  if (classifier.capabilities.output === "label") return skipped("the model gives labels only");
  const missing = scores.map((row) => {
    const top = Math.max(...row);
    // 1 - max softmax, without cancellation: the mass of the other classes.
    const others = row.reduce((sum, score) => sum + Math.exp(score - top), 0) - 1;
    return others / (1 + others);
  });
  const typical = median(missing);
  return typical < SATURATED
    ? warn("half the samples have probability 1 in float32: cross-entropy has no slope there; losses on logits have")
    : pass(`the median sample lacks ${typical.toExponential(1)} to probability 1`);
}

function batch({ classifier: { maxBatch, asked } }: ModelContext): Outcome[] {
  // A request of one row is how such a model is deployed, and no kernel of ours.
  if (asked !== undefined) return [];
  return maxBatch === 1
    ? warn("the model runs row by row: its batch could not be freed (slow, and other kernels)")
    : pass(`up to ${maxBatch} rows in one pass`);
}

function stepFunctions({ classifier: { steps, capabilities } }: ModelContext): Outcome[] {
  if (steps === undefined || !capabilities.gradient) return [];
  const notes = stepNotes(steps);
  return notes.length > 0
    ? notes.flatMap(warn)
    : pass("no rounding, sign or comparison between the input and the scores");
}

function adaptations({ classifier }: ModelContext): Outcome[] {
  // Whoever knows an ensemble that was read uses its thresholds: that it has no gradients is nothing to warn of.
  const readable = classifier.trees !== undefined;
  const problems = classifier.problems.filter(({ code }) => !(readable && code === "E_OP_NO_GRADIENT"));
  return groupProblems(problems).flatMap(({ code, subject, got, hint }) =>
    warn([`${code} ${subject}`, got, hint].filter((part) => part !== undefined).join(": ")),
  );
}

export const MODEL_PROBES: readonly CheckDefinition<ModelContext>[] = [
  {
    id: "determinism",
    rule: "The audit subset goes through the model 5 times; a label that changes, or L2-normalized logits more than 1e-4 apart, fail.",
    source: "AutoAttack (arXiv:2003.01690), its check for randomized models",
    remedy:
      "Switch the randomness off where the model is exported (dropout, noise, random resizing), or make it part of what is averaged; a single draw proves nothing.",
    run: determinism,
  },
  {
    id: "scores-are-logits",
    rule: "Warns where every row of scores lies in 0..1 and sums to 1 within 1e-5: a Softmax that could not be taken off.",
    source: "AutoAttack, its check for probability outputs",
    remedy: "Export the model without its last softmax, or name the logits with --output.",
    run: scoresAreLogits,
  },
  {
    id: "saturation",
    rule: "Warns where the median of 1 - max softmax over the audit subset is below 1e-7.",
    source: "Carlini and Wagner on defensive distillation (arXiv:1607.04311)",
    remedy:
      "Judge by attacks on logits (apgd-margin, apgd-t: part of standard), or divide the logits by a temperature.",
    run: saturation,
  },
  {
    id: "batch",
    rule: "Warns where only one row fits in a pass.",
    source: "this project: kernels for one row round differently",
    remedy: "Export the model with a free batch dimension.",
    run: batch,
  },
  {
    id: "step-functions",
    rule: "Warns of each operator between input and scores that is flat almost everywhere, or whose gradient passes straight through.",
    source: "Athalye et al. (arXiv:1802.00420), shattered gradients",
    remedy:
      "Rely on the score and label attacks too, and compare with the model before quantization; gradients alone prove little here.",
    run: stepFunctions,
  },
  {
    id: "model",
    rule: "Warns of whatever was wrong when the model was adapted: no gradients (other than of trees, whose thresholds are read) and why, outputs that differ from the file's.",
    source: "this project",
    remedy:
      "Export the model so that this is gone, or rely on attacks that it does not touch: scores and labels (--profile score, label), or a --surrogate.",
    run: adaptations,
  },
];
