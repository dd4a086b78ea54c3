import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { l2, linf } from "./lp.ts";
import type { Threat } from "./threat.ts";

const SIZE = 12;
const level = fc.integer({ min: 0, max: 255 }).map((value) => Math.fround(value / 255));
const unit = fc.double({ min: 0, max: 1, noNaN: true });
const clean = fc.array(fc.oneof(level, unit), { minLength: SIZE, maxLength: SIZE }).map((v) => Float32Array.from(v));
const grey = fc.array(level, { minLength: SIZE, maxLength: SIZE }).map((values) => Float32Array.from(values));
const anywhere = fc
  .array(fc.double({ min: -2, max: 3, noNaN: true }), { minLength: SIZE, maxLength: SIZE })
  .map((values) => Float32Array.from(values));
const mask = fc.option(
  fc.array(fc.integer({ min: 0, max: 1 }), { minLength: SIZE, maxLength: SIZE }).map((v) => Uint8Array.from(v)),
);
const epsilon = fc.oneof(fc.constantFrom(0, 1 / 255, 8 / 255, 0.3, 1), fc.double({ min: 0, max: 1.5, noNaN: true }));
const seed = fc.integer({ min: 0, max: 2 ** 31 });

const NORMS = { linf, l2 } as const;

function cases(quantize: "uint8" | "none") {
  const build = (norm: keyof typeof NORMS, eps: number, chosen: Uint8Array | null): Threat =>
    NORMS[norm](eps, { quantize, mask: chosen });
  return fc.tuple(fc.constantFrom("linf" as const, "l2" as const), epsilon, mask).map((args) => build(...args));
}

describe.each(["none", "uint8"] as const)("balls in a box, quantize %s", (quantize) => {
  const origin = quantize === "uint8" ? grey : clean;

  it("projects to an allowed point, and a second time to the same", () => {
    fc.assert(
      fc.property(cases(quantize), origin, anywhere, (threat, x0, far) => {
        const once = threat.project(Float32Array.from(far), x0);
        expect(threat.violation(threat.deployable(once, x0), x0)).toBeNull();
        expect(threat.distance(once, x0)).toBeLessThanOrEqual(threat.effectiveEpsilon * (1 + 1e-5) + 1e-6);
        expect(threat.project(Float32Array.from(once), x0)).toEqual(once);
      }),
    );
  });

  it("says the same of a sample however often it was asked", () => {
    fc.assert(
      fc.property(cases(quantize), origin, anywhere, anywhere, (threat, x0, x, gradient) => {
        const answers = Array.from({ length: 4 }, () => [
          threat.project(x.slice(), x0),
          threat.ascend(x0, gradient, 0.1, x0),
        ]);
        for (const answer of answers) expect(answer).toEqual(answers[0]);
      }),
    );
  });

  it("leaves an allowed point alone", () => {
    fc.assert(
      fc.property(cases(quantize), origin, seed, (threat, x0, number) => {
        const inside = threat.randomPoint(x0, Rng.of(number));
        const projected = threat.project(Float32Array.from(inside), x0);
        for (let i = 0; i < SIZE; i++) expect(projected[i]).toBeCloseTo(inside[i]!, 6);
      }),
    );
  });

  it("draws points that can be deployed", () => {
    fc.assert(
      fc.property(cases(quantize), origin, seed, (threat, x0, number) => {
        for (const draw of [threat.randomPoint, threat.randomBoundaryPoint])
          expect(threat.violation(threat.deployable(draw(x0, Rng.of(number)), x0), x0)).toBeNull();
      }),
    );
  });

  it("takes no step outside the mask, and none for a zero or broken gradient", () => {
    fc.assert(
      fc.property(cases(quantize), anywhere, (threat, gradient) => {
        const step = threat.steepest(gradient);
        if (threat.mask !== null) for (let i = 0; i < SIZE; i++) if (threat.mask[i] === 0) expect(step[i]).toBe(0);
        expect(threat.steepest(new Float32Array(SIZE)).every((value) => value === 0)).toBe(true);
        expect(threat.steepest(new Float32Array(SIZE).fill(Number.NaN)).every((value) => value === 0)).toBe(true);
      }),
    );
  });
});

describe("8-bit points", () => {
  it("of any input, however far, are grey levels inside the ball", () => {
    fc.assert(
      fc.property(cases("uint8"), grey, anywhere, (threat, x0, far) => {
        const point = threat.deployable(far, x0);
        expect(threat.violation(point, x0)).toBeNull();
        expect(threat.deployable(point, x0)).toEqual(point);
      }),
    );
  });

  it.each([
    [8 / 255, 8],
    [0.3, 76],
    [1 / 255, 1],
    [0.0039, 0],
  ])("of an L-inf ball of %f reach %i levels", (eps, levels) => {
    expect(Math.round(linf(eps, { quantize: "uint8" }).effectiveEpsilon * 255)).toBe(levels);
  });

  it("of an L2 ball give up first what rounding had carried farthest outward", () => {
    const threat = l2(Math.sqrt(2.1 ** 2 + 1.55 ** 2) / 255, { quantize: "uint8" });
    const x0 = Float32Array.of(0, 0);
    // Nearest levels are 2 and 2, which is outside: 1.55 was carried outward, 2.1 was not.
    const point = threat.deployable(Float32Array.of(2.1 / 255, 1.55 / 255), x0);
    expect([...point].map((value) => Math.round(255 * value))).toEqual([2, 1]);
  });

  it.each([
    ["outside the ball", Float32Array.of(0.2, 0), "outside the ball"],
    ["outside the box", Float32Array.of(-0.1, 0), "outside the box"],
    ["not 8-bit", Float32Array.of(0.005, 0), "8-bit"],
    ["NaN", Float32Array.of(Number.NaN, 0), "NaN"],
    ["masked", Float32Array.of(0, 1 / 255), "mask"],
    ["too short", Float32Array.of(0), "1 values"],
  ])("%s are refused", (_, point, words) => {
    const threat = linf(8 / 255, { quantize: "uint8", mask: Uint8Array.of(1, 0) });
    expect(threat.violation(point, Float32Array.of(0, 0))).toContain(words);
  });
});

describe("random points", () => {
  const middle = new Float32Array(3).fill(0.5);
  const draws = 4000;

  // The share of points within half the radius is 1/8 in three dimensions, in a cube as in a ball.
  it.each(["linf", "l2"] as const)("fill the %s ball evenly", (norm) => {
    const threat = NORMS[norm](0.4);
    const rng = Rng.of(7);
    let near = 0;
    const mean = [0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const x = threat.randomPoint(middle, rng);
      if (threat.distance(x, middle) < 0.2) near++;
      for (let j = 0; j < 3; j++) mean[j]! += (x[j]! - 0.5) / draws;
    }
    // Five standard deviations of a binomial share, and of a mean.
    expect(Math.abs(near / draws - 1 / 8)).toBeLessThan(5 * Math.sqrt((1 / 8) * (7 / 8) * (1 / draws)));
    for (const value of mean) expect(Math.abs(value)).toBeLessThan(5 * (0.4 / Math.sqrt(3 * draws)));
  });

  it.each(["linf", "l2"] as const)("on the boundary touch the %s sphere", (norm) => {
    const threat = NORMS[norm](0.4);
    for (let i = 0; i < 20; i++)
      expect(threat.distance(threat.randomBoundaryPoint(middle, Rng.of(i)), middle)).toBeCloseTo(0.4, 5);
  });
});

describe("the steepest step", () => {
  it.each([
    ["linf", [3, -4, 0], [1, -1, 0]],
    ["l2", [3, -4, 0], [0.6, -0.8, 0]],
  ] as const)("in %s", (norm, gradient, step) => {
    const result = NORMS[norm](1).steepest(Float32Array.from(gradient));
    step.forEach((value, i) => {
      expect(result[i]).toBeCloseTo(value, 6);
    });
  });

  it("can be written over the gradient", () => {
    const gradient = Float32Array.of(3, -4);
    expect(linf(1, { mask: Uint8Array.of(0, 1) }).steepest(gradient, gradient)).toBe(gradient);
    expect([...gradient]).toEqual([0, -1]);
  });
});
