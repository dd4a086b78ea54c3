/** Values in height-width-channel order. */
export interface Raster {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float32Array;
}

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A smaller picture: each pixel is the mean of the box under it, pixels on its edge by the share that lies inside. */
export function boxMeans(raster: Raster, size: Size): Raster {
  return shrink(raster, size, (sum, value, share) => sum + share * value);
}

/** A smaller picture of a change: each pixel shows the largest change under it. A mean would cancel noise to nothing. */
export function largestChanges(raster: Raster, size: Size): Raster {
  return shrink(raster, size, (largest, value) => (Math.abs(value) > Math.abs(largest) ? value : largest));
}

/** Each pixel is what `fold` makes of those under it, beginning with 0. The shares of one box sum to 1. */
function shrink(raster: Raster, size: Size, fold: (sum: number, value: number, share: number) => number): Raster {
  const { height, width, channels, values } = raster;
  if (size.height === height && size.width === width) return raster;
  const rows = boxes(height, size.height);
  const columns = boxes(width, size.width);
  const out = new Float32Array(size.height * size.width * channels);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      for (let channel = 0; channel < channels; channel++, at++) {
        let sum = 0;
        for (const y of row)
          for (const x of column)
            sum = fold(sum, values[(y.index * width + x.index) * channels + channel]!, y.share * x.share);
        out[at] = sum;
      }
    }
  }
  return { ...size, channels, values: out };
}

/** Which of `from` pixels lie under each of `to` larger ones, and what share of its length each takes. */
function boxes(from: number, to: number): { readonly index: number; readonly share: number }[][] {
  const length = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * length, (i + 1) * length];
    const first = Math.floor(start);
    const count = Math.min(from, Math.ceil(end)) - first;
    return Array.from({ length: count }, (_, k) => {
      const index = first + k;
      return { index, share: (Math.min(end, index + 1) - Math.max(start, index)) / length };
    });
  });
}
