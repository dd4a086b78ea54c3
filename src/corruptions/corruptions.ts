import type { Rng } from "../base/rng.ts";
import type { Pixels } from "../inputs/image-codec.ts";
import { fromLevels, toLevels } from "../inputs/points.ts";

/**
 * Common corruptions: what sensors, weather and storage do without any attacker. Strengths are those of CIFAR-10-C, made for 32x32 images: Hendrycks,
 * Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR 2019, arXiv 1903.12261, and the authors'
 * `make_cifar_c.py`. Rotation is not among theirs; its degrees are ours.
 *
 * Differences from the authors' code: values are rounded to the nearest grey level, theirs are cut off.
 */
export const SEVERITIES = [1, 2, 3, 4, 5] as const;
export type Severity = (typeof SEVERITIES)[number];

/** JPEG and back, at a quality of 1..100. Injected, because browsers and Node do it with different libraries. */
export type JpegRoundTrip = (pixels: Pixels, quality: number) => Promise<Pixels>;

export interface Corruption {
  readonly name: string;
  readonly summary: string;
  /** Of each severity, mildest first. */
  readonly strengths: readonly [number, number, number, number, number];
}

interface Recipe extends Corruption {
  apply(image: Image, strength: number, rng: Rng, jpeg: JpegRoundTrip): Float32Array | Promise<Float32Array>;
}

/** A point in height-width-channel order, 0..1. */
interface Image {
  readonly x: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

const RECIPES: readonly Recipe[] = [
  {
    name: "gaussian-noise",
    summary: "normal noise; strength is its deviation",
    strengths: [0.04, 0.06, 0.08, 0.09, 0.1],
    apply: ({ x }, deviation, rng) => x.map((value) => value + deviation * rng.normal()),
  },
  {
    name: "impulse-noise",
    summary: "salt and pepper; strength is the share of values",
    strengths: [0.01, 0.02, 0.03, 0.05, 0.07],
    apply: ({ x }, share, rng) => x.map((value) => (rng.uniform() < share ? Number(rng.sign() > 0) : value)),
  },
  {
    name: "gaussian-blur",
    summary: "strength is the deviation in pixels",
    strengths: [0.4, 0.6, 0.7, 0.8, 1],
    apply: blurred,
  },
  {
    name: "brightness",
    summary: "strength is added to the value of hue, saturation and value",
    strengths: [0.05, 0.1, 0.15, 0.2, 0.3],
    apply: brightened,
  },
  {
    name: "contrast",
    summary: "toward the mean of each channel; strength is what is left",
    strengths: [0.75, 0.5, 0.4, 0.3, 0.15],
    apply: flattened,
  },
  {
    name: "jpeg",
    summary: "strength is the quality",
    strengths: [80, 65, 58, 50, 40],
    apply: async ({ x, height, width, channels }, quality, _, jpeg) =>
      fromLevels((await jpeg({ height, width, channels, data: toLevels(x) }, quality)).data),
  },
  {
    name: "rotation",
    summary: "a small turn either way; strength is in degrees",
    strengths: [3, 6, 9, 12, 15],
    apply: (image, degrees, rng) => turned(image, (rng.sign() * degrees * Math.PI) / 180),
  },
];

export const CORRUPTIONS: readonly Corruption[] = RECIPES;

/**
 * The corrupted image, with 8 bits per value. Deterministic by `rng`.
 * @param x image in 0..1, [height, width, channels] with 1 or 3 channels
 */
export async function corrupted(
  name: string,
  severity: Severity,
  x: Float32Array,
  [height = 1, width = 1, channels = 1]: readonly number[],
  rng: Rng,
  jpeg: JpegRoundTrip,
): Promise<Float32Array> {
  const recipe = RECIPES.find((one) => one.name === name)!;
  const image = { x, height, width, channels };
  const result = await recipe.apply(image, recipe.strengths[severity - 1]!, rng, jpeg);
  return result.map((value) => Math.round(255 * Math.min(1, Math.max(0, value))) / 255);
}

/** Separable, four deviations wide, edges repeated: `skimage.filters.gaussian`. */
function blurred({ x, height, width, channels }: Image, sigma: number): Float32Array {
  const radius = Math.trunc(4 * sigma + 0.5);
  const taps = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const sum = taps.reduce((a, b) => a + b, 0);
  const pass = (from: Float32Array, length: number, stride: number) =>
    from.map((_, i) => {
      const at = Math.floor(i / stride) % length;
      let total = 0;
      for (const [k, tap] of taps.entries()) {
        const other = Math.min(length - 1, Math.max(0, at + k - radius));
        total += (tap / sum) * from[i + (other - at) * stride]!;
      }
      return total;
    });
  return pass(pass(x, height, width * channels), width, channels);
}

/** With the same hue and saturation all channels grow in the proportion of the largest, the value. */
function brightened({ x, channels }: Image, more: number): Float32Array {
  return x.map((value, i) => {
    const start = i - (i % channels);
    const largest = x.subarray(start, start + channels).reduce((a, b) => Math.max(a, b), 0);
    const brighter = Math.min(1, largest + more);
    return largest === 0 ? brighter : (value * brighter) / largest;
  });
}

function flattened({ x, channels }: Image, left: number): Float32Array {
  const means = new Float64Array(channels);
  for (const [i, value] of x.entries()) means[i % channels]! += value / (x.length / channels);
  return x.map((value, i) => left * (value - means[i % channels]!) + means[i % channels]!);
}

/** About the middle, bilinear, edges repeated. */
function turned({ x, height, width, channels }: Image, angle: number): Float32Array {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2];
  const at = (row: number, column: number, channel: number) =>
    x[(clamp(row, height) * width + clamp(column, width)) * channels + channel]!;
  return x.map((_, i) => {
    const channel = i % channels;
    const column = Math.floor(i / channels) % width;
    const [down, across] = [Math.floor(i / channels / width) - middleRow, column - middleColumn];
    const fromRow = middleRow + cos * down - sin * across;
    const fromColumn = middleColumn + sin * down + cos * across;
    const [top, left] = [Math.floor(fromRow), Math.floor(fromColumn)];
    const [v, h] = [fromRow - top, fromColumn - left];
    return (
      (1 - v) * ((1 - h) * at(top, left, channel) + h * at(top, left + 1, channel)) +
      v * ((1 - h) * at(top + 1, left, channel) + h * at(top + 1, left + 1, channel))
    );
  });
}

function clamp(value: number, size: number): number {
  return Math.min(size - 1, Math.max(0, value));
}
