import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { censoredQuantile, median, proportion, wilson95 } from "./statistics.ts";

describe("wilson95", () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I (method 3), and R's prop.test(correct = FALSE).
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [0, 10, 0, 0.2775],
    [10, 10, 0.7225, 1],
    [5, 10, 0.2366, 0.7634],
  ])("%i of %i is %f..%f", (successes, of, low, high) => {
    const interval = wilson95(successes, of);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it("says nothing about nothing", () => {
    expect(proportion(0, 0)).toEqual({ value: 0, sampling95: { low: 0, high: 1 } });
  });

  it("holds its point estimate, mirrors, and stays inside 0..1", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), (a, b) => {
        const of = Math.max(a, b, 1);
        const successes = Math.min(a, b);
        const { low, high } = wilson95(successes, of);
        const mirror = wilson95(of - successes, of);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(successes / of);
        expect(high).toBeGreaterThanOrEqual(successes / of);
        expect(mirror.low).toBeCloseTo(1 - high, 10);
      }),
    );
  });
});

describe("censoredQuantile", () => {
  it.each([
    [[1, 2, 3, 4, 5], 0.5, 3],
    [[5, 4, 3, 2, 1], 0.95, 5],
    [[7], 0.5, 7],
    [[1, 2, null, null], 0.5, 2],
    [[1, null, null, null], 0.5, null],
    [[null, 10, 20, 30], 0.75, 30],
    [[null, 10, 20, 30], 0.76, null],
    [[], 0.5, null],
  ])("of %j at %f is %j", (values, q, expected) => {
    expect(censoredQuantile(values, q)).toBe(expected);
  });
});

describe("median", () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[9], 9],
  ])("of %j is %f", (values, expected) => expect(median(values)).toBe(expected));
  it("of nothing is NaN", () => expect(median([])).toBeNaN());
});
