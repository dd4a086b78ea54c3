import { describe, expect, it } from "vitest";
import { Rng, threefry2x32 } from "./rng.ts";

const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, "0"));

describe("threefry2x32", () => {
  // Known answers of Random123 (kat_vectors, "threefry2x32 20").
  it.each([
    [
      [0, 0],
      [0, 0],
      ["6b200159", "99ba4efe"],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      ["1cb996fc", "bb002be7"],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      ["c4923a9c", "483df7a0"],
    ],
  ])("key %j, counter %j", (key, counter, expected) => {
    expect(hex(threefry2x32(key[0]!, key[1]!, counter[0]!, counter[1]!))).toEqual(expected);
  });
});

describe("Rng", () => {
  it("names streams by key alone: order of use does not matter", () => {
    const a = Rng.of(7);
    a.uniform();
    expect(a.fold("square").fold(3).uint32()).toBe(Rng.of(7).fold("square").fold(3).uint32());
    expect(Rng.of(7).fold("square").uint32()).not.toBe(Rng.of(7).fold("noise").uint32());
    expect(Rng.of(7).fold(1).uint32()).not.toBe(Rng.of(7).fold("1").uint32());
  });

  it("noise fills [-1, 1] evenly, without a memory of the value before, by the stream's name alone", () => {
    const of = (label: string) => {
      const out = new Float32Array(100_000);
      const rng = Rng.of(3).fold(label);
      rng.uniform();
      rng.fillNoise(out);
      return out;
    };
    const noise = of("a");
    expect(of("a")).toEqual(noise);
    const mean = (f: (value: number, i: number) => number) =>
      noise.reduce((sum, value, i) => sum + f(value, i), 0) / noise.length;
    const other = of("b");
    expect(mean((value) => value)).toBeCloseTo(0, 2);
    expect(mean((value) => value * value)).toBeCloseTo(1 / 3, 2);
    expect(mean((value, i) => value * (noise[i - 1] ?? 0))).toBeCloseTo(0, 2);
    expect(mean((value, i) => value * other[i]!)).toBeCloseTo(0, 2);
    const bins = new Array<number>(20).fill(0);
    for (const value of noise) bins[Math.min(19, Math.floor(10 * (value + 1)))]!++;
    // 19 degrees of freedom: chi-squared is above 43.8 once in a thousand.
    expect(bins.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0)).toBeLessThan(43.8);
  });

  it("is uniform and normal in its first moments", () => {
    const rng = Rng.of(1);
    const n = 20_000;
    const uniform = Array.from({ length: n }, () => rng.uniform());
    const normal = Array.from({ length: n }, () => rng.normal());
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(Math.abs(mean(normal.map((value) => value ** 2)) - 1)).toBeLessThan(0.05);
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
  });

  it.each([0, 1, 2, 7])("fills an array with what single draws give, after %i of them", (before) => {
    const [whole, single] = [Rng.of(4), Rng.of(4)];
    for (let i = 0; i < before; i++) expect(whole.uniform()).toBe(single.uniform());
    for (const length of [0, 1, 5, 6]) {
      const filled = new Float64Array(length);
      whole.fillUniform(filled);
      expect(filled).toEqual(Float64Array.from(filled, () => single.uniform()));
    }
  });

  it("shuffles to a permutation and leaves its argument alone", () => {
    const items = [1, 2, 3, 4, 5, 6, 7];
    const shuffled = Rng.of(2).shuffle(items);
    expect(items).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect([...shuffled].sort()).toEqual(items);
  });
});
