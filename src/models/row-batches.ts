import { pooled } from "../base/pooled.ts";
import type { Classifier, LossName, Rows } from "./classifier.ts";

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
  const rows = await pooled(batches(points, classifier.maxBatch), classifier.concurrency, async (batch) => {
    const scores = await classifier.scores({ ...packRows(batch), fresh });
    return batch.map((_, i) => rowOf(scores, i, classifier.classes.length));
  });
  return rows.flat().slice(0, points.length);
}

/** Gradients of an untargeted loss at points, in their order. */
export async function gradientsOf(
  classifier: Classifier,
  points: readonly Float32Array[],
  labels: readonly number[],
  loss: LossName,
): Promise<Float32Array[]> {
  const items = points.map((point, i) => ({ point, label: labels[i]! }));
  const rows = await pooled(batches(items, classifier.maxBatch), classifier.concurrency, async (batch) => {
    const packed = packRows(batch.map(({ point }) => point));
    const { gradients } = await classifier.gradient(
      packed,
      loss,
      Int32Array.from(batch, ({ label }) => label),
    );
    return batch.map((_, i) => rowOf(gradients, i, packed.data.length / packed.count));
  });
  return rows.flat().slice(0, points.length);
}
