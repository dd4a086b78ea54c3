import { BlindspotError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import { behindMask, faultOf, intoBox, type ThreatOptions, threatId } from "./box.ts";
import { roundInsideSquares, roundToLevels } from "./grey-levels.ts";
import type { Norm, Threat } from "./threat.ts";

/** Where one sample may go. Made once for a sample: its bounds are used at every step. */
interface Region {
  /** Moves x to the nearest point of the ball, then of the box; what is not finite goes to x0. */
  project(x: Float32Array): void;
  /** Writes the projection of x + length * steepest(gradient) into `out`. */
  ascend(x: Float32Array, gradient: Float32Array, length: number, out: Float32Array): void;
}

/** What one norm does; box, mask, goal and 8-bit values are the same for all of them and are added in `lpThreat`. */
interface Geometry {
  readonly norm: Norm;
  /** A random offset of `free` coordinates: uniform in the unit ball. Good until the next one is drawn. */
  inside(free: number, rng: Rng): Float64Array;
  /** A random offset on the unit sphere, as AutoPGD starts. */
  onBoundary(free: number, rng: Rng): Float64Array;
  /** Unit step of steepest ascent, written into `out`. */
  steepest(gradient: Float32Array, out: Float32Array): void;
  /** The ball of radius epsilon around x0, cut by the box. */
  around(x0: Float32Array, epsilon: number): Region;
  length(x: Float32Array, x0: Float32Array): number;
  /** The largest distance between two points of the unit box with this many coordinates. */
  diameter(size: number): number;
  /** epsilon that 8-bit values can use. */
  quantized(epsilon: number): number;
  /** The 8-bit values nearest to x that lie inside the ball around x0. */
  toLevels(x: Float32Array, x0: Float32Array, epsilon: number): Float32Array;
}

/*
 * The loops below run once per step and sample, on data whose signs no branch predictor can guess: `Number(a > b)` and Math.abs compile to
 * instructions without a jump, which makes them several times as fast as `if` or Math.min.
 */

const LINF: Geometry = {
  norm: "linf",
  inside(free, rng) {
    const offset = scratch(free);
    rng.fillUniform(offset);
    for (let i = 0; i < free; i++) offset[i] = 2 * offset[i]! - 1;
    return offset;
  },
  onBoundary(free, rng) {
    const offset = LINF.inside(free, rng);
    const largest = offset.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    return largest > 0 ? offset.map((value) => value / largest) : offset;
  },
  // sign(g); sign(0) = 0, and a NaN moves nothing.
  steepest(gradient, out) {
    for (let i = 0; i < gradient.length; i++) out[i] = signOf(gradient[i]!);
  },
  around(x0, epsilon) {
    const lowAt = (i: number): number => Math.fround(intoBox(x0[i]! - epsilon, x0[i]!));
    const highAt = (i: number): number => Math.fround(intoBox(x0[i]! + epsilon, x0[i]!));
    // Kept from the third use on: a training step makes two, of a whole batch, and the bounds would be a third of its garbage.
    let bounds: { readonly low: Float32Array; readonly high: Float32Array } | undefined;
    let uses = 0;
    const keptBounds = () => {
      if (++uses > 2) bounds ??= { low: x0.map((_, i) => lowAt(i)), high: x0.map((_, i) => highAt(i)) };
      return bounds;
    };
    return {
      project(x) {
        const kept = keptBounds();
        if (kept === undefined)
          for (let i = 0; i < x.length; i++) x[i] = intoInterval(x[i]!, lowAt(i), highAt(i), x0[i]!);
        else for (let i = 0; i < x.length; i++) x[i] = intoInterval(x[i]!, kept.low[i]!, kept.high[i]!, x0[i]!);
      },
      ascend(x, gradient, length, out) {
        // The box is 1 wide: a longer step leads no further, and keeps the arithmetic of `nearInterval` exact.
        const alpha = Math.min(length, 2);
        const moved = (i: number): number => x[i]! + alpha * signOf(gradient[i]!);
        const kept = keptBounds();
        if (kept === undefined) for (let i = 0; i < x.length; i++) out[i] = nearInterval(moved(i), lowAt(i), highAt(i));
        else for (let i = 0; i < x.length; i++) out[i] = nearInterval(moved(i), kept.low[i]!, kept.high[i]!);
      },
    };
  },
  length(x, x0) {
    let largest = 0;
    for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]! - x0[i]!));
    return largest;
  },
  diameter: () => 1,
  // 8/255 must stay eight levels although 255 * (8/255) may fall short of 8 in floating point.
  quantized: (epsilon) => Math.floor(255 * epsilon + 1e-9) / 255,
  toLevels: roundToLevels,
};

const L2: Geometry = {
  norm: "l2",
  // A normal direction and a radius U^(1/d) is uniform in the d-ball.
  inside(free, rng) {
    const direction = L2.onBoundary(free, rng);
    const radius = rng.uniform() ** (1 / Math.max(free, 1));
    return direction.map((value) => radius * value);
  },
  onBoundary(free, rng) {
    const normal = drawn(free, () => rng.normal());
    const length = Math.sqrt(normal.reduce((sum, value) => sum + value * value, 0));
    return length > 0 ? normal.map((value) => value / length) : normal;
  },
  // g / |g|_2; a gradient that is zero or not finite moves nothing.
  steepest(gradient, out) {
    const factor = perLength(gradient);
    for (let i = 0; i < gradient.length; i++) out[i] = factor === 0 ? 0 : factor * gradient[i]!;
  },
  around(x0, epsilon) {
    // A point that float32 rounding left a hair outside stays, so that projecting twice is projecting once.
    function project(x: Float32Array): void {
      const length = L2.length(x, x0);
      const factor = length <= epsilon * (1 + 1e-6) + 1e-7 ? 1 : epsilon / length;
      for (let i = 0; i < x.length; i++) {
        const center = x0[i]!;
        x[i] = intoBox(factor === 1 ? x[i]! : center + factor * (x[i]! - center), center);
      }
    }
    return {
      project,
      ascend(x, gradient, length, out) {
        const factor = length * perLength(gradient);
        for (let i = 0; i < x.length; i++) out[i] = factor === 0 ? x[i]! : x[i]! + factor * gradient[i]!;
        project(out);
      },
    };
  },
  length(x, x0) {
    let squares = 0;
    for (let i = 0; i < x.length; i++) squares += (x[i]! - x0[i]!) ** 2;
    return Math.sqrt(squares);
  },
  diameter: (size) => Math.sqrt(size),
  quantized: (epsilon) => epsilon,
  toLevels: roundInsideSquares,
};

let offsets = new Float64Array(0);

/** The same memory each time: whole batches of random starts would otherwise be garbage half a megabyte at a time. */
function scratch(count: number): Float64Array {
  if (offsets.length < count) offsets = new Float64Array(count);
  return offsets.subarray(0, count);
}

/** A loop, because `Float64Array.from` with a function is ten times as slow. */
function drawn(count: number, draw: () => number): Float64Array {
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) result[i] = draw();
  return result;
}

/** -1, 0 or 1; 0 for NaN. */
function signOf(value: number): number {
  return Number(value > 0) - Number(value < 0);
}

/** 1 / |g|_2; 0 for a gradient that is zero or not finite. */
function perLength(gradient: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) squares += gradient[i]! * gradient[i]!;
  return squares > 0 && Number.isFinite(squares) ? 1 / Math.sqrt(squares) : 0;
}

/** The nearest value in low..high; `center` for what is not finite. */
function intoInterval(value: number, low: number, high: number, center: number): number {
  const below = Number(value < low);
  const above = Number(value > high);
  const result = (1 - below - above) * value + below * low + above * high;
  return Number.isNaN(result) ? center : result;
}

/** The same for a value within a few units of the interval, in two thirds of the time. */
function nearInterval(value: number, low: number, high: number): number {
  // max(a, b) = (a + b + |a - b|) / 2, min(a, b) = (a + b - |a - b|) / 2: exact once rounded to float32.
  const twice = value + low + Math.abs(value - low);
  return 0.25 * (twice + 2 * high - Math.abs(twice - 2 * high));
}

/** Points with |x_i - x0_i| <= epsilon in every coordinate. Epsilon in units of the input range scaled to 0..1. */
export function linf(epsilon: number, options: ThreatOptions = {}): Threat {
  return lpThreat(LINF, epsilon, options);
}

/** Points with |x - x0|_2 <= epsilon. Epsilon in units of the input range scaled to 0..1. */
export function l2(epsilon: number, options: ThreatOptions = {}): Threat {
  return lpThreat(L2, epsilon, options);
}

function lpThreat(geometry: Geometry, epsilon: number, options: ThreatOptions): Threat {
  if (!Number.isFinite(epsilon) || epsilon < 0)
    throw new BlindspotError({
      code: "E_THREAT_EPSILON",
      subject: geometry.norm,
      expected: "an epsilon of 0 or more",
      got: String(epsilon),
    });
  const { quantize = "none", goal = { kind: "untargeted" }, mask = null } = options;
  const radius = quantize === "uint8" ? geometry.quantized(epsilon) : epsilon;
  // Float32 arithmetic at the boundary of the ball; 8-bit values are compared as integers and need next to none.
  const limit = quantize === "uint8" ? radius * (1 + 1e-6) + 1e-7 : radius * (1 + 1e-5) + 1e-6;

  // By the array that holds the clean input: whoever attacks it passes the very same one at each step.
  const regions = new WeakMap<Float32Array, Region>();
  function around(x0: Float32Array): Region {
    let region = regions.get(x0);
    if (region === undefined) {
      region = geometry.around(x0, radius);
      regions.set(x0, region);
    }
    return region;
  }

  function project(x: Float32Array, x0: Float32Array): Float32Array {
    around(x0).project(behindMask(x, x0, mask));
    return x;
  }

  // Masked coordinates must not use up the length of an L2 step.
  const masked = (gradient: Float32Array): Float32Array =>
    mask === null ? gradient : gradient.map((value, i) => (mask[i] === 0 ? 0 : value));

  function offsetBy(x0: Float32Array, draw: (free: number, rng: Rng) => Float64Array, rng: Rng): Float32Array {
    const offset = draw(freeCoordinates(mask, x0.length), rng);
    const x = x0.slice();
    let next = 0;
    for (let i = 0; i < x.length; i++) if (mask === null || mask[i] !== 0) x[i] = x0[i]! + radius * offset[next++]!;
    return project(x, x0);
  }

  return {
    id: threatId(geometry.norm, epsilon, options),
    norm: geometry.norm,
    epsilon,
    effectiveEpsilon: radius,
    quantize,
    goal,
    mask,
    unit: 1,
    randomPoint: (x0, rng) => offsetBy(x0, geometry.inside, rng),
    randomBoundaryPoint: (x0, rng) => offsetBy(x0, geometry.onBoundary, rng),
    steepest(gradient, out = new Float32Array(gradient.length)) {
      geometry.steepest(masked(gradient), out);
      return out;
    },
    ascend(x, gradient, length, x0, out = new Float32Array(x.length)) {
      around(x0).ascend(x, masked(gradient), length, out);
      return out;
    },
    project,
    deployable(x, x0) {
      const point = quantize === "uint8" ? geometry.toLevels(x, x0, radius) : Float32Array.from(x);
      return behindMask(point, x0, mask);
    },
    distance: (x, x0) => geometry.length(x, x0),
    diameter: (size) => geometry.diameter(size),
    violation(x, x0) {
      const fault = faultOf(x, x0, options);
      if (fault !== null) return fault;
      const length = geometry.length(x, x0);
      return length <= limit ? null : `outside the ball: ${geometry.norm} distance ${length}, allowed ${radius}`;
    },
    withEpsilon: (other) => {
      const { spelled: _, ...rest } = options;
      return lpThreat(geometry, other, rest);
    },
  };
}

function freeCoordinates(mask: Uint8Array | null, size: number): number {
  return mask === null ? size : mask.reduce((count, allowed) => count + (allowed === 0 ? 0 : 1), 0);
}
