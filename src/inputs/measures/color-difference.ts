import { type Image, requireImages } from "./image.ts";

/** CIE 1976 L*a*b*. */
export type Lab = readonly [lightness: number, a: number, b: number];

/** CIEDE2000 over the pixels of an image. */
export interface ColorDifference {
  readonly mean: number;
  /** 95th percentile, interpolated linearly between neighbors. */
  readonly p95: number;
  readonly max: number;
}

/** White point D65 as the matrix of IEC 61966-2-1 has it: the sums of its rows, so that grays come out with no hue at all. */
const WHITE_X = 0.4124 + 0.3576 + 0.1805;
const WHITE_Z = 0.0193 + 0.1192 + 0.9505;

/** Inverse of the sRGB transfer curve, IEC 61966-2-1. */
function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** f(t) of L*a*b*, CIE 15. */
function cubeRoot(t: number): number {
  return t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116;
}

/** From linear sRGB, by the matrix of IEC 61966-2-1. */
function fromLinear(r: number, g: number, b: number): Lab {
  const x = cubeRoot((0.4124 * r + 0.3576 * g + 0.1805 * b) / WHITE_X);
  const y = cubeRoot(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = cubeRoot((0.0193 * r + 0.1192 * g + 0.9505 * b) / WHITE_Z);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** L*a*b* (D65) of an sRGB color, 0..1 each. */
export function srgbToLab(red: number, green: number, blue: number): Lab {
  return fromLinear(toLinear(red), toLinear(green), toLinear(blue));
}

const DEGREE = Math.PI / 180;
const TURN = 2 * Math.PI;

/** Of a hue in the a', b' plane: 0..2 pi; 0 where there is no chroma. */
function hue(a: number, b: number): number {
  const angle = Math.atan2(b, a);
  return angle < 0 ? angle + TURN : angle;
}

/** sqrt(c^7 / (c^7 + 25^7)): 0 at the gray axis, 1 far from it. Products, since a power costs as much as all the rest. */
function saturation(chroma: number): number {
  const cube = chroma * chroma * chroma;
  const seventh = cube * cube * chroma;
  return Math.sqrt(seventh / (seventh + 25 ** 7));
}

/**
 * Color difference CIEDE2000 with kL = kC = kH = 1; about 1 is just noticeable side by side. Numbers of the equations are those of
 * Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and mathematical
 * observations", Color Research and Application 30(1), 2005.
 */
export function ciede2000([l1, a1, b1]: Lab, [l2, a2, b2]: Lab): number {
  // (2)-(7): chroma and hue, with a stretched near the gray axis.
  const g = 1.5 - 0.5 * saturation((Math.sqrt(a1 * a1 + b1 * b1) + Math.sqrt(a2 * a2 + b2 * b2)) / 2);
  const c1 = Math.sqrt(g * a1 * (g * a1) + b1 * b1);
  const c2 = Math.sqrt(g * a2 * (g * a2) + b2 * b2);
  const h1 = hue(g * a1, b1);
  const h2 = hue(g * a2, b2);
  // (8)-(11): differences; hues the short way round, none where a color has no hue.
  const gray = c1 * c2 === 0;
  let dh = gray ? 0 : h2 - h1;
  if (dh > Math.PI) dh -= TURN;
  else if (dh < -Math.PI) dh += TURN;
  const dL = l2 - l1;
  const dC = c2 - c1;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin(dh / 2);
  // (12)-(14): means; of two hues more than half a turn apart, the mean on the short side.
  const lightness = (l1 + l2) / 2;
  const chroma = (c1 + c2) / 2;
  let h = gray ? h1 + h2 : (h1 + h2) / 2;
  if (!gray && Math.abs(h1 - h2) > Math.PI) h += h1 + h2 < TURN ? Math.PI : -Math.PI;
  // (15)-(21): weights and the rotation in the blue region.
  const t =
    1 -
    0.17 * Math.cos(h - 30 * DEGREE) +
    0.24 * Math.cos(2 * h) +
    0.32 * Math.cos(3 * h + 6 * DEGREE) -
    0.2 * Math.cos(4 * h - 63 * DEGREE);
  const turn = 30 * DEGREE * Math.exp(-(((h / DEGREE - 275) / 25) ** 2));
  const rotation = -2 * saturation(chroma) * Math.sin(2 * turn);
  const offset = (lightness - 50) ** 2;
  const sL = dL / (1 + (0.015 * offset) / Math.sqrt(20 + offset));
  const sC = dC / (1 + 0.045 * chroma);
  const sH = dH / (1 + 0.015 * chroma * t);
  // (22)
  return Math.sqrt(Math.max(0, sL * sL + sC * sC + sH * sH + rotation * sC * sH));
}

/**
 * CIEDE2000 between each pixel of x and the same pixel of x0; both RGB images, [height, width, 3]. Throws `E_INPUT_SHAPE`.
 */
export function colorDifference(x: Image, x0: Image, dims: readonly number[]): ColorDifference {
  const [height, width] = requireImages([dims[0]!, dims[1]!, 3], x, x0);
  const differences = new Float64Array(height * width);
  const linear = memoized(toLinear);
  let sum = 0;
  for (let pixel = 0; pixel < differences.length; pixel++) {
    const at = 3 * pixel;
    if (x[at] === x0[at] && x[at + 1] === x0[at + 1] && x[at + 2] === x0[at + 2]) continue;
    const before = fromLinear(linear(x0[at]!), linear(x0[at + 1]!), linear(x0[at + 2]!));
    const after = fromLinear(linear(x[at]!), linear(x[at + 1]!), linear(x[at + 2]!));
    const difference = ciede2000(before, after);
    differences[pixel] = difference;
    sum += difference;
  }
  differences.sort();
  const rank = 0.95 * (differences.length - 1);
  const low = differences[Math.floor(rank)]!;
  const high = differences[Math.ceil(rank)]!;
  return { mean: sum / differences.length, p95: low + (rank % 1) * (high - low), max: differences.at(-1)! };
}

/** `f` for values of which most are multiples of 1/255: those are computed once. */
function memoized(f: (value: number) => number): (value: number) => number {
  const levels = Float64Array.from({ length: 256 }, (_, level) => f(Math.fround(level / 255)));
  return (value) => {
    const level = Math.round(value * 255);
    return level >= 0 && level <= 255 && Math.fround(level / 255) === value ? levels[level]! : f(value);
  };
}
