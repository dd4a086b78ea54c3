import { BlindspotError } from "../../base/errors.ts";
import { float32, int64Vector, scalar } from "../../tensor/tensor.ts";
import { cholesky, invertLower } from "./cholesky.ts";
import type { DetectorDefinition } from "./detector.ts";

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

/**
 * A simple unified framework for detecting out-of-distribution samples and adversarial attacks (Lee et al. 2018), arXiv:1807.03888, equations 1 and 2:
 * min_c (f - mu_c)^T S^-1 (f - mu_c) / 2, with one covariance S for all classes.
 *
 * Differences from the paper: one layer, so that no adversarial data is needed to weigh layers; no perturbation of the input; a ridge of
 * 1e-6 of the mean variance in place of a pseudo-inverse.
 */
export const mahalanobis: DetectorDefinition = {
  name: "mahalanobis",
  summary: "distance of the features from the nearest class, in units of their spread",
  source:
    "A simple unified framework for detecting out-of-distribution samples and adversarial attacks, arXiv:1807.03888",
  async fit(bench) {
    const { layer } = bench.settings;
    const { data, size } = await bench.features(bench.rows);
    const classes = bench.classes.length;
    const { mean, whitening, centers } = fitTiedGaussians(data, size, bench.labels, classes);
    return {
      describes: `Mahalanobis distance on ${size} features${layer === undefined ? " before the last layer" : ` of ${layer}`}`,
      append({ op, features }) {
        const centered = op.Sub(features(layer), float32([size], mean));
        // Rows times W^T.
        const white = op.Gemm(centered, op.initializer("whitening", float32([size, size], whitening)), { transB: 1 });
        const places = op.initializer("centers", float32([1, classes, size], centers));
        const deviations = op.Sub(op.Unsqueeze(white, int64Vector([1])), places);
        const squares = op.ReduceSum(op.Mul(deviations, deviations), int64Vector([2]), { keepdims: 0 });
        const byClass = op.Mul(squares, scalar("float32", 0.5));
        return {
          total: op.ReduceMin(byClass, int64Vector([1]), { keepdims: 0 }),
          guide: { byClass, unit: "suspicion" },
        };
      },
    };
  },
};
