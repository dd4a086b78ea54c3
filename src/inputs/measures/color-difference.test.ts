import { describe, expect, it } from "vitest";
import { ciede2000, colorDifference, srgbToLab } from "./color-difference.ts";

/** Table 1 of Sharma, Wu, Dalal 2005: L, a, b of two colors and their difference, to four digits. */
const PAIRS = `
50.0000   2.6772 -79.7751  50.0000   0.0000 -82.7485   2.0425
50.0000   3.1571 -77.2803  50.0000   0.0000 -82.7485   2.8615
50.0000   2.8361 -74.0200  50.0000   0.0000 -82.7485   3.4412
50.0000  -1.3802 -84.2814  50.0000   0.0000 -82.7485   1.0000
50.0000  -1.1848 -84.8006  50.0000   0.0000 -82.7485   1.0000
50.0000  -0.9009 -85.5211  50.0000   0.0000 -82.7485   1.0000
50.0000   0.0000   0.0000  50.0000  -1.0000   2.0000   2.3669
50.0000  -1.0000   2.0000  50.0000   0.0000   0.0000   2.3669
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0009   7.1792
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0010   7.1792
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0011   7.2195
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0012   7.2195
50.0000  -0.0010   2.4900  50.0000   0.0009  -2.4900   4.8045
50.0000  -0.0010   2.4900  50.0000   0.0010  -2.4900   4.8045
50.0000  -0.0010   2.4900  50.0000   0.0011  -2.4900   4.7461
50.0000   2.5000   0.0000  50.0000   0.0000  -2.5000   4.3065
50.0000   2.5000   0.0000  73.0000  25.0000 -18.0000  27.1492
50.0000   2.5000   0.0000  61.0000  -5.0000  29.0000  22.8977
50.0000   2.5000   0.0000  56.0000 -27.0000  -3.0000  31.9030
50.0000   2.5000   0.0000  58.0000  24.0000  15.0000  19.4535
50.0000   2.5000   0.0000  50.0000   3.1736   0.5854   1.0000
50.0000   2.5000   0.0000  50.0000   3.2972   0.0000   1.0000
50.0000   2.5000   0.0000  50.0000   1.8634   0.5757   1.0000
50.0000   2.5000   0.0000  50.0000   3.2592   0.3350   1.0000
60.2574 -34.0099  36.2677  60.4626 -34.1751  39.4387   1.2644
63.0109 -31.0961  -5.8663  62.8187 -29.7946  -4.0864   1.2630
61.2901   3.7196  -5.3901  61.4292   2.2480  -4.9620   1.8731
35.0831 -44.1164   3.7933  35.0232 -40.0716   1.5901   1.8645
22.7233  20.0904 -46.6940  23.0331  14.9730 -42.5619   2.0373
36.4612  47.8580  18.3852  36.2715  50.5065  21.2231   1.4146
90.8027  -2.0831   1.4410  91.1528  -1.6435   0.0447   1.4441
90.9257  -0.5406  -0.9208  88.6381  -0.8985  -0.7239   1.5381
 6.7747  -0.2908  -2.4247   5.8714  -0.0985  -2.2286   0.6377
 2.0776   0.0795  -1.1350   0.9033  -0.0636  -0.5514   0.9082`
  .trim()
  .split("\n")
  .map((line) => line.trim().split(/\s+/).map(Number));

describe("CIEDE2000", () => {
  it("has all 34 pairs", () => expect(PAIRS).toHaveLength(34));

  it.each(PAIRS)("of %f %f %f and %f %f %f is %f", (l1, a1, b1, l2, a2, b2, published) => {
    // The published differences are rounded to four digits.
    for (const difference of [ciede2000([l1!, a1!, b1!], [l2!, a2!, b2!]), ciede2000([l2!, a2!, b2!], [l1!, a1!, b1!])])
      expect(Math.abs(difference - published!)).toBeLessThanOrEqual(0.5e-4 + 1e-9);
  });
});

describe("L*a*b* of sRGB", () => {
  it.each([0, 0.02, 0.5, 0.9, 1])("gray %f has no hue", (value) => {
    const [, a, b] = srgbToLab(value, value, value);
    expect(Math.hypot(a, b)).toBeLessThan(1e-9);
  });

  it("has black at 0 and white at 100", () => {
    expect(srgbToLab(0, 0, 0)[0]).toBeCloseTo(0, 12);
    expect(srgbToLab(1, 1, 1)[0]).toBeCloseTo(100, 12);
  });
});

describe("the color difference of images", () => {
  it("takes the same percentile between neighbors as NumPy", () => {
    const gray = (values: readonly number[]) => Float32Array.from(values.flatMap((value) => [value, value, value]));
    const x0 = gray([0, 0, 0, 0, 0]);
    const x = gray([0, 0.1, 0.2, 0.3, 0.4]);
    const each = [0.3, 0.4].map((value) => ciede2000(srgbToLab(...rgb(value)), srgbToLab(0, 0, 0)));
    // Rank 0.95 * 4 = 3.8: between the fourth and the fifth.
    const { p95, max } = colorDifference(x, x0, [1, 5, 3]);
    expect(p95).toBeCloseTo(each[0]! + 0.8 * (each[1]! - each[0]!), 9);
    expect(max).toBeCloseTo(each[1]!, 9);
  });

  it("counts colors that 8 bits can't hold", () => {
    const x0 = Float32Array.of(0.5, 0.5, 0.5);
    const x = Float32Array.of(0.5004, 0.4998, 0.5);
    const lab = (image: Float32Array) => srgbToLab(image[0]!, image[1]!, image[2]!);
    const { mean } = colorDifference(x, x0, [1, 1, 3]);
    expect(mean).toBeGreaterThan(0);
    expect(mean).toBe(ciede2000(lab(x0), lab(x)));
  });
});

function rgb(value: number): [number, number, number] {
  const single = Math.fround(value);
  return [single, single, single];
}
