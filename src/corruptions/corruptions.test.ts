import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { decodeImage, jpegRoundTrip } from "../data/sharp-images.ts";
import { fromLevels, toLevels } from "../inputs/points.ts";
import { CORRUPTIONS, corrupted, type Severity } from "./corruptions.ts";
import { CorruptionTable, corruptSample } from "./measure.ts";

const DIMS = [4, 4, 3];
const IMAGE = fromLevels(Uint8Array.from({ length: 48 }, (_, i) => (i * 53) % 256));

/** Grey levels that scipy.ndimage (blur, rotation), colorsys (brightness) and numpy (contrast) give for IMAGE. */
const REFERENCE: readonly (readonly [name: string, severity: Severity, levels: readonly number[]])[] = [
  [
    "gaussian-blur",
    1,
    [
      11, 64, 107, 144, 197, 24, 77, 120, 153, 210, 27, 80, 120, 164, 216, 46, 99, 123, 167, 219, 55, 102, 136, 179,
      234, 61, 104, 141, 185, 21, 73, 117, 141, 197, 24, 76, 117, 160, 213, 34, 87, 120, 163, 216, 43, 90, 133, 176,
    ],
  ],
  [
    "gaussian-blur",
    5,
    [
      67, 109, 112, 97, 134, 95, 126, 121, 102, 161, 79, 106, 112, 121, 134, 111, 137, 106, 124, 132, 104, 145, 100,
      117, 142, 123, 140, 120, 136, 108, 122, 134, 103, 136, 106, 119, 125, 134, 161, 108, 138, 119, 115, 145, 106, 119,
      128, 131,
    ],
  ],
  [
    "brightness",
    1,
    [
      0, 59, 119, 169, 225, 10, 67, 124, 181, 234, 19, 75, 131, 187, 243, 30, 88, 146, 196, 252, 38, 95, 151, 208, 255,
      46, 101, 160, 217, 1, 58, 116, 173, 226, 11, 67, 123, 179, 235, 21, 79, 138, 188, 244, 30, 87, 143, 200,
    ],
  ],
  [
    "brightness",
    5,
    [
      0, 91, 182, 191, 255, 11, 90, 167, 244, 255, 21, 82, 137, 196, 255, 43, 126, 210, 198, 255, 38, 116, 186, 255,
      255, 46, 101, 189, 255, 1, 80, 158, 236, 255, 12, 75, 133, 194, 255, 31, 116, 202, 196, 255, 31, 110, 183, 255,
    ],
  ],
  [
    "contrast",
    1,
    [
      30, 71, 108, 149, 190, 35, 77, 118, 155, 196, 45, 82, 123, 164, 201, 50, 91, 128, 170, 211, 56, 97, 138, 175, 216,
      65, 102, 143, 184, 29, 71, 112, 149, 190, 39, 76, 117, 158, 195, 44, 85, 122, 164, 205, 50, 91, 132, 169,
    ],
  ],
  [
    "contrast",
    5,
    [
      102, 115, 113, 126, 138, 99, 112, 124, 123, 136, 109, 108, 121, 133, 132, 106, 119, 117, 130, 143, 103, 116, 128,
      127, 140, 113, 112, 125, 137, 97, 111, 123, 121, 134, 108, 107, 120, 132, 131, 105, 117, 116, 129, 141, 102, 115,
      127, 125,
    ],
  ],
  [
    "rotation",
    5,
    [
      54, 107, 160, 93, 146, 67, 101, 154, 104, 151, 61, 114, 174, 124, 177, 56, 105, 125, 153, 206, 61, 138, 113, 137,
      181, 103, 127, 126, 179, 34, 87, 115, 135, 163, 63, 116, 73, 126, 179, 83, 136, 86, 137, 173, 94, 139, 80, 133,
    ],
  ],
  [
    "rotation",
    5,
    [
      70, 123, 63, 120, 173, 73, 126, 101, 125, 163, 72, 125, 78, 131, 166, 61, 114, 109, 160, 209, 68, 139, 89, 142,
      198, 98, 151, 144, 172, 31, 78, 131, 126, 152, 74, 109, 174, 115, 168, 79, 115, 139, 114, 167, 67, 124, 177, 117,
    ],
  ],
];

const levelsOf = async (name: string, severity: Severity, rng = Rng.of(1)) =>
  toLevels(await corrupted(name, severity, IMAGE, DIMS, rng, jpegRoundTrip));

describe("common corruptions", () => {
  it.each(REFERENCE)(
    "%s of severity %i is what other code computes, to a grey level",
    async (name, severity, levels) => {
      const near = (a: ArrayLike<number>) => Math.max(...levels.map((level, i) => Math.abs(level - a[i]!)));
      // A turn goes either way.
      const tries = name === "rotation" ? [1, 2, 3, 4, 5, 6, 7, 8] : [1];
      const errors = await Promise.all(tries.map(async (seed) => near(await levelsOf(name, severity, Rng.of(seed)))));
      expect(Math.min(...errors)).toBeLessThanOrEqual(1);
    },
  );

  it.each(CORRUPTIONS.map(({ name }) => name))(
    "%s: 8-bit, the same for the same stream, harder with severity",
    async (name) => {
      const dims = [16, 16, 3];
      const image = fromLevels(Uint8Array.from({ length: 768 }, (_, i) => 60 + ((i * 37) % 120)));
      const changes: number[] = [];
      for (const severity of [1, 3, 5] as const) {
        const at = () => corrupted(name, severity, image, dims, Rng.of(3), jpegRoundTrip);
        const x = await at();
        expect(await at()).toEqual(x);
        expect(x).toEqual(fromLevels(toLevels(x)));
        changes.push(x.reduce((sum, value, i) => sum + (value - image[i]!) ** 2, 0));
      }
      expect(changes[0]).toBeGreaterThan(0);
      expect(changes[2]).toBeGreaterThan(changes[0]!);
    },
  );

  it("noise has the deviation and the share that its strengths say", async () => {
    const gray = new Float32Array(10_000).fill(0.5);
    const at = (name: string) => corrupted(name, 5, gray, [100, 100, 1], Rng.of(9), jpegRoundTrip);
    const noise = await at("gaussian-noise");
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / gray.length);
    expect(deviation).toBeGreaterThan(0.097);
    expect(deviation).toBeLessThan(0.103);
    const salted = (await at("impulse-noise")).filter((value) => value === 0 || value === 1).length / gray.length;
    expect(Math.abs(salted - 0.07)).toBeLessThan(0.01);
  });

  it("JPEG goes through a real encoder, at the quality that is asked for", async () => {
    const pixels = { height: 4, width: 4, channels: 3, data: toLevels(IMAGE) };
    const error = async (quality: number) =>
      (await jpegRoundTrip(pixels, quality)).data.reduce((sum, level, i) => sum + Math.abs(level - pixels.data[i]!), 0);
    expect(await error(10)).toBeGreaterThan(await error(95));
    expect(decodeImage).toBeTypeOf("function");
  });

  it("counts what stays right, and keeps the mildest failure of each kind", async () => {
    // Bright images are class 1: by their mean.
    const asked = (x: Float32Array) => {
      const mean = x.reduce((sum, value) => sum + value / x.length, 0);
      return Promise.resolve({ scores: Float32Array.of(0.62, mean) });
    };
    const model = { scores: asked, verify: asked };
    const point = new Float32Array(48).fill(0.5);
    const sample = await corruptSample({ point, label: 0, index: 3 }, DIMS, model, jpegRoundTrip, 0);
    expect(sample.cleanRight).toBe(true);
    expect(sample.failures.map(({ corruption, severity }) => [corruption, severity])).toEqual([["brightness", 3]]);
    const table = new CorruptionTable();
    table.add(sample);
    const cell = (name: string, severity: number) =>
      table.cells.find((one) => one.corruption === name && one.severity === severity);
    expect([cell("none", 0)!.right, cell("brightness", 2)!.right, cell("brightness", 3)!.right]).toEqual([1, 1, 0]);
    expect(table.cells).toHaveLength(1 + 5 * CORRUPTIONS.length);
  });
});
