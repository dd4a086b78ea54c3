import { groupProblems } from "../base/errors.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Classifier, GradientRows, Rows } from "../models/classifier.ts";
import { stepNotes } from "../models/step-notes.ts";
import type { Check } from "./schema.ts";
import { median } from "./statistics.ts";

/** Checks of the model itself, whatever the threat, on the audit subset. */
export interface ModelChecks {
  readonly checks: readonly Check[];
  /** The same scores for every sample: no attack can change anything, and "unbounded reaches 0" is void. */
  readonly constant: boolean;
}

const REPEATS = 5;

function pack(samples: readonly DataSample[]): Rows {
  const size = samples[0]!.point.length;
  const data = new Float32Array(samples.length * size);
  samples.forEach((sample, i) => {
    data.set(sample.point, i * size);
  });
  return { data, count: samples.length };
}

/** As many samples as one pass may hold; a batch of one takes other kernels, so two rows at least where the model can. */
function batches(samples: readonly DataSample[], maxBatch: number): (readonly DataSample[])[] {
  const result: (readonly DataSample[])[] = [];
  for (let from = 0; from < samples.length; from += maxBatch) result.push(samples.slice(from, from + maxBatch));
  const last = result.at(-1);
  if (last?.length === 1 && maxBatch > 1) result[result.length - 1] = [last[0]!, last[0]!];
  return result;
}

async function allScores(classifier: Classifier, samples: readonly DataSample[]): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  const width = classifier.classes.length;
  for (const batch of batches(samples, classifier.maxBatch)) {
    const scores = await classifier.scores(pack(batch));
    for (let i = 0; i < batch.length; i++) rows.push(scores.slice(i * width, (i + 1) * width));
  }
  return rows.slice(0, samples.length);
}

function normalized(scores: Float32Array): Float32Array {
  const norm = Math.hypot(...scores);
  return norm === 0 ? scores : scores.map((score) => score / norm);
}

const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
const argmax = (scores: Float32Array) => scores.indexOf(Math.max(...scores));

/** AutoAttack's rule: another class, or normalized logits that differ by more than 1e-4, mean a randomized model. */
async function determinism(
  classifier: Classifier,
  samples: readonly DataSample[],
  first: readonly Float32Array[],
): Promise<Check> {
  let largest = 0;
  let flips = 0;
  for (let repeat = 1; repeat < REPEATS; repeat++) {
    const again = await allScores(classifier, samples);
    again.forEach((scores, i) => {
      largest = Math.max(largest, distance(normalized(scores), normalized(first[i]!)));
      if (argmax(scores) !== argmax(first[i]!)) flips++;
    });
  }
  const random = flips > 0 || largest > 1e-4;
  return {
    id: "determinism",
    status: random ? "fail" : "pass",
    detail: random
      ? `the same input gives other outputs: ${flips} flips, normalized scores up to ${largest.toExponential(1)} apart`
      : `${samples.length} inputs, ${REPEATS} times each: the same outputs`,
  };
}

/** Whether the values are probabilities already, or so extreme that cross-entropy has no slope left in float32. */
function scale(classifier: Classifier, scores: readonly Float32Array[]): Check {
  const id = "scores-are-logits";
  if (classifier.capabilities.output === "label")
    return { id, status: "skipped", detail: "the model gives labels only" };
  const sumsToOne = (row: Float32Array) =>
    row.every((p) => p >= -1e-5 && p <= 1 + 1e-5) && Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 1e-5;
  if (scores.every(sumsToOne))
    return {
      id,
      status: "warn",
      detail: "the scores are probabilities, and no logits were found behind them: gradients may vanish",
    };
  const missing = scores.map((row) => {
    const top = Math.max(...row);
    // 1 - max softmax, without cancellation: the mass of the other classes.
    const others = row.reduce((sum, score) => sum + Math.exp(score - top), 0) - 1;
    return others / (1 + others);
  });
  if (median(missing) < 1e-7)
    return {
      id,
      status: "warn",
      detail: "saturated: half the samples have probability 1 in float32; losses on logits still work",
    };
  return { id, status: "pass", detail: "logits of ordinary size" };
}

function zeroRows({ gradients }: GradientRows, rows: number): { zero: number; broken: number } {
  const size = gradients.length / rows;
  let zero = 0;
  let broken = 0;
  for (let row = 0; row < rows; row++) {
    const gradient = gradients.subarray(row * size, (row + 1) * size);
    if (gradient.every((value) => value === 0)) zero++;
    if (!gradient.every(Number.isFinite)) broken++;
  }
  return { zero, broken };
}

/** A gradient that is exactly zero tells an attack nothing. Any is worth a word; more than 5 % with the margin loss void gradient attacks. */
async function gradientsZero(classifier: Classifier, samples: readonly DataSample[]): Promise<Check> {
  const id = "gradients-zero";
  if (!classifier.capabilities.gradient) return { id, status: "skipped", detail: "the model gives no gradients" };
  if (samples.length === 0) return { id, status: "skipped", detail: "no sample is classified correctly" };
  const counts = { "cross-entropy": 0, margin: 0 };
  let broken = 0;
  let of = 0;
  for (const batch of batches(samples, classifier.maxBatch)) {
    of += batch.length;
    for (const loss of ["cross-entropy", "margin"] as const) {
      const labels = Int32Array.from(batch, (sample) => sample.label);
      const rows = zeroRows(await classifier.gradient(pack(batch), loss, labels), batch.length);
      counts[loss] += rows.zero;
      broken += rows.broken;
    }
  }
  const detail = `of ${of} gradients, exactly zero: ${counts["cross-entropy"]} with cross-entropy, ${counts.margin} with the margin loss; ${broken} not finite`;
  if (broken > 0 || counts.margin > 0.05 * of) return { id, status: "fail", detail };
  return { id, status: counts.margin + counts["cross-entropy"] > 0 ? "warn" : "pass", detail };
}

function batching(classifier: Classifier): Check {
  return classifier.maxBatch === 1
    ? {
        id: "batch",
        status: "warn",
        detail: "the model runs row by row: its batch could not be freed (slow, and other kernels)",
      }
    : { id: "batch", status: "pass", detail: `up to ${classifier.maxBatch} rows in one pass` };
}

/** `samples`: the audit subset; `correct`: those of it that the model gets right. */
export async function checkModel(
  classifier: Classifier,
  samples: readonly DataSample[],
  correct: readonly DataSample[],
): Promise<ModelChecks> {
  const scores = await allScores(classifier, samples);
  const constant = scores.length > 1 && scores.every((row) => distance(row, scores[0]!) === 0);
  const checks = [
    await gradientsZero(classifier, correct),
    await determinism(classifier, samples, scores),
    scale(classifier, scores),
    batching(classifier),
    ...stepNotes(classifier.steps ?? { straightThrough: [], flat: [] }).map((detail) => ({
      id: "step-functions",
      status: "warn" as const,
      detail,
    })),
    ...groupProblems(classifier.problems).map(({ code, subject, got, hint }) => ({
      id: "model",
      status: "warn" as const,
      detail: [`${code} ${subject}`, got, hint].filter((part) => part !== undefined).join(": "),
    })),
  ];
  return { checks, constant };
}
