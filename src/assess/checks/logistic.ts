/** A plane through feature space: positive where `<weights, f> + bias` is. */
export interface Plane {
  readonly weights: Float64Array;
  readonly bias: number;
}

const ITERATIONS = 1000;

/** Value of the plane at a row. */
export function planeAt({ weights, bias }: Plane, row: Float32Array): number {
  let sum = bias;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * row[i]!;
  return sum;
}

/**
 * Logistic regression without penalty that tells one row from all others: gradient descent with Nesterov's momentum on standardized features, the
 * one row weighing as much as all others together, until each row lies on its side. Null where no plane was found within 1,000 iterations.
 */
export function separatingPlane(inner: readonly Float32Array[], outer: Float32Array): Plane | null {
  const size = outer.length;
  const rows = [...inner, outer];
  const center = new Float64Array(size);
  const spread = new Float64Array(size);
  for (const row of inner) for (let j = 0; j < size; j++) center[j]! += row[j]! / inner.length;
  for (const row of rows) for (let j = 0; j < size; j++) spread[j]! += (row[j]! - center[j]!) ** 2 / rows.length;
  // A feature that never changes tells nothing.
  const scale = spread.map((value) => (value > 1e-20 ? 1 / Math.sqrt(value) : 0));
  const used = scale.filter((value) => value > 0).length;
  if (used === 0) return null;
  const data = rows.map((row) => Float64Array.from(row, (value, j) => (value - center[j]!) * scale[j]!));
  const labels = rows.map((_, i) => (i < inner.length ? -1 : 1));
  const importance = labels.map((label) => (label > 0 ? 0.5 : 0.5 / inner.length));
  // Half the mean squared norm of a weighted row bounds the curvature of the loss, so that this step never overshoots.
  const curvature =
    data.reduce((sum, row, i) => sum + importance[i]! * (1 + row.reduce((s, v) => s + v * v, 0)), 0) / 4;
  const step = 1 / curvature;
  let weights = new Float64Array(size);
  let bias = 0;
  let lastWeights = weights;
  let lastBias = bias;
  for (let t = 1; t <= ITERATIONS; t++) {
    const momentum = (t - 1) / (t + 2);
    const v = weights.map((value, j) => value + momentum * (value - lastWeights[j]!));
    const b = bias + momentum * (bias - lastBias);
    const gradient = new Float64Array(size);
    let biasGradient = 0;
    let separated = true;
    for (let i = 0; i < data.length; i++) {
      const row = data[i]!;
      let z = b;
      for (let j = 0; j < size; j++) z += v[j]! * row[j]!;
      if (z * labels[i]! <= 0) separated = false;
      // d/dz log(1 + exp(-y z)) = -y / (1 + exp(y z))
      const slope = (-importance[i]! * labels[i]!) / (1 + Math.exp(labels[i]! * z));
      for (let j = 0; j < size; j++) gradient[j]! += slope * row[j]!;
      biasGradient += slope;
    }
    if (separated) return inOriginalUnits(v, b, center, scale);
    lastWeights = weights;
    lastBias = bias;
    weights = v.map((value, j) => value - step * gradient[j]!);
    bias = b - step * biasGradient;
  }
  return null;
}

function inOriginalUnits(v: Float64Array, b: number, center: Float64Array, scale: Float64Array): Plane {
  const weights = v.map((value, j) => value * scale[j]!);
  return { weights, bias: b - weights.reduce((sum, value, j) => sum + value * center[j]!, 0) };
}
