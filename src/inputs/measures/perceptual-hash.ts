import { type Image, requireImages } from "./image.ts";

/** Comparisons in a row, and rows: 256 bits, told as 64 hexadecimal digits. */
const SIDE = 16;
/** Digits of a 32-bit word. */
const WORD = 8;
/** The least step of brightness that counts, in 0..1. */
const LEAST_STEP = 2 / 255;
/** With fewer bits set than this a hash says nothing of the picture. */
const FEWEST = 24;

/**
 * A difference hash (dHash) of 256 bits, as 64 hexadecimal digits: the image in gray, as means over 17 columns and 16 rows; a bit says that a mean is
 * larger than its left neighbor's by more than the picture's mean step (so that noise in flat areas sets none). Null of a picture too flat to be told by
 * it. Compare hashes of our own decoded values alone. Throws `E_INPUT_SHAPE`.
 */
export function differenceHash(image: Image, dims: readonly number[]): string | null {
  const [height, width, channels] = requireImages(dims, image);
  const all = means(gray(image, channels), height, width);
  const steps = Array.from({ length: SIDE * SIDE }, (_, bit) => {
    const at = bit + Math.floor(bit / SIDE);
    return all[at + 1]! - all[at]!;
  });
  const least = Math.max(LEAST_STEP, steps.reduce((sum, step) => sum + Math.abs(step), 0) / steps.length);
  const bits = steps.map((step) => Number(step > least));
  if (bits.reduce((sum, bit) => sum + bit, 0) < FEWEST) return null;
  return Array.from({ length: bits.length / 4 }, (_, i) =>
    Number.parseInt(bits.slice(4 * i, 4 * i + 4).join(""), 2).toString(16),
  ).join("");
}

/** The hash as eight unsigned 32-bit words. */
export function hashWords(hash: string): number[] {
  return Array.from({ length: hash.length / WORD }, (_, i) =>
    Number.parseInt(hash.slice(WORD * i, WORD * (i + 1)), 16),
  );
}

/** Bits in which two hashes differ. */
export function hashDistance(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, word, i) => sum + ones(word ^ b[i]!), 0);
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function gray(image: Image, channels: number): Float64Array {
  const values = new Float64Array(image.length / channels);
  for (let i = 0; i < image.length; i++) values[Math.floor(i / channels)]! += image[i]! / channels;
  return values;
}

/** Means over 16 rows and 17 columns of equal size, first across, then down. */
function means(values: Float64Array, height: number, width: number): Float64Array {
  const columns = SIDE + 1;
  const narrow = new Float64Array(height * columns);
  for (const [cell, part] of parts(width, columns).entries())
    for (const [x, share] of part)
      for (let y = 0; y < height; y++) narrow[y * columns + cell]! += share * values[y * width + x]!;
  const result = new Float64Array(SIDE * columns);
  for (const [cell, part] of parts(height, SIDE).entries())
    for (const [y, share] of part)
      for (let x = 0; x < columns; x++) result[cell * columns + x]! += share * narrow[y * columns + x]!;
  return result;
}

/** Of each of `cells` equal parts of a line of `size` pixels: the pixels under it, with their shares of its mean; one on an edge counts for both sides. */
function parts(size: number, cells: number): [pixel: number, share: number][][] {
  return Array.from({ length: cells }, (_, cell) => {
    const [from, to] = [(cell * size) / cells, ((cell + 1) * size) / cells];
    const covered: [number, number][] = [];
    for (let pixel = Math.floor(from); pixel < to; pixel++)
      covered.push([pixel, ((Math.min(to, pixel + 1) - Math.max(from, pixel)) * cells) / size]);
    return covered;
  });
}
