import { describe, expect, it } from "vitest";
import { imageBand, type Look, vectorBand } from "./perceptibility.ts";

const color = (ssim: number, mean: number, p95: number): Look => ({
  linf: 0.1,
  psnr: 30,
  ssim,
  ciede2000: { mean, p95, max: 2 * p95 },
});
const gray = (ssim: number, psnr: number): Look => ({ linf: 0.1, psnr, ssim });

describe("the band of an image", () => {
  it.each<[string, Look, string]>([
    ["imperceptible", { ...color(0.5, 9, 20), linf: Math.fround(2 / 255) }, "L-inf 2/255 <= 2/255"],
    ["imperceptible", { linf: 0, psnr: null, ssim: 1 }, "L-inf 0/255 <= 2/255"],
    [
      "imperceptible",
      color(0.98, 0.99, 2.29),
      "SSIM 0.98 >= 0.98, mean CIEDE2000 0.99 < 1, 95th percentile 2.29 < 2.3",
    ],
    [
      "subtle",
      color(0.98, 0.99, 2.3),
      "SSIM 0.98 >= 0.95, mean CIEDE2000 0.99 < 2.3; not imperceptible: 95th percentile 2.3 >= 2.3",
    ],
    [
      "subtle",
      color(0.95, 1, 2),
      "SSIM 0.95 >= 0.95, mean CIEDE2000 1 < 2.3; not imperceptible: SSIM 0.95 < 0.98, mean CIEDE2000 1 >= 1",
    ],
    ["visible", color(0.99, 2.3, 5), "SSIM 0.99 >= 0.85; not subtle: mean CIEDE2000 2.3 >= 2.3"],
    ["visible", color(0.85, 1, 2), "SSIM 0.85 >= 0.85; not subtle: SSIM 0.85 < 0.95"],
    ["obvious", color(0.8499, 1, 2), "SSIM 0.8499 < 0.85"],
    ["imperceptible", gray(0.98, 40), "SSIM 0.98 >= 0.98, PSNR 40 >= 40"],
    ["subtle", gray(0.98, 39.9), "SSIM 0.98 >= 0.95, PSNR 39.9 >= 34; not imperceptible: PSNR 39.9 < 40"],
    ["visible", gray(0.94, 50), "SSIM 0.94 >= 0.85, PSNR 50 >= 28; not subtle: SSIM 0.94 < 0.95"],
    ["obvious", gray(0.99, 27.9), "PSNR 27.9 < 28"],
  ])("%s: %j", (band, look, rule) => expect(imageBand(look)).toEqual({ band, rule }));
});

describe("the band of a vector", () => {
  const name = "largest change over its field's range";
  it.each([
    [0.01, "imperceptible", `${name} 1 % <= 1 %`],
    [0.0101, "subtle", `${name} 1.01 % <= 5 %; not imperceptible: ${name} 1.01 % > 1 %`],
    [0.2, "visible", `${name} 20 % <= 20 %; not subtle: ${name} 20 % > 5 %`],
    [0.25, "obvious", `${name} 25 % > 20 %`],
  ])("%f is %s", (linf, band, rule) => expect(vectorBand(linf)).toEqual({ band, rule }));
});
