import type { Rng } from "../base/rng.ts";
import type { Threat } from "../threats/threat.ts";
import type { InnerLoss, OpenModel, Weights } from "./open-model.ts";

/** A batch of points and what is asked of them. Row arrays are parts of `x0`: a threat keeps the bounds around each. */
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

/** Draws each row's start: uniform in the threat's ball and the box. */
export function randomStarts({ x0, labels, size }: Batch, threat: Threat, rng: Rng): Float32Array {
  const x = new Float32Array(x0.length);
  for (let i = 0; i < labels.length; i++) x.set(threat.randomPoint(rowOf(x0, i, size), rng), i * size);
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
  weights: Weights,
  { x0, labels, size }: Batch,
  x: Float32Array,
  { threat, steps, stepSize, loss, towards }: Ascent,
): Promise<Float32Array> {
  const centers = Array.from(labels, (_, i) => rowOf(x0, i, size));
  for (let step = 0; step < steps; step++) {
    const { gradients } = await model.gradient(loss, x.slice(), towards, weights);
    for (const [i, center] of centers.entries()) {
      const point = rowOf(x, i, size);
      threat.ascend(point, rowOf(gradients, i, size), stepSize, center, point);
    }
  }
  return x;
}
