import type { Classifier, FeatureModel, LossName, Rows } from "../../models/classifier.ts";
import { type Plane, planeAt } from "./logistic.ts";

/** Slope of a loss in z, for the scores [-z/2, z/2] of a sample of class 0 whose target is 1. Each loss of two classes rises with z. */
function slopeOf(loss: LossName, z: number): number {
  if (loss === "cross-entropy") return 1 / (1 + Math.exp(-z));
  if (loss === "targeted-cross-entropy") return 1 / (1 + Math.exp(z));
  return 1;
}

function lossOf(loss: LossName, z: number): number {
  // log(1 + exp(z)), without overflow.
  const softplus = (value: number) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
  if (loss === "cross-entropy") return softplus(z);
  if (loss === "targeted-cross-entropy") return -softplus(-z);
  return z;
}

/**
 * The features of a model behind another last layer: class 1 where a plane in feature space is positive, class 0 elsewhere. Its inputs of
 * interest all have label 0, so the gradient of every loss is a positive multiple of that of the plane, and one backward pass serves all.
 */
export function binaryClassifier(model: Classifier, features: FeatureModel, plane: Plane): Classifier {
  const { size } = features;
  const heights = (flat: Float32Array, count: number): number[] =>
    Array.from({ length: count }, (_, i) => planeAt(plane, flat.subarray(i * size, (i + 1) * size)));
  const scoresFrom = (z: readonly number[]) => Float32Array.from(z.flatMap((value) => [-value / 2, value / 2]));
  const scores = async (rows: Rows) => scoresFrom(heights(await features.features(rows), rows.count));
  return {
    classes: ["inside", "beyond"],
    dims: model.dims,
    capabilities: { output: "scores", gradient: true },
    maxBatch: model.maxBatch,
    concurrency: model.concurrency,
    notes: [],
    problems: [],
    scores,
    async gradient(rows, loss) {
      const cotangents = new Float32Array(rows.count * size);
      for (let i = 0; i < rows.count; i++) cotangents.set(plane.weights, i * size);
      const result = await features.gradient(rows, cotangents);
      const z = heights(result.features, rows.count);
      const width = result.gradients.length / rows.count;
      const gradients = result.gradients.map((value, i) => value * slopeOf(loss, z[Math.floor(i / width)]!));
      return { scores: scoresFrom(z), losses: Float32Array.from(z, (value) => lossOf(loss, value)), gradients };
    },
    verify: (row) => scores({ data: row, count: 1 }),
    close: async () => {},
  };
}
