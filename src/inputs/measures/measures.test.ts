import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromLevels } from "../points.ts";
import { colorDifference, energyMap, norms, pixelEnergy, psnr, spectrum, ssim, ssimWindow } from "./index.ts";

interface Summary {
  readonly mean: number;
  readonly p95: number;
  readonly max: number;
}

/** What scikit-image and colour-science say of drawn images: see bench/peers/perceptibility.py. */
interface Case {
  readonly name: string;
  readonly dims: number[];
  readonly before: string;
  readonly after: string;
  readonly ssim: number;
  readonly psnr: number | null;
  readonly spectrum: { low: number; mid: number; high: number } | null;
  readonly ciede2000?: Summary;
  readonly ciede2000ByScikitImage?: Summary;
}

const fixture = new URL("../../../bench/peers/fixtures/perceptibility.json", import.meta.url);
const CASES = JSON.parse(readFileSync(fileURLToPath(fixture), "utf8")) as Case[];
const imageOf = (base64: string) => fromLevels(new Uint8Array(Buffer.from(base64, "base64")));
/** Levels are k/255 in float64 there, in float32 here. */
const FLOAT32 = 2e-6;

const near = (value: number, expected: number, tolerance: number) =>
  expect(Math.abs(value - expected), `${value}, expected ${expected}`).toBeLessThanOrEqual(tolerance);

describe.each(CASES)("$name, as scikit-image and colour-science measure it", (one) => {
  const x0 = imageOf(one.before);
  const x = imageOf(one.after);

  it("SSIM", () => near(ssim(x, x0, one.dims), one.ssim, FLOAT32));

  it("PSNR", () => {
    if (one.psnr === null) expect(psnr(x, x0)).toBeNull();
    else near(psnr(x, x0)!, one.psnr, 1e-4);
  });

  it("spectrum", () => {
    const bands = spectrum(x, x0, one.dims);
    if (one.spectrum === null) expect(bands).toBeNull();
    else for (const band of ["low", "mid", "high"] as const) near(bands![band], one.spectrum[band], FLOAT32);
  });
});

describe.each(CASES.filter(({ ciede2000 }) => ciede2000 !== undefined))("$name", (one) => {
  it("has the CIEDE2000 of colour-science, and within 1 % of scikit-image's, whose matrix has other digits", () => {
    const difference = colorDifference(imageOf(one.after), imageOf(one.before), one.dims);
    for (const key of ["mean", "p95", "max"] as const) {
      near(difference[key], one.ciede2000![key], 1e-4);
      near(difference[key], one.ciede2000ByScikitImage![key], 0.01 * one.ciede2000![key] + 0.01);
    }
  });
});

const image = fc
  .tuple(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 1, max: 19 }), fc.integer({ min: 1, max: 4 }))
  .chain(([height, width, channels]) => {
    const pixels = fc.float32Array({
      min: 0,
      max: 1,
      noNaN: true,
      minLength: height * width * channels,
      maxLength: height * width * channels,
    });
    return fc.record({ dims: fc.constant([height, width, channels]), x: pixels, y: pixels });
  });

describe("for any two images", () => {
  it("SSIM is symmetric, at most 1, and 1 for equal ones", () => {
    fc.assert(
      fc.property(image, ({ dims, x, y }) => {
        expect(ssim(x, x, dims)).toBeCloseTo(1, 10);
        expect(ssim(x, y, dims)).toBeCloseTo(ssim(y, x, dims), 10);
        expect(ssim(x, y, dims)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it("the bands and the cells share all of the energy, and swapping the images changes nothing", () => {
    fc.assert(
      fc.property(image, ({ dims, x, y }) => {
        const bands = spectrum(x, y, dims);
        expect(spectrum(y, x, dims)).toEqual(bands);
        const map = energyMap(pixelEnergy(x, y, dims), dims[0]!, dims[1]!);
        const sum = map.flat().reduce((a, b) => a + b, 0);
        if (bands === null) return expect(sum).toBe(0);
        expect(sum).toBeCloseTo(1, 9);
        expect(bands.low + bands.mid + bands.high).toBeCloseTo(1, 9);
        expect(Math.min(bands.low, bands.mid, bands.high)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("norms obey linf <= l2 <= l1 <= l0 linf", () => {
    fc.assert(
      fc.property(image, ({ x, y }) => {
        const { l0, l1, l2, linf } = norms(x, y);
        const slack = 1 + 1e-12;
        expect(linf).toBeLessThanOrEqual(l2 * slack);
        expect(l2).toBeLessThanOrEqual(l1 * slack);
        expect(l1).toBeLessThanOrEqual(l0 * linf * slack);
      }),
    );
  });
});

describe("small images", () => {
  it.each([
    [224, 224, 11],
    [11, 50, 11],
    [10, 50, 9],
    [8, 13, 7],
    [2, 2, 1],
    [1, 5, 1],
  ])("%i x %i has an SSIM window of %i", (height, width, side) => expect(ssimWindow(height, width)).toBe(side));

  it("have a cell of the map for each row and column", () => {
    const x = Float32Array.of(0, 0, 0.5, 0, 0, 0);
    expect(energyMap(pixelEnergy(x, new Float32Array(6), [2, 3, 1]), 2, 3)).toEqual([
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });
});

describe("bad input", () => {
  it.each([
    ["one value short", [2, 2, 1], new Float32Array(3)],
    ["no rows", [0, 2, 1], new Float32Array(0)],
    ["a vector", [4], new Float32Array(4)],
  ])("refuses %s", (_, dims, x) => {
    for (const measure of [ssim, spectrum, pixelEnergy])
      expect(() => measure(x, x, dims)).toThrow(/^E_INPUT_SHAPE image measure/);
  });

  it("refuses gray images where colors are compared", () =>
    expect(() => colorDifference(new Float32Array(4), new Float32Array(4), [2, 2, 1])).toThrow("E_INPUT_SHAPE"));
});
