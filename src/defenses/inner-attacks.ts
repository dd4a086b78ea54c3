import type { Rng } from "../base/rng.ts";
import type { Threat } from "../threats/threat.ts";

/** A batch of points and what is asked of them. */
export interface Batch {
  /** [count, size], clean. */
  readonly x0: Float32Array;
  readonly labels: Int32Array;
  readonly size: number;
}

/** Cross-entropy and margin are raised against labels, divergence against the logits of the clean points. */
export type InnerLoss = "cross-entropy" | "margin" | "divergence";

/** Projected steepest ascent: x_{t+1} = Pi(x_t + alpha steepest(grad L(x_t))). Training wants the last point, not a verdict: no row stops early. */
export interface Ascent {
  readonly loss: InnerLoss;
  readonly threat: Threat;
  readonly steps: number;
  /** alpha, in the threat's norm. */
  readonly stepSize: number;
}

/** Row i of a packed array, without copying. */
export function rowOf(packed: Float32Array, i: number, size: number): Float32Array {
  return packed.subarray(i * size, (i + 1) * size);
}

/** Draws each row's start: uniform in the threat's ball and the box. */
export function randomStarts({ x0, size }: Batch, threat: Threat, rng: Rng): Float32Array {
  const { norm, mask, effectiveEpsilon: epsilon } = threat;
  const x = new Float32Array(x0.length);
  if (norm === "linf" && mask === null) {
    // An L-inf ball is a box: the whole batch is one long point.
    rng.fillNoise(x);
    for (let i = 0; i < x.length; i++) x[i] = intoUnit(x0[i]! + epsilon * x[i]!);
  } else
    for (let from = 0; from < x.length; from += size)
      x.set(threat.randomPoint(x0.subarray(from, from + size), rng), from);
  return x;
}

/** The nearest value in 0..1, without a jump. */
function intoUnit(value: number): number {
  return 0.5 * (Math.abs(value) - Math.abs(value - 1) + 1);
}
