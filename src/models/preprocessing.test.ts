import { describe, expect, it } from "vitest";
import type { Problem } from "../base/errors.ts";
import { type PreprocessingOptions, resolvePreprocessing, toModelUnits } from "./preprocessing.ts";

const RGB = [2, 2, 3];
const levels = Float32Array.from({ length: 256 }, (_, k) => k / 255);

function unitsOf(options: PreprocessingOptions, dims: readonly number[] = RGB, integerInput = false) {
  const problems: Problem[] = [];
  const { units } = resolvePreprocessing(options, dims, integerInput, problems);
  expect(problems).toEqual([]);
  return units;
}

describe("toModelUnits", () => {
  it("gives a 0..255 model exactly the 256 levels of a file", () => {
    expect(toModelUnits(levels, unitsOf({ inputRange: [0, 255] }), 3)).toEqual(Float32Array.from(levels.keys()));
    expect(toModelUnits(levels, unitsOf({}, RGB, true), 3)).toEqual(Float32Array.from(levels.keys()));
  });

  it("gives a 0..1 model the row itself", () => {
    const row = Float32Array.of(0, 0.1, 0.123456789, 1);
    expect(toModelUnits(row, unitsOf({}), 1)).toEqual(row);
  });

  it("rounds once, from k/255 and not from its float32", () => {
    const expected = Float32Array.from(levels, (_, k) => -1 + (2 * k) / 255);
    expect(toModelUnits(levels, unitsOf({ inputRange: [-1, 1] }), 3)).toEqual(expected);
  });

  it("normalizes each channel in float32, as tensor libraries do", () => {
    const units = unitsOf({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    // Computed with PyTorch: x.sub(mean).div(std).
    expect([...toModelUnits(Float32Array.of(0.5, 0.5, 0.5), units, 3)]).toEqual([
      0.0655021220445633, 0.1964285671710968, 0.4177778363227844,
    ]);
  });

  it("gives the legal values of a grid exactly, from anywhere near them", () => {
    const features = [
      { low: 0.1, high: 0.9, steps: 8 },
      { low: -3, high: 1e6 - 3, steps: 1e6 },
      { low: 7, high: 7, steps: 1 },
    ];
    const units = unitsOf({ features }, [3]);
    const row = (k: number, level: number) => Float32Array.of(k / 8, level / 1e6, 0);
    expect([...toModelUnits(row(3, 123457), units, 3)]).toEqual([Math.fround(0.4), 123454, 7]);
    expect([...toModelUnits(Float32Array.of(0.4, 1, 0), units, 3)]).toEqual([Math.fround(0.4), 1e6 - 3, 7]);
  });

  it("scales each feature into its own box", () => {
    const features = [
      { low: 0, high: 100 },
      { low: -5, high: 5 },
    ];
    expect([...toModelUnits(Float32Array.of(0.5, 0.25), unitsOf({ features }, [2]), 2)]).toEqual([50, -2.5]);
  });
});

describe("resolvePreprocessing", () => {
  it("lists everything that is wrong", () => {
    const problems: Problem[] = [];
    resolvePreprocessing({ mean: [0.5, 0.5], std: [1, 0, 1], channels: "bgr" }, [28, 28, 1], false, problems);
    expect(problems.map(({ subject, expected, got }) => `${subject}: ${expected}, not ${got}`)).toEqual([
      "--channels bgr: images of 3 channels, not rows of 28x28x1",
      "--mean: 1 number, not 2",
      "--std: 1 number, not 3",
      "--std: finite numbers other than 0, not 0",
    ]);
  });

  it.each([[[1, 0]], [[0, Number.NaN]], [[Number.NEGATIVE_INFINITY, 1]]] as const)("refuses the range %s", (range) => {
    const problems: Problem[] = [];
    resolvePreprocessing({ inputRange: range as unknown as [number, number] }, RGB, false, problems);
    expect(problems.length).toBeGreaterThan(0);
  });
});
