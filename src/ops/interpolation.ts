import { BlindspotError } from "../base/errors.ts";
import { type AxisMap, axisMap } from "./axis-maps.ts";

/**
 * How Resize reads one axis. Coordinates are rounded to float32 after each operation, as ONNX Runtime computes them: which
 * neighbor is nearest depends on it.
 */
export interface Sampling {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

const f = Math.fround;

/** One axis of a Resize: sizes, output size over input size before rounding, and the part of the input (0..1) that a crop shows. */
export interface ResizedAxis {
  readonly inSize: number;
  readonly outSize: number;
  readonly scale: number;
  readonly region: readonly [start: number, end: number];
}

/** x_original of an output index: the formulas of Resize's `coordinate_transformation_mode`. */
function coordinate(mode: string, x: number, { inSize, outSize, scale, region }: ResizedAxis): number {
  const halfPixel = f(f(f(x + 0.5) / scale) - 0.5);
  switch (mode) {
    case "half_pixel":
      return halfPixel;
    case "pytorch_half_pixel":
      return outSize > 1 ? halfPixel : 0;
    case "half_pixel_symmetric": {
      const adjustment = f(outSize / f(scale * inSize));
      return f(f((inSize / 2) * f(1 - adjustment)) + halfPixel);
    }
    case "align_corners":
      return outSize > 1 ? f(f(x * (inSize - 1)) / (outSize - 1)) : 0;
    case "asymmetric":
      return f(x / scale);
    case "tf_crop_and_resize": {
      const [start, end] = region;
      if (outSize === 1) return f(f(0.5 * f(start + end)) * (inSize - 1));
      return f(f(start * (inSize - 1)) + f(x * f(f(f(end - start) * (inSize - 1)) / (outSize - 1))));
    }
    default:
      throw new BlindspotError({
        code: "E_ATTRIBUTE_VALUE",
        subject: "Resize, attribute coordinate_transformation_mode",
        expected: "a mode of ONNX",
        got: mode,
      });
  }
}

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Triangle of linear interpolation. */
function linearKernel(distance: number): number {
  return Math.max(1 - Math.abs(distance), 0);
}

/** Cubic convolution: Keys, 1981, equation 4. */
function cubicKernel(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

/** Writes the weights with which the input's elements make the one at coordinate x. Elements outside count as the edge, unless excluded. */
function fillRow(row: Float64Array, x: number, scale: number, sampling: Sampling): void {
  const last = row.length - 1;
  const clamp = (at: number) => Math.min(Math.max(at, 0), last);
  if (sampling.mode === "nearest") {
    row[clamp(NEAREST[sampling.nearest](x))] = 1;
    return;
  }
  // Antialiasing stretches the kernel when shrinking.
  const stretch = sampling.antialias ? Math.min(scale, 1) : 1;
  const reach = Math.ceil((sampling.mode === "cubic" ? 2 : 1) / stretch);
  let total = 0;
  for (let at = Math.floor(x) - reach; at <= Math.floor(x) + reach + 1; at++) {
    if (sampling.excludeOutside && at !== clamp(at)) continue;
    const distance = (at - x) * stretch;
    const weight = sampling.mode === "cubic" ? cubicKernel(distance, sampling.cubicA) : linearKernel(distance);
    row[clamp(at)] += weight;
    total += weight;
  }
  for (let at = 0; at <= last; at++) row[at] /= total;
}

/** The map of one resized axis. A row without weights belongs to a crop's element that lies outside. */
export function interpolation(axis: number, resized: ResizedAxis, sampling: Sampling): AxisMap {
  const { inSize, outSize, scale } = resized;
  const crops = sampling.coordinates === "tf_crop_and_resize";
  return axisMap(axis, outSize, inSize, (row, o) => {
    const x = coordinate(sampling.coordinates, o, resized);
    if (!crops || (x >= 0 && x <= inSize - 1)) fillRow(row, x, scale, sampling);
  });
}
