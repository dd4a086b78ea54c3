import type { Rng } from "../base/rng.ts";
import type { Levels, RowSpace } from "../inputs/row/row-space.ts";
import type { Limits } from "../inputs/text/align.ts";

export type Norm = "linf" | "l2" | "l1" | "l0" | "fields" | "text";

/** Who the attacker wants to be misled, and into what. */
export type Goal =
  | { readonly kind: "untargeted" }
  /** One class for all samples. */
  | { readonly kind: "targeted"; readonly target: number | "next" | "least-likely" }
  /** Any class of the set (the true one never counts). */
  | { readonly kind: "set"; readonly classes: readonly number[] };

/** What a `fields` threat allows, for attacks that search it. */
export interface RowLimits {
  readonly space: RowSpace;
  /** Fields that may change, by index. */
  readonly free: readonly number[];
  /** First and last level of an ordered field that the threat allows from `clean`. */
  reach(field: number, clean: number): readonly [number, number];
  /** Levels other than `clean` that the threat allows, nearest first; where there are more than `most`, so many spread evenly, the ends among them. */
  options(field: number, clean: number, most: number): Int32Array;
  /** Whether a row keeps every constraint of the threat. */
  legal(levels: Levels, clean: Levels): boolean;
}

/**
 * The constraints of an attacker, as a value. It samples, steps, projects and checks; an attack never decides by itself what is allowed.
 * All points are in attack space (0..1 per coordinate). `x0`, the clean point, must not change while it is attacked: its bounds are kept.
 */
export interface Threat {
  /** Stable name that holds everything that changes its meaning: `linf:8/255;uint8;untargeted`. */
  readonly id: string;
  readonly norm: Norm;
  /** As declared: in 0..1 units; a number of pixels or fields for L0, of fields for rows, of edits of all kinds for texts. */
  readonly epsilon: number;
  /** What is left of epsilon after quantization: floor(255 eps) / 255 for L-inf on 8-bit inputs, else epsilon. */
  readonly effectiveEpsilon: number;
  readonly quantize: "uint8" | "none";
  readonly goal: Goal;
  /** Coordinates that may change; null: all. */
  readonly mask: Uint8Array | null;
  /** Neighboring coordinates that the norm counts as one: the channels of a pixel for L0 on images, else 1. */
  readonly unit: number;
  /** Of `fields` threats: what the rows are that it allows. */
  readonly rows?: RowLimits;
  /** Of `text` threats: how many edits of each kind it allows. */
  readonly text?: Limits;
  /** Uniform in the ball, then clipped to the box; for L0 so many units at random, with uniform values. */
  randomPoint(x0: Float32Array, rng: Rng): Float32Array;
  /** A random point on the boundary of the ball, as AutoPGD starts: U(-1,1)^d / max|.| for L-inf, N(0,I) / |.| for L2; for L0 so many units at random, each value 0 or 1. */
  randomBoundaryPoint(x0: Float32Array, rng: Rng): Float32Array;
  /** The unit step (in this norm) that raises the loss most: sign(g), g / |g|_2, sign(g) in the one unit of largest |g|_1 for L0; zero for a zero gradient. Written into `out` if given (which may be `gradient` itself). */
  steepest(gradient: Float32Array, out?: Float32Array): Float32Array;
  /** One step of projected steepest ascent: project(x + length * steepest(gradient)), in one pass where the norm allows. Written into `out` (default: new; may be `x`). */
  ascend(x: Float32Array, gradient: Float32Array, length: number, x0: Float32Array, out?: Float32Array): Float32Array;
  /** Writes into `x` the nearest allowed point: ball, then box, then mask. Returns `x`. */
  project(x: Float32Array, x0: Float32Array): Float32Array;
  /** What the deployed model would really receive of `x`: 8-bit values inside the ball, or float32 as it is. A new array. */
  deployable(x: Float32Array, x0: Float32Array): Float32Array;
  /** Distance in this norm, 0..1 units; for L0 how many units differ. */
  distance(x: Float32Array, x0: Float32Array): number;
  /** The largest distance between two points of a box of `size` coordinates. */
  diameter(size: number): number;
  /** Null if `x` (as deployed) is allowed; else what is wrong: outside the ball (by how much), the box, the mask; not 8-bit; NaN. */
  violation(x: Float32Array, x0: Float32Array): string | null;
  /** The same attacker with another epsilon (curves, minimum-norm search). */
  withEpsilon(epsilon: number): Threat;
}
