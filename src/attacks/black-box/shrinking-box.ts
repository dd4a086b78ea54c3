/**
 * The nearest point by labels alone, for models that are flat between thresholds: random points in an L-inf ball that shrinks below each success. Each success is first
 * clipped as close to the clean point as it stays one, by bisection; new points keep some of its coordinates and draw the others anew.
 */
import type { Rng } from "../../base/rng.ts";
import { defineLabelAttack, type LabelSample } from "../attack.ts";

export type ShrinkingBoxSettings = {
  readonly queries: number;
  /** Where bisection stops: a share of the box. */
  readonly tolerance: number;
};

/** By how much the ball of the next points is smaller than that of the last success: boldly, or just so. */
const SHRINK = [0.7, 0.9, 0.97, 0.999];

async function runShrinkingBox(sample: LabelSample, { queries, tolerance }: ShrinkingBoxSettings): Promise<void> {
  const { x0, threat, rng } = sample;
  const free = [...x0.keys()].filter((i) => threat.mask?.[i] !== 0);
  let best: Float32Array | null = null;
  let radius = 1;
  for (let asked = 0; asked < queries; ) {
    const within: number = best === null ? 1 : radius * SHRINK[rng.integer(SHRINK.length)]!;
    const x = drawn(x0, best, free, within, rng);
    asked++;
    if (!(await sample.misleads(x))) continue;
    best = x;
    // The smallest ball into which it can be clipped.
    let low = 0;
    let high = lengthOf(x, x0);
    while (high - low > tolerance && asked < queries) {
      const middle = (low + high) / 2;
      const clipped = clip(x, x0, middle);
      asked++;
      if (await sample.misleads(clipped)) {
        best = clipped;
        high = lengthOf(clipped, x0);
      } else low = middle;
    }
    radius = lengthOf(best, x0);
  }
}

/** The last success clipped into the ball, with a random share of its coordinates drawn anew: an end of the ball, the clean value, or anything between. */
function drawn(
  x0: Float32Array,
  best: Float32Array | null,
  free: readonly number[],
  radius: number,
  rng: Rng,
): Float32Array {
  const x = best === null ? Float32Array.from(x0) : clip(best, x0, radius);
  const share = best === null ? 1 : rng.uniform();
  for (const i of free) {
    if (rng.uniform() >= share) continue;
    const kind = rng.uniform();
    const shift = kind < 0.3 ? radius : kind < 0.6 ? -radius : kind < 0.8 ? 0 : radius * (2 * rng.uniform() - 1);
    x[i] = Math.min(1, Math.max(0, x0[i]! + shift));
  }
  return x;
}

function clip(x: Float32Array, x0: Float32Array, radius: number): Float32Array {
  return x.map((value, i) => Math.min(x0[i]! + radius, Math.max(x0[i]! - radius, value)));
}

function lengthOf(x: Float32Array, x0: Float32Array): number {
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - x0[i]!)), 0);
}

export const shrinkingBox = defineLabelAttack<ShrinkingBoxSettings>({
  name: "shrinking-box",
  summary:
    "random points in a ball that shrinks below each success, on labels alone: for trees and other models that are flat",
  source: "own; a random search as Cube is for trees (arXiv:1906.09972), with bisection",
  defaults: { queries: 2000, tolerance: 1e-4 },
  norms: ["linf"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  unsuitable: ({ threat, dims }) =>
    threat.quantize === "uint8" || dims.length > 1 ? "works for vectors, not for 8-bit inputs or images" : null,
  run: runShrinkingBox,
});
