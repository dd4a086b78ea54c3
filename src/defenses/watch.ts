import { Rng } from "../base/rng.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { type Batch, rowOf } from "./inner-attacks.ts";
import type { OpenModel, Weights } from "./open-model.ts";
import type { TrainingRows } from "./training-rows.ts";

export interface WatchResult {
  /** Right without an attack, and right at every point of it. Shares of `of`. */
  readonly clean: number;
  readonly robust: number;
  readonly of: number;
}

export interface WatchOptions {
  readonly threat: Threat;
  readonly seed: number;
  /** Rows of a pass. */
  readonly batch: number;
  readonly signal?: AbortSignal;
}

/** Steps of the attack by which epochs are compared. */
export const WATCH_STEPS = 10;

/**
 * Accuracy on rows that are not trained on, without and under PGD-10 that raises the margin. Cross-entropy would be blind to what label
 * smoothing and saturated logits do. Every call starts from the same random points, so epochs differ by the weights alone. This is a watch, not
 * a verdict: `assess` attacks far harder.
 */
export async function watch(
  model: OpenModel,
  weights: Weights,
  rows: TrainingRows,
  { threat, seed, batch: size, signal }: WatchOptions,
): Promise<WatchResult> {
  let clean = 0;
  let robust = 0;
  for (let from = 0; from < rows.count; from += size) {
    const indices = Array.from({ length: Math.min(size, rows.count - from) }, (_, i) => from + i);
    let standing = await keepCorrect(model, weights, packed(rows, indices), indices);
    clean += standing.length;
    const points = new Map(
      standing.map(({ index, x0 }) => [index, threat.randomPoint(x0, Rng.of(seed).fold("watch").fold(index))]),
    );
    for (let step = 0; step <= WATCH_STEPS && standing.length > 0; step++) {
      signal?.throwIfAborted();
      standing = await stepAll(model, weights, standing, points, threat, step < WATCH_STEPS);
    }
    robust += standing.length;
  }
  return { clean: clean / rows.count, robust: robust / rows.count, of: rows.count };
}

interface Standing {
  readonly index: number;
  readonly x0: Float32Array;
  readonly label: number;
}

function packed(rows: TrainingRows, indices: readonly number[]): Batch {
  const x0 = new Float32Array(indices.length * rows.size);
  indices.forEach((row, i) => {
    rows.copy(row, x0, i * rows.size);
  });
  return { x0, labels: Int32Array.from(indices, (row) => rows.labels[row]!), size: rows.size };
}

async function keepCorrect(
  model: OpenModel,
  weights: Weights,
  { x0, labels, size }: Batch,
  indices: readonly number[],
): Promise<Standing[]> {
  const { logits } = await model.gradient("margin", x0.slice(), labels, weights);
  return indices.flatMap((index, i) => {
    const label = labels[i]!;
    return predictedClass(rowOf(logits, i, model.classes)) === label ? [{ index, label, x0: rowOf(x0, i, size) }] : [];
  });
}

/** Judges all points, drops the rows that fell, and moves the others on. A pass has at least two rows: one alone takes other kernels. */
async function stepAll(
  model: OpenModel,
  weights: Weights,
  standing: readonly Standing[],
  points: ReadonlyMap<number, Float32Array>,
  threat: Threat,
  move: boolean,
): Promise<Standing[]> {
  const size = standing[0]!.x0.length;
  const filled = standing.length === 1 ? [standing[0]!, standing[0]!] : standing;
  const x = new Float32Array(filled.length * size);
  filled.forEach(({ index }, i) => {
    x.set(points.get(index)!, i * size);
  });
  const labels = Int32Array.from(filled, ({ label }) => label);
  const { logits, gradients } = await model.gradient("margin", x, labels, weights);
  const alpha = (2.5 * threat.effectiveEpsilon) / WATCH_STEPS;
  return standing.filter(({ index, label, x0 }, i) => {
    if (predictedClass(rowOf(logits, i, model.classes)) !== label) return false;
    const point = points.get(index)!;
    if (move) threat.ascend(point, rowOf(gradients, i, size), alpha, x0, point);
    return true;
  });
}
