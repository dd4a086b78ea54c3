import { BlindspotError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import { behindMask, faultOf, intoBox, type ThreatOptions, threatId } from "./box.ts";
import { levelOf } from "./grey-levels.ts";
import type { Threat } from "./threat.ts";

export interface SparseOptions extends ThreatOptions {
  /** Values that count as one: 3 for the pixels of a color image (default 1: each value counts). They are neighbors in attack space. */
  readonly unit?: number;
}

/** At most `count` pixels (units of `unit` values) differ from the clean input, each by as much as the box allows. */
export function l0(count: number, options: SparseOptions = {}): Threat {
  const { quantize = "none", goal = { kind: "untargeted" }, mask = null, unit = 1 } = options;
  if (!Number.isInteger(count) || count < 0)
    throw new BlindspotError({
      code: "E_THREAT_EPSILON",
      subject: "l0",
      expected: "a whole number of pixels or fields, 0 or more",
      got: String(count),
    });

  /** Chooses `count` units at random among those that may change, and sets what may change in them. */
  function scatter(x0: Float32Array, rng: Rng, draw: () => number): Float32Array {
    const x = Float32Array.from(x0);
    for (const one of rng.shuffle(freeUnits(mask, x0.length, unit)).slice(0, count))
      for (let i = one * unit; i < (one + 1) * unit; i++) x[i] = draw();
    return behindMask(x, x0, mask);
  }

  /** The nearest point (in L2) of the ball inside the box: a unit is worth keeping for what going back to x0 would cost more than clipping. */
  function project(x: Float32Array, x0: Float32Array): Float32Array {
    behindMask(x, x0, mask);
    const worth = new Float64Array(x.length / unit);
    for (let i = 0; i < x.length; i++) {
      const inside = intoBox(x[i]!, x0[i]!);
      const clipped = Number.isFinite(x[i]!) ? x[i]! - inside : 0;
      worth[Math.floor(i / unit)]! += (inside - x0[i]! + clipped) ** 2 - clipped ** 2;
      x[i] = inside;
    }
    const kept = largest(worth, count);
    for (let i = 0; i < x.length; i++) if (kept[Math.floor(i / unit)] === 0) x[i] = x0[i]!;
    return x;
  }

  const masked = (gradient: Float32Array, i: number): number => {
    const value = mask !== null && mask[i] === 0 ? 0 : gradient[i]!;
    return Number.isFinite(value) ? value : 0;
  };

  return {
    id: threatId("l0", count, options),
    norm: "l0",
    epsilon: count,
    effectiveEpsilon: count,
    quantize,
    goal,
    mask,
    unit,
    randomPoint: (x0, rng) => scatter(x0, rng, () => (quantize === "uint8" ? rng.integer(256) / 255 : rng.uniform())),
    randomBoundaryPoint: (x0, rng) => scatter(x0, rng, () => Number(rng.sign() > 0)),
    steepest(gradient, out = new Float32Array(gradient.length)) {
      const slope = new Float64Array(gradient.length / unit);
      for (let i = 0; i < gradient.length; i++) slope[Math.floor(i / unit)]! += Math.abs(masked(gradient, i));
      const chosen = largest(slope, 1);
      for (let i = 0; i < gradient.length; i++)
        out[i] = chosen[Math.floor(i / unit)] === 0 ? 0 : Math.sign(masked(gradient, i));
      return out;
    },
    /** `length` counts units: those that gain most to first order go to the side of the box that the gradient points to. */
    ascend(x, gradient, length, x0, out = new Float32Array(x.length)) {
      const side = (i: number): number => (masked(gradient, i) > 0 ? 1 : masked(gradient, i) < 0 ? 0 : x[i]!);
      const gain = new Float64Array(x.length / unit);
      for (let i = 0; i < x.length; i++) gain[Math.floor(i / unit)]! += masked(gradient, i) * (side(i) - x[i]!);
      const moved = largest(gain, Math.floor(length));
      for (let i = 0; i < x.length; i++) out[i] = moved[Math.floor(i / unit)] === 0 ? x[i]! : side(i);
      return project(out, x0);
    },
    project,
    deployable(x, x0) {
      if (quantize === "none") return behindMask(Float32Array.from(x), x0, mask);
      const clean = x0.map((value) => levelOf(value) / 255);
      return project(
        x.map((value, i) => (Number.isNaN(value) ? clean[i]! : levelOf(value) / 255)),
        clean,
      );
    },
    distance: (x, x0) => unitsChanged(x, x0, unit),
    diameter: (size) => size / unit,
    violation(x, x0) {
      const fault = faultOf(x, x0, options);
      if (fault !== null) return fault;
      const changed = unitsChanged(x, x0, unit);
      return changed <= count ? null : `outside the ball: l0 distance ${changed}, allowed ${count}`;
    },
    withEpsilon(other) {
      const { spelled: _, ...rest } = options;
      return l0(Math.floor(other), rest);
    },
  };
}

/** Units with at least one value that may change. */
export function freeUnits(mask: Uint8Array | null, size: number, unit: number): number[] {
  const units = Array.from({ length: size / unit }, (_, one) => one);
  return mask === null
    ? units
    : units.filter((one) => mask.subarray(one * unit, (one + 1) * unit).some((free) => free !== 0));
}

/** 1 for the `count` largest values above 0; the first wins a tie. */
function largest(values: Float64Array, count: number): Uint8Array {
  const chosen = new Uint8Array(values.length);
  const positive = Array.from(values.keys()).filter((one) => values[one]! > 0);
  if (positive.length > count) positive.sort((a, b) => values[b]! - values[a]! || a - b);
  for (const one of positive.slice(0, count)) chosen[one] = 1;
  return chosen;
}

function unitsChanged(x: Float32Array, x0: Float32Array, unit: number): number {
  let changed = 0;
  for (let start = 0; start < x.length; start += unit) {
    let i = start;
    while (i < start + unit && x[i] === x0[i]) i++;
    if (i < start + unit) changed++;
  }
  return changed;
}
