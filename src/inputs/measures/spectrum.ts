import { type Image, requireImages } from "./image.ts";

/** Shares of the squared change by spatial frequency; they sum to 1. */
export interface Spectrum {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

/**
 * The first ceil(n / 2) coefficients of the orthonormal DCT-II of each row of [rows, n], transposed:
 * X_u = s_u sum_k v_k cos(pi u (2k + 1) / 2n), s_0 = sqrt(1/n), s_u = sqrt(2/n).
 */
function lowerDct(values: Float64Array, rows: number, n: number): Float64Array {
  const kept = Math.ceil(n / 2);
  const half = Math.floor(n / 2);
  const cosines = new Float64Array(kept * kept);
  for (let u = 0; u < kept; u++)
    for (let k = 0; k < kept; k++)
      cosines[u * kept + k] = Math.sqrt((u === 0 ? 1 : 2) / n) * Math.cos((Math.PI * u * (2 * k + 1)) / (2 * n));
  const result = new Float64Array(kept * rows);
  const even = new Float64Array(kept);
  const odd = new Float64Array(kept);
  for (let row = 0; row < rows; row++) {
    const start = row * n;
    // The cosine of an even u is symmetric about the middle of the row, of an odd u antisymmetric: half of the products do.
    for (let k = 0; k < half; k++) {
      const first = values[start + k]!;
      const last = values[start + n - 1 - k]!;
      even[k] = first + last;
      odd[k] = first - last;
    }
    if (n % 2 === 1) even[half] = values[start + half]!;
    for (let u = 0; u < kept; u++) {
      const folded = u % 2 === 0 ? even : odd;
      let sum = 0;
      for (let k = 0; k < kept; k++) sum += cosines[u * kept + k]! * folded[k]!;
      result[u * rows + row] = sum;
    }
  }
  return result;
}

/**
 * How fine the change from x0 to x is: shares of its energy in three bands of the two-dimensional DCT-II, all channels together.
 * With f = max(u / height, v / width), 1 being the finest pattern that the pixels can hold: low f < 1/4, mid f < 1/2, high the
 * rest. So white noise has about 1/16, 3/16 and 3/4. The low square is the one of Guo, Frank, Weinberger, "Low frequency
 * adversarial perturbation", arXiv 1809.08758, at their ratio 1/4. Null where nothing changed. Throws `E_INPUT_SHAPE`.
 */
export function spectrum(x: Image, x0: Image, dims: readonly number[]): Spectrum | null {
  const [height, width, channels] = requireImages(dims, x, x0);
  const change = new Float64Array(height * width);
  let total = 0;
  let low = 0;
  let mid = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < change.length; pixel++) {
      const delta = x[pixel * channels + channel]! - x0[pixel * channels + channel]!;
      change[pixel] = delta;
      total += delta * delta;
    }
    // The transform is orthonormal: what low and mid don't have of the energy, high has, and need not be computed.
    const columns = Math.ceil(width / 2);
    const coefficients = lowerDct(lowerDct(change, height, width), columns, height);
    for (let u = 0; u < Math.ceil(height / 2); u++)
      for (let v = 0; v < columns; v++) {
        const energy = coefficients[u * columns + v]! ** 2;
        if (4 * u < height && 4 * v < width) low += energy;
        else mid += energy;
      }
  }
  if (total === 0) return null;
  const [lowShare, midShare] = [Math.min(1, low / total), Math.min(1, mid / total)];
  return { low: lowShare, mid: midShare, high: Math.max(0, 1 - lowShare - midShare) };
}
