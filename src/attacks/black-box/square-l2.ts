import type { Sample } from "../attack.ts";
import type { Proposals } from "./proposals.ts";
import { eachCoordinate, type ImageDims, imageDims, randomSubset, randomWindow, type Window } from "./window.ts";

/** Guards divisions by the norm of something that may be zero. */
const TINY = 1e-12;

/**
 * Algorithm 3. A candidate takes the perturbation out of one window and gives its energy, and what the ball has left, to another, shaped
 * by a fixed profile that falls off from two centers of opposite sign.
 */
export function squareL2(sample: Sample): Proposals {
  const image = imageDims(sample.dims);
  return image === null ? vectorProposals(sample) : imageProposals(sample, image);
}

function imageProposals(sample: Sample, image: ImageDims): Proposals {
  const { x0, threat, rng } = sample;
  // A profile depends on its side only, and sides fall slowly: the last one is kept.
  let kept: { side: number; upright: Float64Array; transposed: Float64Array } = {
    side: 0,
    upright: new Float64Array(0),
    transposed: new Float64Array(0),
  };
  function profileOf(side: number): Float64Array {
    if (kept.side !== side) kept = { side, upright: unitProfile(side, false), transposed: unitProfile(side, true) };
    return rng.sign() > 0 ? kept.transposed : kept.upright;
  }
  const { height, width, channels } = image;
  const size = x0.length;
  const epsilon = threat.effectiveEpsilon;
  const widest = Math.min(height, width);
  return {
    // A grid of about 5 by 5 tiles, each a profile with a random sign per channel.
    initial() {
      const delta = new Float64Array(size);
      const side = Math.max(Math.floor(widest / 5), 1);
      const margin = Math.floor((widest - 5 * side) / 2);
      const first = Math.max(margin, 0);
      for (let top = first; top + side <= height; top += side)
        for (let left = first; left + side <= width; left += side) {
          const profile = profileOf(side);
          for (let channel = 0; channel < channels; channel++) {
            const sign = rng.sign();
            eachCoordinate(image, { top, left, side }, channel, (at, place) => {
              delta[at] = sign * profile[place]!;
            });
          }
        }
      return onSphere(sample, delta, new Float32Array(size));
    },
    propose(best, p, out) {
      const delta = difference(best, x0);
      const wanted = Math.max(Math.round(Math.sqrt(p * height * width)), 3);
      const fits = Math.min(wanted + ((wanted + 1) % 2), widest);
      const side = fits % 2 === 0 ? Math.max(fits - 1, 1) : fits;
      const one = randomWindow(image, side, rng);
      const two = randomWindow(image, side, rng);
      const left = Math.max(epsilon ** 2 - sumOfSquares(delta), 0) / channels;
      const profile = profileOf(side);
      for (let channel = 0; channel < channels; channel++) {
        const sign = rng.sign();
        const inOne = energy(image, one, channel, delta);
        const energyOfBoth = inOne + energy(image, two, channel, delta, one);
        const scaleOld = 1 / (TINY + Math.sqrt(inOne));
        const fresh = new Float64Array(side * side);
        eachCoordinate(image, one, channel, (at, place) => {
          fresh[place] = sign * profile[place]! + scaleOld * delta[at]!;
        });
        const scale = Math.sqrt(left + energyOfBoth) / (TINY + Math.sqrt(sumOfSquares(fresh)));
        eachCoordinate(image, two, channel, (at) => {
          delta[at] = 0;
        });
        eachCoordinate(image, one, channel, (at, place) => {
          delta[at] = scale * fresh[place]!;
        });
      }
      onSphere(sample, delta, out);
    },
  };
}

/** The same exchange of energy between two random subsets of features. */
function vectorProposals(sample: Sample): Proposals {
  const { x0, threat, rng } = sample;
  const size = x0.length;
  return {
    initial: () =>
      onSphere(
        sample,
        Float64Array.from(x0, () => rng.sign()),
        new Float32Array(size),
      ),
    propose(best, p, out) {
      const delta = difference(best, x0);
      const count = Math.min(Math.max(Math.round(p * size), 1), size);
      const one = randomSubset(size, count, rng);
      const both = new Set([...one, ...randomSubset(size, count, rng)]);
      const left = Math.max(threat.effectiveEpsilon ** 2 - sumOfSquares(delta), 0);
      const inOne = sumOfSquares(one.map((feature) => delta[feature]!));
      const energyOfBoth = sumOfSquares([...both].map((feature) => delta[feature]!));
      const fresh = one.map((feature) => rng.sign() / Math.sqrt(count) + delta[feature]! / (TINY + Math.sqrt(inOne)));
      const scale = Math.sqrt(left + energyOfBoth) / (TINY + Math.sqrt(sumOfSquares(fresh)));
      for (const feature of both) delta[feature] = 0;
      one.forEach((feature, place) => {
        delta[feature] = scale * fresh[place]!;
      });
      onSphere(sample, delta, out);
    },
  };
}

/** A loop, because `Float64Array.from` with a function is ten times as slow, and this runs once per query. */
function difference(x: Float32Array, x0: Float32Array): Float64Array {
  const result = new Float64Array(x.length);
  for (let i = 0; i < result.length; i++) result[i] = x[i]! - x0[i]!;
  return result;
}

/** x0 + eps delta / |delta|, then box and mask. */
function onSphere({ x0, threat }: Sample, delta: Float64Array, out: Float32Array): Float32Array {
  const scale = threat.effectiveEpsilon / (TINY + Math.sqrt(sumOfSquares(delta)));
  for (let i = 0; i < out.length; i++) out[i] = x0[i]! + scale * delta[i]!;
  return threat.project(out, x0);
}

/** Sum of squares of one channel in a window, without what lies in `except` too. */
function energy(image: ImageDims, window: Window, channel: number, delta: Float64Array, except?: Window): number {
  let sum = 0;
  eachCoordinate(image, window, channel, (at, place) => {
    const row = window.top + Math.floor(place / window.side);
    const column = window.left + (place % window.side);
    if (except === undefined || !contains(except, row, column)) sum += delta[at]! * delta[at]!;
  });
  return sum;
}

function contains({ top, left, side }: Window, row: number, column: number): boolean {
  return row >= top && row < top + side && column >= left && column < left + side;
}

function sumOfSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

/**
 * eta of equation 2: an upper half of nested rectangles, a lower half of negative ones, of unit length; `transposed` puts the halves side by side.
 */
export function unitProfile(side: number, transposed: boolean): Float64Array {
  const upper = Math.floor(side / 2);
  const profile = new Float64Array(side * side);
  profile.set(rectangles(upper, side));
  profile.set(
    rectangles(side - upper, side).map((value) => -value),
    upper * side,
  );
  const length = Math.sqrt(sumOfSquares(profile));
  return profile.map((_, place) => {
    const source = transposed ? (place % side) * side + Math.floor(place / side) : place;
    return profile[source]! / length;
  });
}

/** Nested rectangles around the center, the k-th (from 0) adding 1 / (k + 1)^2; of unit length. */
function rectangles(rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  const [centerRow, centerColumn] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  for (let k = 0; k < Math.max(centerRow, centerColumn) + 1; k++)
    for (let row = Math.max(centerRow - k, 0); row < Math.min(centerRow + k + 1, rows); row++)
      for (let column = Math.max(centerColumn - k, 0); column < Math.min(centerColumn + k + 1, columns); column++)
        result[row * columns + column]! += 1 / (k + 1) ** 2;
  const length = Math.sqrt(sumOfSquares(result));
  return length > 0 ? result.map((value) => value / length) : result;
}
