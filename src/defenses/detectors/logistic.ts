import { cholesky, solveCholesky } from "./cholesky.ts";

export interface Logistic {
  readonly weights: Float64Array;
  readonly bias: number;
}

const NEWTON_STEPS = 50;

/**
 * Logistic regression with an L2 penalty, by Newton's method with halved steps: the minimum of
 * |w|^2 / 2 + C sum_i log(1 + exp(-y_i (w x_i + b))), the bias free, as scikit-learn writes it.
 * @param data [count, size] @param positive one per row
 */
export function fitLogistic(data: Float64Array, size: number, positive: readonly boolean[], c = 1): Logistic {
  const wide = size + 1;
  const row = (i: number) => data.subarray(i * size, (i + 1) * size);
  const height = (v: Float64Array, i: number) => {
    let sum = v[size]!;
    const x = row(i);
    for (let j = 0; j < size; j++) sum += v[j]! * x[j]!;
    return sum;
  };
  const cost = (v: Float64Array): number => {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += v[j]! ** 2 / 2;
    for (const [i, is] of positive.entries()) {
      const margin = is ? height(v, i) : -height(v, i);
      sum += c * (Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin))));
    }
    return sum;
  };
  let v = new Float64Array(wide);
  let best = cost(v);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const gradient = Float64Array.from(v, (value, j) => (j < size ? value : 0));
    const hessian = new Float64Array(wide * wide);
    for (let j = 0; j < size; j++) hessian[j * wide + j] = 1;
    // The bias is not penalized: where all rows are told perfectly, nothing else holds its curvature above 0.
    hessian[wide * wide - 1] = 1e-12;
    for (const [i, is] of positive.entries()) {
      const x = row(i);
      const p = 1 / (1 + Math.exp(-height(v, i)));
      const slope = c * (p - (is ? 1 : 0));
      const curvature = c * p * (1 - p);
      for (let j = 0; j < wide; j++) {
        const a = j < size ? x[j]! : 1;
        gradient[j]! += slope * a;
        if (a !== 0) for (let k = 0; k <= j; k++) hessian[j * wide + k]! += curvature * a * (k < size ? x[k]! : 1);
      }
    }
    const direction = solveCholesky(cholesky(hessian, wide), gradient);
    let length = 1;
    let next = v;
    let nextCost = best;
    for (; length > 1e-10; length /= 2) {
      next = v.map((value, j) => value - length * direction[j]!);
      nextCost = cost(next);
      if (nextCost < best) break;
    }
    if (!(best - nextCost > 1e-12 * Math.abs(best))) break;
    v = next;
    best = nextCost;
  }
  return { weights: v.slice(0, size), bias: v[size]! };
}

/** The same on columns of mean 0 and variance 1, said for the data as they are: slopes x + offset. @param data [count, size], not changed */
export function fitStandardized(
  data: Float64Array,
  size: number,
  positive: readonly boolean[],
): { readonly slopes: Float64Array; readonly offset: number } {
  const count = positive.length;
  const mean = new Float64Array(size);
  const scale = new Float64Array(size);
  for (let i = 0; i < count; i++) for (let j = 0; j < size; j++) mean[j]! += data[i * size + j]! / count;
  for (let i = 0; i < count; i++)
    for (let j = 0; j < size; j++) scale[j]! += (data[i * size + j]! - mean[j]!) ** 2 / count;
  // A column that never changes tells nothing.
  scale.forEach((variance, j) => {
    scale[j] = variance > 1e-20 ? 1 / Math.sqrt(variance) : 0;
  });
  const standardized = data.map((value, i) => (value - mean[i % size]!) * scale[i % size]!);
  const { weights, bias } = fitLogistic(standardized, size, positive);
  const slopes = weights.map((w, j) => w * scale[j]!);
  return { slopes, offset: bias - slopes.reduce((sum, slope, j) => sum + slope * mean[j]!, 0) };
}
