import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { type Attribute, Graph, Model, Node, Value } from "../../graph/ir.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { float32, tensor } from "../../tensor/tensor.ts";
import { type LoadClassifierOptions, loadClassifier } from "../load-classifier.ts";
import { intoAttackSpace, previousFloat } from "./open-trees.ts";
import { readTrees } from "./read.ts";

const ints = (value: readonly number[]): Attribute => ({ type: "ints", value });
const floats = (value: readonly number[]): Attribute => ({ type: "floats", value });
const text = (value: string): Attribute => ({ type: "string", value });

const FEATURES = 3;
/** Two trees of one split each, then a third of two: [feature, value], in the order of `nodes_`. */
const KEYED = {
  nodes_treeids: ints([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2]),
  nodes_nodeids: ints([0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4]),
  nodes_featureids: ints([0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0]),
  nodes_values: floats([0.25, 0, 0, 0.5, 0, 0, 0.75, 0, 0.5, 0, 0]),
  nodes_truenodeids: ints([1, 0, 0, 1, 0, 0, 1, 0, 3, 0, 0]),
  nodes_falsenodeids: ints([2, 0, 0, 2, 0, 0, 2, 0, 4, 0, 0]),
};
const LEAVES = { trees: [0, 0, 1, 1, 2, 2, 2], nodes: [1, 2, 1, 2, 1, 3, 4] };
const modes = (mode: string): Attribute => ({
  type: "strings",
  value: [mode, "LEAF", "LEAF", mode, "LEAF", "LEAF", mode, "LEAF", mode, "LEAF", "LEAF"],
});

function classifier(
  mode: string,
  weights: readonly number[],
  ids: readonly number[],
  classes: number,
  post: string,
): Model {
  const node = new Map(Object.entries(KEYED));
  const per = ids.length / LEAVES.trees.length;
  const spread = (values: readonly number[]) => ints(values.flatMap((value) => new Array<number>(per).fill(value)));
  const attributes = new Map<string, Attribute>([
    ...node,
    ["nodes_modes", modes(mode)],
    ["class_treeids", spread(LEAVES.trees)],
    ["class_nodeids", spread(LEAVES.nodes)],
    ["class_ids", ints(ids)],
    ["class_weights", floats(weights)],
    ["classlabels_int64s", ints(Array.from({ length: classes }, (_, c) => c))],
    ["post_transform", text(post)],
  ]);
  const scores = new Value("probabilities", { dtype: "float32", shape: ["N", classes] });
  return modelOf(
    "TreeEnsembleClassifier",
    [new Value("label", { dtype: "int64", shape: ["N"] }), scores],
    attributes,
    3,
  );
}

function modelOf(op: string, outputs: Value[], attributes: Map<string, Attribute>, version: number): Model {
  const graph = new Graph();
  const x = new Value("X", { dtype: "float32", shape: ["N", FEATURES] });
  graph.inputs = [x];
  graph.nodes = [new Node(op, [x], outputs, attributes, "ai.onnx.ml")];
  graph.outputs = outputs;
  const model = new Model(graph, 18, 10);
  model.opsets.set("ai.onnx.ml", version);
  return model;
}

/** As scikit-learn's converters end a classifier: a list of maps in place of the probabilities. */
function withZipMap(model: Model, keys: readonly string[]): Model {
  const [label, probabilities] = model.graph.outputs;
  const maps = new Value("output_probability", { dtype: null, shape: null });
  const attributes = new Map<string, Attribute>([["classlabels_strings", { type: "strings", value: keys }]]);
  model.graph.nodes.push(new Node("ZipMap", [probabilities!], [maps], attributes, "ai.onnx.ml"));
  model.graph.outputs = [label!, maps];
  return model;
}

function regressor(): Model {
  const attributes = new Map<string, Attribute>([
    ...Object.entries(KEYED),
    ["nodes_modes", modes("BRANCH_LT")],
    ["target_treeids", ints(LEAVES.trees)],
    ["target_nodeids", ints(LEAVES.nodes)],
    ["target_ids", ints(LEAVES.trees.map(() => 0))],
    ["target_weights", floats([-1, 0.5, 1, -0.75, 0.25, 2, -2])],
    ["base_values", floats([0.125])],
    ["n_targets", { type: "int", value: 1 }],
  ]);
  return modelOf("TreeEnsembleRegressor", [new Value("y", { dtype: "float32", shape: ["N", 1] })], attributes, 3);
}

function numbered(): Model {
  const attributes = new Map<string, Attribute>([
    ["nodes_featureids", ints([0, 1, 2])],
    ["nodes_splits", { type: "tensor", value: tensor("float32", [3], Float32Array.of(0.25, 0.5, 0.75)) }],
    ["nodes_modes", { type: "tensor", value: tensor("uint8", [3], Uint8Array.of(0, 1, 3)) }],
    ["nodes_truenodeids", ints([0, 2, 4])],
    ["nodes_trueleafs", ints([1, 0, 1])],
    ["nodes_falsenodeids", ints([1, 2, 3])],
    ["nodes_falseleafs", ints([1, 1, 1])],
    ["tree_roots", ints([0, 1])],
    ["leaf_targetids", ints([0, 1, 2, 1, 0])],
    ["leaf_weights", { type: "tensor", value: tensor("float32", [5], Float32Array.of(1, -1, 2, 0.5, -0.5)) }],
    ["n_targets", { type: "int", value: 3 }],
    ["aggregate_function", { type: "int", value: 1 }],
    ["post_transform", { type: "int", value: 0 }],
  ]);
  return modelOf("TreeEnsemble", [new Value("Y", { dtype: "float32", shape: ["N", 3] })], attributes, 5);
}

const one = LEAVES.trees.map(() => 0);
const three = LEAVES.trees.flatMap(() => [0, 1, 2]);
const spreadWeights = Array.from({ length: 21 }, (_, i) => Math.sin(i + 1));

type Scaling = (model: Model) => Model;

/** An operator between the input of a model and its trees. */
function scaling(
  op: string,
  { constant = [], isFirst = false, ends = [] }: { constant?: number[]; isFirst?: boolean; ends?: number[] },
  numbers: Record<string, number[]> = {},
): Scaling {
  return (model) => {
    const { graph } = model;
    const [trees] = graph.nodes;
    const scaled = new Value("scaled", { dtype: "float32", shape: ["N", FEATURES] });
    const values = [...(constant.length > 0 ? [constant] : []), ...ends.map((end) => [end])].map((data, i) => {
      const value = new Value(`constant${i}`, { dtype: "float32", shape: ends.length > 0 ? [] : [data.length] });
      value.constant = float32(ends.length > 0 ? [] : [data.length], data);
      graph.initializers.push(value);
      return value;
    });
    const inputs = isFirst ? [...values, graph.inputs[0]!] : [graph.inputs[0]!, ...values];
    const attributes = Object.entries(numbers).map(([name, value]) => [name, { type: "floats", value }] as const);
    trees!.inputs = [scaled, ...trees!.inputs.slice(1)];
    graph.nodes.unshift(new Node(op, inputs, [scaled], new Map(attributes), op === "Scaler" ? "ai.onnx.ml" : ""));
    return model;
  };
}

describe("trees read out of a file", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await nodeRuntime({ workers: 1 });
  });
  afterAll(() => runtime.close());
  const load = (model: Model, more: LoadClassifierOptions = {}) =>
    loadClassifier(model, { runtime, dims: [FEATURES], ...more });

  const signed = [-1, 0.5, 1, -0.75, 0.25, 2, -2];
  const MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
  it.each<[string, () => Model, string]>([
    ...MODES.map((mode): [string, () => Model, string] => [
      `three classes, ${mode}`,
      () => classifier(mode, spreadWeights, three, 3, "NONE"),
      "logits",
    ]),
    [
      "three classes behind a softmax",
      () => classifier("BRANCH_LT", spreadWeights, three, 3, "SOFTMAX"),
      "probabilities",
    ],
    ["one score of two classes", () => classifier("BRANCH_LT", signed, one, 2, "NONE"), "logits"],
    ["one score behind a logistic", () => classifier("BRANCH_LT", signed, one, 2, "LOGISTIC"), "probabilities"],
    [
      "one share of two classes",
      () => classifier("BRANCH_LEQ", [0.1, 0.3, 0, 0.2, 0.3, 0, 0.1], one, 2, "NONE"),
      "probabilities",
    ],
    [
      "class 1 of two alone",
      () =>
        classifier(
          "BRANCH_LT",
          signed,
          one.map(() => 1),
          2,
          "NONE",
        ),
      "logits",
    ],
    ["one target of a regressor", regressor, "logits"],
    ["TreeEnsemble of ai.onnx.ml 5", numbered, "logits"],
  ])("give what the model gives: %s", async (_, make, meaning) => {
    const loaded = await load(make());
    const { trees } = loaded;
    expect(loaded.notes.join()).not.toContain("can't be read");
    expect(loaded.meaning).toBe(meaning);
    const rng = Rng.of(1);
    const values = [0, 0.25, 0.5, 0.75, 1, 0.2499999, 0.5000001];
    for (let row = 0; row < 40; row++) {
      const x = Float32Array.from({ length: FEATURES }, () => (row < 20 ? values[rng.integer(7)]! : rng.uniform()));
      const sums = trees!.sums(x);
      const scores = await loaded.verify(x);
      expect(sums.indexOf(Math.max(...sums))).toBe(scores.indexOf(Math.max(...scores)));
    }
    await loaded.close();
  });

  it.each<[string, LoadClassifierOptions, number]>([
    ["as it is", {}, 0.25],
    ["in another range", { inputRange: [-1, 1] }, 0.625],
    ["with mean and deviation", { mean: 0.1, std: 2 }, 0.6],
    ["on a grid", { features: Array.from({ length: 3 }, () => ({ low: 0, high: 1, steps: 10 })) }, 0.25],
  ])("have cuts that are exact in attack space, %s", async (_, options, about) => {
    const loaded = await load(classifier("BRANCH_LT", signed, one, 2, "NONE"), options);
    const cut = loaded.trees!.trees[0]!.cut[0]!;
    expect(cut).toBeCloseTo(about, 6);
    const bits = new Uint32Array(Float32Array.of(cut).buffer);
    bits[0]!--;
    const beside = new Float32Array(bits.buffer)[0]!;
    const score = async (x: number) => (await loaded.verify(Float32Array.of(x, 0.1, 0.1)))[1]!;
    expect(await score(cut)).not.toBe(await score(beside));
    await loaded.close();
  });

  it("are not read where something stands between them and the scores", async () => {
    const model = classifier("BRANCH_LT", spreadWeights, three, 3, "NONE");
    const [node] = model.graph.nodes;
    const scaled = new Value("scaled", { dtype: "float32", shape: ["N", 3] });
    model.graph.nodes.push(new Node("Neg", [node!.outputs[1]!], [scaled]));
    model.graph.outputs = [scaled];
    expect((await load(model)).trees).toBeUndefined();
  });

  it.each([
    [1, true],
    [2, false],
  ])("are read behind a product with %d: %s", async (factor, isRead) => {
    const model = classifier("BRANCH_LEQ", spreadWeights, three, 3, "NONE");
    const [node] = model.graph.nodes;
    const one = new Value("one", { dtype: "float32", shape: [] });
    one.constant = float32([], [factor]);
    const product = new Value("product", { dtype: "float32", shape: ["N", 3] });
    model.graph.initializers.push(one);
    model.graph.nodes.push(new Node("Mul", [node!.outputs[1]!, one], [product]));
    model.graph.outputs = [product];
    expect((await load(model)).trees !== undefined).toBe(isRead);
  });

  it.each<[string, Scaling, boolean]>([
    ["Scaler", scaling("Scaler", {}, { offset: [0.1, 0.2, 0.3], scale: [2, 3, 4] }), true],
    ["Scaler of one number", scaling("Scaler", {}, { offset: [0.5], scale: [1.7] }), true],
    ["a product", scaling("Mul", { constant: [0.3, 1.1, 7] }), true],
    ["a difference", scaling("Sub", { constant: [0.31, -1, 0.2] }), true],
    ["a quotient of one number", scaling("Div", { constant: [0.7] }), true],
    ["a sum, the constant first", scaling("Add", { constant: [0.01, -0.02, 0.4], isFirst: true }), true],
    ["a Clip", scaling("Clip", { ends: [0.2, 0.6] }), true],
    ["a product that turns", scaling("Mul", { constant: [-1, 1, 1] }), false],
    ["a difference the other way", scaling("Sub", { constant: [1, 1, 1], isFirst: true }), false],
    ["a Tanh", scaling("Tanh", {}), false],
  ])("are read behind %s: exact cuts, where each feature is scaled upwards by itself", async (_, before, isRead) => {
    const loaded = await load(before(classifier("BRANCH_LEQ", spreadWeights, three, 3, "NONE")));
    expect(loaded.trees !== undefined).toBe(isRead);
    for (const { feature, cut } of loaded.trees?.trees ?? [])
      for (const [node, f] of feature.entries()) {
        if (f < 0 || !(cut[node]! > 0 && cut[node]! <= 1)) continue;
        for (const x of [cut[node]!, previousFloat(cut[node]!)]) {
          const row = new Float32Array(FEATURES).fill(0.1).map((value, i) => (i === f ? x : value));
          const [sums, scores] = [loaded.trees!.sums(row), await loaded.verify(row)];
          expect(Array.from(scores, (value, c) => Math.abs(value - sums[c]!) < 1e-5)).not.toContain(false);
        }
      }
    await loaded.close();
  });

  it("give what the model gives behind a final ZipMap, whose keys are told", async () => {
    const plain = await load(classifier("BRANCH_LEQ", spreadWeights, three, 3, "SOFTMAX"));
    const zipped = await load(
      withZipMap(classifier("BRANCH_LEQ", spreadWeights, three, 3, "SOFTMAX"), ["c", "a", "b"]),
    );
    expect(zipped.notes[0]).toBe("probabilities taken before the final ZipMap; its keys in order: c, a, b");
    expect(zipped).toMatchObject({ meaning: "probabilities", capabilities: { trees: true } });
    const rows = { data: Float32Array.from({ length: 8 * FEATURES }, (_, i) => (i * 0.37) % 1), count: 8 };
    expect(await zipped.scores(rows)).toEqual(await plain.scores(rows));
    expect(await zipped.verify(rows.data.subarray(0, FEATURES))).toEqual(
      await plain.verify(rows.data.subarray(0, FEATURES)),
    );
    await Promise.all([plain.close(), zipped.close()]);
  });

  it("that are damaged are refused", async () => {
    const model = classifier("BRANCH_LT", spreadWeights, three, 3, "NONE");
    model.graph.nodes[0]!.attributes.set("nodes_truenodeids", ints([9, 0, 0, 1, 0, 0, 1, 0, 3, 0, 0]));
    await expect(load(model)).rejects.toThrow(/E_RUNTIME_LOAD/);
  });

  it.each<[string, (attributes: Map<string, Attribute>) => void, RegExp]>([
    ["an unknown comparison", (map) => map.set("nodes_modes", modes("BRANCH_MEMBER")), /nodes of mode BRANCH_MEMBER/],
    [
      "a missing node",
      (map) => map.set("nodes_truenodeids", ints([9, 0, 0, 1, 0, 0, 1, 0, 3, 0, 0])),
      /no node 9 in tree 0/,
    ],
    [
      "a tree that contains itself",
      (map) => map.set("nodes_truenodeids", ints([1, 0, 0, 1, 0, 0, 1, 0, 2, 0, 0])),
      /contains itself|roots/,
    ],
    [
      "a column that is too short",
      (map) => map.set("nodes_featureids", ints([0])),
      /1 nodes_featureids where there are 11/,
    ],
  ])("of a file that says nonsense are a problem, not a crash: %s", (_, damage, message) => {
    const { graph } = classifier("BRANCH_LT", spreadWeights, three, 3, "NONE");
    damage(graph.nodes[0]!.attributes);
    const options = {
      model: classifier("BRANCH_LT", spreadWeights, three, 3, "NONE"),
      arrangement: { dims: [3], shape: [3], hasBatch: true, batch: null, order: "hwc", note: null },
      preprocessing: { units: { kind: "scale", low: [0], high: [1] }, reverseChannels: false },
    } as const;
    expect(() => {
      const file = readTrees(graph.nodes[0]!);
      file.roots.map(intoAttackSpace(file, 3, options));
    }).toThrow(message);
  });
});
