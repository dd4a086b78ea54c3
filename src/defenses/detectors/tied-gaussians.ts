import { BlindspotError } from "../../base/errors.ts";
import type { OpBuilder } from "../../graph/builder.ts";
import type { Value } from "../../graph/ir.ts";
import { float32, int64Vector, scalar } from "../../tensor/tensor.ts";
import { cholesky, invertLower } from "./cholesky.ts";

/** Added to the diagonal, times the mean variance: features that never change on clean data would make the covariance singular. */
const RIDGE = 1e-6;

/** Gaussians of the classes, of one covariance, in coordinates in which it is the identity. */
export interface TiedGaussians {
  readonly size: number;
  /** [size]: of all rows. */
  readonly mean: Float64Array;
  /** [size, size]: W with W (x - mean) white. */
  readonly whitening: Float64Array;
  /** [classes, size]: W (mean of the class - mean). */
  readonly centers: Float64Array;
}

/**
 * Class means and the covariance of the deviations from them.
 * @param data [count, size]
 * Throws E_DETECTOR_DATA for a class without rows.
 */
export function fitTiedGaussians(data: Float32Array, size: number, labels: Int32Array, classes: number): TiedGaussians {
  const count = labels.length;
  const sums = Array.from({ length: classes }, () => new Float64Array(size));
  const counts = new Array<number>(classes).fill(0);
  const mean = new Float64Array(size);
  for (let i = 0; i < count; i++) {
    counts[labels[i]!]!++;
    for (let j = 0; j < size; j++) {
      sums[labels[i]!]![j]! += data[i * size + j]!;
      mean[j]! += data[i * size + j]! / count;
    }
  }
  const missing = counts.flatMap((n, label) => (n === 0 ? [label] : []));
  if (missing.length > 0)
    throw new BlindspotError({
      code: "E_DETECTOR_DATA",
      subject: "the data to fit on",
      expected: "samples of every class",
      got: `none of class ${missing.join(", ")}`,
    });
  const means = sums.map((sum, label) => sum.map((value) => value / counts[label]!));
  const covariance = new Float64Array(size * size);
  const deviation = new Float64Array(size);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) deviation[j] = data[i * size + j]! - means[labels[i]!]![j]!;
    for (let j = 0; j < size; j++) {
      const d = deviation[j]! / count;
      if (d !== 0) for (let k = 0; k <= j; k++) covariance[j * size + k]! += d * deviation[k]!;
    }
  }
  let trace = 0;
  for (let j = 0; j < size; j++) trace += covariance[j * size + j]!;
  if (!(trace > 0))
    throw new BlindspotError({
      code: "E_DETECTOR_DATA",
      subject: "the features",
      expected: "finite features that differ between samples of a class",
      got: Number.isFinite(trace) ? "features that never differ" : "features that are not finite",
    });
  for (let j = 0; j < size; j++) covariance[j * size + j]! += (RIDGE * trace) / size;
  const whitening = invertLower(cholesky(covariance, size), size);
  const centers = new Float64Array(classes * size);
  means.forEach((classMean, label) => {
    for (let j = 0; j < size; j++)
      for (let k = 0; k <= j; k++) centers[label * size + j]! += whitening[j * size + k]! * (classMean[k]! - mean[k]!);
  });
  return { size, mean, whitening, centers };
}

/** Half the squared distance of each row from the nearest class. @param data [count, size] */
export function nearestDistances({ size, mean, whitening, centers }: TiedGaussians, data: Float32Array): Float64Array {
  const classes = centers.length / size;
  const white = new Float64Array(size);
  return Float64Array.from({ length: data.length / size }, (_, i) => {
    for (let j = 0; j < size; j++) {
      white[j] = 0;
      for (let k = 0; k <= j; k++) white[j]! += whitening[j * size + k]! * (data[i * size + k]! - mean[k]!);
    }
    let nearest = Number.POSITIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      let square = 0;
      for (let j = 0; j < size; j++) square += (white[j]! - centers[c * size + j]!) ** 2;
      nearest = Math.min(nearest, square / 2);
    }
    return nearest;
  });
}

/** Half the squared distance from each class, [N, classes]. @param features float32 [N, size] */
export function appendDistances(op: OpBuilder, features: Value, gaussians: TiedGaussians): Value {
  const { size, mean, whitening, centers } = gaussians;
  const centered = op.Sub(features, float32([size], mean));
  // Rows times W^T.
  const white = op.Gemm(centered, op.initializer("whitening", float32([size, size], whitening)), { transB: 1 });
  const places = op.initializer("centers", float32([1, centers.length / size, size], centers));
  const deviations = op.Sub(op.Unsqueeze(white, int64Vector([1])), places);
  const squares = op.ReduceSum(op.Mul(deviations, deviations), int64Vector([2]), { keepdims: 0 });
  return op.Mul(squares, scalar("float32", 0.5));
}
