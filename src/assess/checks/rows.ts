import type { DataSample } from "../../data/dataset.ts";
import type { Classifier, LossName, Rows } from "../../models/classifier.ts";

export function packRows(points: readonly Float32Array[]): Rows {
  const size = points[0]!.length;
  const data = new Float32Array(points.length * size);
  points.forEach((point, i) => {
    data.set(point, i * size);
  });
  return { data, count: points.length };
}

/** As many items as one pass may hold; a batch of one takes other kernels, so two rows at least where the model can: the last is doubled. */
function batches<T>(items: readonly T[], maxBatch: number): (readonly T[])[] {
  const result: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += maxBatch) result.push(items.slice(from, from + maxBatch));
  const last = result.at(-1);
  if (last?.length === 1 && maxBatch > 1) result[result.length - 1] = [last[0]!, last[0]!];
  return result;
}

function rowOf(data: Float32Array, index: number, width: number): Float32Array {
  return data.slice(index * width, (index + 1) * width);
}

/** Scores of points, in their order. `fresh`: asked again, even of a model whose answers are remembered. */
export async function scoresOf(
  classifier: Classifier,
  points: readonly Float32Array[],
  fresh = false,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const batch of batches(points, classifier.maxBatch)) {
    const scores = await classifier.scores({ ...packRows(batch), fresh });
    for (let i = 0; i < batch.length; i++) rows.push(rowOf(scores, i, classifier.classes.length));
  }
  return rows.slice(0, points.length);
}

/** Gradients of an untargeted loss at points, in their order. */
export async function gradientsOf(
  classifier: Classifier,
  points: readonly Float32Array[],
  labels: readonly number[],
  loss: LossName,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  const items = points.map((point, i) => ({ point, label: labels[i]! }));
  for (const batch of batches(items, classifier.maxBatch)) {
    const packed = packRows(batch.map(({ point }) => point));
    const { gradients } = await classifier.gradient(
      packed,
      loss,
      Int32Array.from(batch, ({ label }) => label),
    );
    for (let i = 0; i < batch.length; i++) rows.push(rowOf(gradients, i, packed.data.length / packed.count));
  }
  return rows.slice(0, points.length);
}

export const pointsOf = (samples: readonly DataSample[]): Float32Array[] => samples.map(({ point }) => point);
export const labelsOf = (samples: readonly DataSample[]): number[] => samples.map(({ label }) => label);

/** The largest other score minus the label's: what the margin loss raises. */
export function marginLoss(scores: Float32Array, label: number): number {
  let best = Number.NEGATIVE_INFINITY;
  scores.forEach((score, i) => {
    if (i !== label) best = Math.max(best, score);
  });
  return best - scores[label]!;
}
