import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { l0 } from "./l0.ts";
import type { Threat } from "./threat.ts";

const SIZE = 6;
const level = fc.integer({ min: 0, max: 255 }).map((value) => Math.fround(value / 255));
const vector = (value: fc.Arbitrary<number>) =>
  fc.array(value, { minLength: SIZE, maxLength: SIZE }).map((values) => Float32Array.from(values));
const grey = vector(level);
const anywhere = vector(fc.double({ min: -2, max: 3, noNaN: true }));
const near = fc.tuple(grey, vector(fc.constantFrom(0, 0, 0.4, -0.3))).map(([x0, step]) => ({
  x0,
  x: x0.map((value, i) => value + step[i]!),
}));
const mask = fc.option(vector(fc.integer({ min: 0, max: 1 })).map((values) => Uint8Array.from(values)));
const seed = fc.integer({ min: 0, max: 2 ** 31 });

const threats = (quantize: "none" | "uint8") =>
  fc
    .tuple(fc.integer({ min: 0, max: SIZE + 1 }), fc.constantFrom(1, 2, 3), mask)
    .map(([count, unit, chosen]) => l0(count, { quantize, unit, mask: chosen }));

/** The nearest allowed point, by trying every set of units. */
function nearest(threat: Threat, x: Float32Array, x0: Float32Array): number {
  const units = SIZE / threat.unit;
  let best = Infinity;
  for (let set = 0; set < 2 ** units; set++) {
    if (set.toString(2).replaceAll("0", "").length > threat.epsilon) continue;
    let squares = 0;
    for (let i = 0; i < SIZE; i++) {
      const free = ((set >> Math.floor(i / threat.unit)) & 1) === 1 && threat.mask?.[i] !== 0;
      squares += (x[i]! - (free ? Math.min(1, Math.max(0, x[i]!)) : x0[i]!)) ** 2;
    }
    best = Math.min(best, squares);
  }
  return Math.sqrt(best);
}

const between = (a: Float32Array, b: Float32Array): number => Math.hypot(...a.map((value, i) => value - b[i]!));

describe.each(["none", "uint8"] as const)("a few pixels, quantize %s", (quantize) => {
  it("projects to the nearest allowed point, and a second time to the same", () => {
    fc.assert(
      fc.property(threats(quantize), fc.oneof(fc.record({ x0: grey, x: anywhere }), near), (threat, { x0, x }) => {
        const once = threat.project(Float32Array.from(x), x0);
        expect(l0(threat.epsilon, { unit: threat.unit, mask: threat.mask }).violation(once, x0)).toBeNull();
        expect(between(once, x)).toBeCloseTo(nearest(threat, x, x0), 5);
        expect(threat.project(Float32Array.from(once), x0)).toEqual(once);
      }),
    );
  });

  it("deploys any point of the ball as one that is allowed", () => {
    fc.assert(
      fc.property(threats(quantize), grey, anywhere, seed, (threat, x0, far, number) => {
        for (const x of [
          threat.project(far, x0),
          threat.randomPoint(x0, Rng.of(number)),
          threat.randomBoundaryPoint(x0, Rng.of(number)),
          threat.ascend(x0, far, threat.effectiveEpsilon, x0),
        ]) {
          const point = threat.deployable(x, x0);
          expect(threat.violation(point, x0)).toBeNull();
          expect(threat.deployable(point, x0)).toEqual(point);
          expect(threat.distance(point, x0)).toBeLessThanOrEqual(Math.min(threat.epsilon, threat.diameter(SIZE)));
        }
      }),
    );
  });

  it("moves nothing behind the mask, and nothing for a zero or broken gradient", () => {
    fc.assert(
      fc.property(threats(quantize), anywhere, (threat, gradient) => {
        const step = threat.steepest(gradient);
        if (threat.mask !== null) for (let i = 0; i < SIZE; i++) if (threat.mask[i] === 0) expect(step[i]).toBe(0);
        expect(threat.steepest(new Float32Array(SIZE)).every((value) => value === 0)).toBe(true);
        expect(threat.steepest(new Float32Array(SIZE).fill(Number.NaN)).every((value) => value === 0)).toBe(true);
      }),
    );
  });
});

it("the first-order step takes the units that gain most inside the box", () => {
  const x0 = Float32Array.of(0.1, 0.5, 0.9, 0, 1, 0.5);
  const gradient = Float32Array.of(1, 1, 1, -9, 9, -2);
  // Gains: 0.9, 0.5, 0.1, none, none, 1; in pairs 1.4, 0.1, 1.
  expect([...l0(2).ascend(x0, gradient, 2, x0)]).toEqual([...Float32Array.of(1, 0.5, 0.9, 0, 1, 0)]);
  expect([...l0(1, { unit: 2 }).ascend(x0, gradient, 1, x0)]).toEqual([...Float32Array.of(1, 1, 0.9, 0, 1, 0.5)]);
});

it("draws every pixel as often", () => {
  const x0 = new Float32Array(18).fill(0.5);
  const threat = l0(2, { unit: 3 });
  const counts = new Array<number>(6).fill(0);
  for (let draw = 0; draw < 3000; draw++) {
    const x = threat.randomPoint(x0, Rng.of(draw));
    expect(threat.distance(x, x0)).toBe(2);
    for (let i = 0; i < 6; i++) if (x[3 * i] !== 0.5) counts[i]!++;
  }
  // Five standard deviations of a binomial count.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt((3000 * 2) / 9));
});

it.each([
  ["too many pixels", Float32Array.of(1, 0, 0, 0, 0, 1), "l0 distance 2, allowed 1"],
  ["outside the box", Float32Array.of(1.1, 0, 0, 0, 0, 0), "outside the box"],
  ["masked", Float32Array.of(0, 1, 0, 0, 0, 0), "mask"],
  ["not 8-bit", Float32Array.of(0.3, 0, 0, 0, 0, 0), "8-bit"],
  ["NaN", Float32Array.of(Number.NaN, 0, 0, 0, 0, 0), "NaN"],
])("%s is refused", (_, point, words) => {
  const threat = l0(1, { quantize: "uint8", unit: 3, mask: Uint8Array.of(1, 0, 1, 1, 1, 1) });
  expect(threat.violation(point, new Float32Array(6))).toContain(words);
});

it("counts whole pixels and takes whole counts", () => {
  const x0 = new Float32Array(6);
  expect(l0(1, { unit: 3 }).distance(Float32Array.of(0, 1, 1, 0, 0, 0), x0)).toBe(1);
  expect(l0(1).distance(Float32Array.of(0, 1, 1, 0, 0, 0), x0)).toBe(2);
  expect(l0(5).withEpsilon(1.25)).toMatchObject({ epsilon: 1, id: "l0:1;none;untargeted" });
  expect(() => l0(1.5)).toThrow("E_THREAT_EPSILON");
});
