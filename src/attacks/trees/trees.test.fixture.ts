import { Rng } from "../../base/rng.ts";
import type { Classifier } from "../../models/classifier.ts";
import { type Tree, type TreeEnsemble, treeEnsemble } from "../../models/trees/ensemble.ts";

/** Full random trees; cuts are drawn from a few values for each feature, so that trees share them. */
export function randomTrees(
  seed: number,
  {
    features,
    classes,
    trees,
    depth,
    cuts,
  }: { features: number; classes: number; trees: number; depth: number; cuts: number },
): TreeEnsemble {
  const rng = Rng.of(seed);
  const values = Array.from({ length: features }, () =>
    Float32Array.from({ length: cuts }, () => 0.02 + 0.96 * rng.uniform()),
  );
  const inner = 2 ** depth - 1;
  const count = 2 * inner + 1;
  const tree = (): Tree => {
    const feature = Int32Array.from({ length: count }, (_, node) => (node < inner ? rng.integer(features) : -1));
    return {
      feature,
      cut: Float32Array.from(feature, (f) => (f < 0 ? 0 : values[f]![rng.integer(cuts)]!)),
      below: Int32Array.from({ length: count }, (_, node) => 2 * node + 1),
      above: Int32Array.from({ length: count }, (_, node) => 2 * node + 2),
      weights: Float64Array.from({ length: count * classes }, () => rng.normal()),
    };
  };
  return treeEnsemble(Array.from({ length: trees }, tree), new Float64Array(classes));
}

/** A model that is such an ensemble, and answers at once. */
export function treeClassifier(trees: TreeEnsemble, size: number): Classifier {
  return {
    classes: Array.from({ length: trees.classes }, (_, c) => String(c)),
    dims: [size],
    capabilities: { output: "scores", gradient: false, trees: true },
    maxBatch: 64,
    concurrency: 1,
    notes: [],
    problems: [],
    trees,
    scores: async ({ data, count }) =>
      Float32Array.from(
        Array.from({ length: count }, (_, row) => [...trees.sums(data.subarray(row * size, (row + 1) * size))]).flat(),
      ),
    gradient: () => Promise.reject(new Error("no gradients")),
    verify: async (row) => Float32Array.from(trees.sums(row)),
    close: async () => {},
  };
}
