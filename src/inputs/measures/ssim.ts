import { type Image, requireImages } from "./image.ts";

const SIGMA = 1.5;
const WINDOW = 11;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/** Side of the window: 11 pixels, or for a smaller image the largest odd number that fits into it. */
export function ssimWindow(height: number, width: number): number {
  const side = Math.min(height, width, WINDOW);
  return side % 2 === 1 ? side : side - 1;
}

/** A normalized Gaussian of `size` taps; sigma stays 1.5 whatever the size. */
function gaussian(size: number): Float64Array {
  const middle = (size - 1) / 2;
  const taps = Float64Array.from({ length: size }, (_, i) => Math.exp(-((i - middle) ** 2) / (2 * SIGMA ** 2)));
  const sum = taps.reduce((a, b) => a + b, 0);
  return taps.map((tap) => tap / sum);
}

/**
 * Convolves each row of [rows, columns] with `taps` where they fit, and transposes: [columns - taps + 1, rows]. Twice makes a
 * two-dimensional convolution of a separable window.
 */
function convolveRows(values: Float64Array, rows: number, columns: number, taps: Float64Array): Float64Array {
  const size = taps.length;
  const middle = (size - 1) / 2;
  const kept = columns - size + 1;
  const result = new Float64Array(kept * rows);
  for (let row = 0; row < rows; row++)
    for (let at = 0; at < kept; at++) {
      const from = row * columns + at;
      let sum = taps[middle]! * values[from + middle]!;
      // The window is symmetric.
      for (let i = 0; i < middle; i++) sum += taps[i]! * (values[from + i]! + values[from + size - 1 - i]!);
      result[at * rows + row] = sum;
    }
  return result;
}

/**
 * Structural similarity, 1 for equal images. Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to
 * structural similarity", IEEE TIP 13(4), 2004, equation 13, with the paper's Gaussian window of 11x11 and sigma 1.5, K1 = 0.01,
 * K2 = 0.03, L = 1; mean over the places where the whole window fits, then over the channels.
 *
 * Images under 11 pixels: see `ssimWindow`. Throws `E_INPUT_SHAPE`.
 */
export function ssim(x: Image, y: Image, dims: readonly number[]): number {
  const [height, width, channels] = requireImages(dims, x, y);
  const area = height * width;
  const taps = gaussian(ssimWindow(height, width));
  const mean = (values: Float64Array) =>
    convolveRows(convolveRows(values, height, width, taps), width - taps.length + 1, height, taps);
  const xs = new Float64Array(area);
  const ys = new Float64Array(area);
  const squares = new Float64Array(area);
  const products = new Float64Array(area);
  let total = 0;
  let places = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < area; pixel++) {
      const a = x[pixel * channels + channel]!;
      const b = y[pixel * channels + channel]!;
      xs[pixel] = a;
      ys[pixel] = b;
      squares[pixel] = a * a + b * b;
      products[pixel] = a * b;
    }
    const muX = mean(xs);
    const muY = mean(ys);
    const meanSquares = mean(squares);
    const meanProducts = mean(products);
    places += muX.length;
    for (let i = 0; i < muX.length; i++) {
      const product = muX[i]! * muY[i]!;
      const power = muX[i]! ** 2 + muY[i]! ** 2;
      // Only the sum of the two variances is needed, so their squares are averaged together.
      const variances = meanSquares[i]! - power;
      const covariance = meanProducts[i]! - product;
      total += ((2 * product + C1) * (2 * covariance + C2)) / ((power + C1) * (variances + C2));
    }
  }
  return total / places;
}
