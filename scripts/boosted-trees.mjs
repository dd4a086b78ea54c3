/**
 * Gradient-boosted decision trees for two classes (Friedman 2001; leaves by Newton's step as XGBoost has them), small and exact, and the ONNX file of them: what examples and
 * benchmarks attack where no other program is at hand. Deterministic.
 */
import { Graph, Model, Node, Value, writeModel } from "../dist/index.js";

/**
 * @param {readonly Float32Array[]} rows
 * @param {ArrayLike<number>} labels 0 or 1
 * @param {{ trees: number, depth: number, rate?: number, leaf?: number }} options rate of learning; rows that a leaf holds at least
 */
export function boostedTrees(rows, labels, { trees, depth, rate = 0.1, leaf = 10 }) {
  const mean = Array.from(labels).reduce((a, b) => a + b, 0) / rows.length;
  const base = Math.log(mean / (1 - mean));
  const scores = new Float64Array(rows.length).fill(base);
  const orders = Array.from({ length: rows[0].length }, (_, f) =>
    Uint32Array.from(rows.keys()).sort((a, b) => rows[a][f] - rows[b][f] || a - b),
  );
  const grown = [];
  for (let t = 0; t < trees; t++) {
    const shares = scores.map((score) => 1 / (1 + Math.exp(-score)));
    const slope = shares.map((share, i) => share - labels[i]);
    const curve = shares.map((share) => Math.max(1e-6, share * (1 - share)));
    const nodes = [];
    grow(nodes, Array.from(rows.keys()), depth);
    grown.push(nodes);

    function grow(list, members, left) {
      const place = list.push({}) - 1;
      const g = members.reduce((sum, i) => sum + slope[i], 0);
      const h = members.reduce((sum, i) => sum + curve[i], 0);
      const split = left === 0 ? null : bestSplit(members, g, h);
      if (split === null) {
        const weight = Math.fround((-rate * g) / (h + 1));
        for (const i of members) scores[i] += weight;
        list[place] = { weight };
        return place;
      }
      const { feature, value } = split;
      list[place] = { feature, value };
      list[place].yes = grow(
        list,
        members.filter((i) => rows[i][feature] <= value),
        left - 1,
      );
      list[place].no = grow(
        list,
        members.filter((i) => rows[i][feature] > value),
        left - 1,
      );
      return place;
    }

    function bestSplit(members, g, h) {
      const inside = new Uint8Array(rows.length);
      for (const i of members) inside[i] = 1;
      let best = null;
      let most = (g * g) / (h + 1) + 1e-9;
      for (const [feature, order] of orders.entries()) {
        let [gl, hl, count, last] = [0, 0, 0, -1];
        for (const i of order) {
          if (inside[i] === 0) continue;
          const value = rows[i][feature];
          if (count >= leaf && members.length - count >= leaf && value !== rows[last][feature]) {
            const gain = (gl * gl) / (hl + 1) + (g - gl) ** 2 / (h - hl + 1);
            if (gain > most) {
              most = gain;
              best = { feature, value: Math.fround((value + rows[last][feature]) / 2) };
            }
          }
          gl += slope[i];
          hl += curve[i];
          count++;
          last = i;
        }
      }
      return best;
    }
  }
  return { trees: grown, base };
}

/** The bytes of an ONNX file: a TreeEnsembleClassifier whose one score goes through a logistic function, and `probabilities` [N, 2]. */
export function treesAsOnnx({ trees, base }, features) {
  const ints = (value) => ({ type: "ints", value });
  const floats = (value) => ({ type: "floats", value });
  const nodes = trees.flatMap((list, tree) => list.map((node, id) => ({ tree, id, ...node })));
  const leaves = nodes.filter(({ weight }) => weight !== undefined);
  const attributes = new Map([
    ["nodes_treeids", ints(nodes.map(({ tree }) => tree))],
    ["nodes_nodeids", ints(nodes.map(({ id }) => id))],
    ["nodes_featureids", ints(nodes.map(({ feature = 0 }) => feature))],
    ["nodes_values", floats(nodes.map(({ value = 0 }) => value))],
    [
      "nodes_modes",
      { type: "strings", value: nodes.map(({ weight }) => (weight === undefined ? "BRANCH_LEQ" : "LEAF")) },
    ],
    ["nodes_truenodeids", ints(nodes.map(({ yes = 0 }) => yes))],
    ["nodes_falsenodeids", ints(nodes.map(({ no = 0 }) => no))],
    ["class_treeids", ints(leaves.map(({ tree }) => tree))],
    ["class_nodeids", ints(leaves.map(({ id }) => id))],
    ["class_ids", ints(leaves.map(() => 0))],
    ["class_weights", floats(leaves.map(({ weight }) => weight))],
    ["base_values", floats([base])],
    ["classlabels_int64s", ints([0, 1])],
    ["post_transform", { type: "string", value: "LOGISTIC" }],
  ]);
  const graph = new Graph("trees");
  const x = new Value("X", { dtype: "float32", shape: ["N", features] });
  const outputs = [
    new Value("label", { dtype: "int64", shape: ["N"] }),
    new Value("probabilities", { dtype: "float32", shape: ["N", 2] }),
  ];
  graph.inputs = [x];
  graph.outputs = outputs;
  graph.nodes = [new Node("TreeEnsembleClassifier", [x], outputs, attributes, "ai.onnx.ml")];
  const model = new Model(graph, 17, 8);
  model.opsets.set("ai.onnx.ml", 3);
  return writeModel(model);
}
