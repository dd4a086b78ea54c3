/**
 * One decision tree over points of attack space, as arrays over its nodes; node 0 is the root, and children follow their parents. At an inner node a
 * point goes to `below` where x[feature] < cut, else to `above`: whatever the file compares, float32 is made of steps, so that every comparison is a "below".
 */
export interface Tree {
  /** The coordinate that a node looks at; -1 for a leaf. */
  readonly feature: Int32Array;
  /** The smallest float32 that goes to `above`; Infinity where none between 0 and 1 does. */
  readonly cut: Float32Array;
  readonly below: Int32Array;
  readonly above: Int32Array;
  /** What a leaf adds to each class: [nodes, classes]. */
  readonly weights: Float64Array;
}

/** An ensemble of trees, read out of the model's file: what an attacker knows who has the file. */
export interface TreeEnsemble {
  readonly classes: number;
  /** What each class has before any tree adds to it. */
  readonly base: Float64Array;
  readonly trees: readonly Tree[];
  /** Different cuts that lie in 0..1, over all features. */
  readonly thresholds: number;
  /** The sums over all trees, one for each class: the class of the largest is the model's answer. In float64, where a runtime may add up in float32. */
  sums(x: Float32Array): Float64Array;
}

export function treeEnsemble(trees: readonly Tree[], base: Float64Array): TreeEnsemble {
  const classes = base.length;
  const cuts = new Set(
    trees.flatMap(({ feature, cut }) =>
      Array.from(feature.keys())
        .filter((node) => feature[node]! >= 0 && cut[node]! > 0 && cut[node]! <= 1)
        .map((node) => `${feature[node]} ${cut[node]}`),
    ),
  );
  return {
    classes,
    base,
    trees,
    thresholds: cuts.size,
    sums(x) {
      const total = Float64Array.from(base);
      for (const tree of trees) {
        const at = classes * leafOf(tree, x);
        for (let c = 0; c < classes; c++) total[c]! += tree.weights[at + c]!;
      }
      return total;
    },
  };
}

function leafOf({ feature, cut, below, above }: Tree, x: Float32Array): number {
  let node = 0;
  while (feature[node]! >= 0) node = x[feature[node]!]! < cut[node]! ? below[node]! : above[node]!;
  return node;
}
