import type { Rng } from "../base/rng.ts";
import type { Threat } from "../threats/threat.ts";
import type { InnerLoss, LiveWeights, OpenModel } from "./open-model.ts";

/** A batch of points and what is asked of them. */
export interface Batch {
  /** [count, size], clean. */
  readonly x0: Float32Array;
  readonly labels: Int32Array;
  readonly size: number;
}

/** Row i of a packed array, without copying. */
export function rowOf(packed: Float32Array, i: number, size: number): Float32Array {
  return packed.subarray(i * size, (i + 1) * size);
}

/**
 * Lengths in which a threat takes a batch. An L-inf ball is a box: what happens to one coordinate asks for no other, so the whole batch is one long
 * point, with one pair of bounds. Other norms, and masks, are about a row.
 */
function pieceSize({ x0, size }: Batch, { norm, mask }: Threat): number {
  return norm === "linf" && mask === null ? x0.length : size;
}

/** Draws each row's start: uniform in the threat's ball and the box. */
export function randomStarts(batch: Batch, threat: Threat, rng: Rng): Float32Array {
  const { x0 } = batch;
  const size = pieceSize(batch, threat);
  if (size === x0.length) return threat.randomPoint(x0, rng);
  const x = new Float32Array(x0.length);
  for (let from = 0; from < x0.length; from += size)
    x.set(threat.randomPoint(x0.subarray(from, from + size), rng), from);
  return x;
}

export interface Ascent {
  readonly threat: Threat;
  readonly steps: number;
  /** Length of a step, in the threat's norm. */
  readonly stepSize: number;
  readonly loss: InnerLoss;
  /** Labels, or reference logits for `divergence`. */
  readonly towards: Int32Array | Float32Array;
}

/**
 * Projected steepest ascent of a whole batch, in place: x_{t+1} = Pi(x_t + alpha steepest(grad L(x_t))). No row is judged and none stops early:
 * training wants the point, not a verdict.
 */
export async function ascend(
  model: OpenModel,
  weights: LiveWeights,
  batch: Batch,
  x: Float32Array,
  { threat, steps, stepSize, loss, towards }: Ascent,
): Promise<Float32Array> {
  const size = pieceSize(batch, threat);
  const cut = (packed: Float32Array) => Array.from({ length: packed.length / size }, (_, i) => rowOf(packed, i, size));
  // The same arrays at each step: a threat keeps the bounds around a center.
  const centers = cut(batch.x0);
  const points = cut(x);
  for (let step = 0; step < steps; step++) {
    const { gradients } = await model.gradient(loss, x.slice(), towards, weights);
    for (const [i, center] of centers.entries())
      threat.ascend(points[i]!, rowOf(gradients, i, size), stepSize, center, points[i]!);
  }
  return x;
}
