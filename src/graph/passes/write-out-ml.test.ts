import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { runDirectly } from "../../runtime/node-direct.ts";
import { float32, int64Vector, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import { type AttributeInput, opBuilder } from "../builder.ts";
import { cloneModel } from "../clone.ts";
import { type Attribute, Graph, Model } from "../ir.ts";
import { writeModel } from "../serialize.ts";
import { writeOutMl } from "./write-out-ml.ts";

const FEATURES = 4;
const UNTYPED = { get: () => undefined };
const numbers = (count: number, seed: number): Attribute => {
  const rng = Rng.of(seed);
  return { type: "floats", value: Array.from({ length: count }, () => Math.fround(rng.normal())) };
};
const attribute = (value: number): Attribute => ({ type: "float", value });
const linear = (classes: number, transform: string): Record<string, AttributeInput> => ({
  coefficients: numbers(classes * FEATURES, 1),
  intercepts: numbers(classes, 2),
  post_transform: transform,
  classlabels_ints: Array.from({ length: classes }, (_, i) => 10 * i),
});

/** Support vectors at random, three of each class and one more of each next one. */
function machine(classes: number, kernel: string, more: Record<string, AttributeInput> = {}) {
  const vectors = Array.from({ length: classes }, (_, i) => 3 + i);
  const count = vectors.reduce((sum, own) => sum + own, 0);
  return {
    kernel_type: kernel,
    kernel_params: { type: "floats", value: [0.3, 0.5, 3] },
    support_vectors: numbers(count * FEATURES, 1),
    vectors_per_class: vectors,
    coefficients: numbers((classes - 1) * count, 2),
    rho: numbers((classes * (classes - 1)) / 2, 3),
    classlabels_ints: Array.from({ length: classes }, (_, i) => 10 * i),
    post_transform: "NONE",
    ...more,
  } as Record<string, AttributeInput>;
}
const platt = (classes: number) => ({
  prob_a: { type: "floats", value: new Array((classes * (classes - 1)) / 2).fill(-0.7) } as Attribute,
  prob_b: numbers((classes * (classes - 1)) / 2, 4),
});

/** One operator of ai.onnx.ml, of which all outputs leave the model. */
function modelOf(
  type: string,
  attributes: Record<string, AttributeInput>,
  opset = 18,
  shape: (number | string)[] = ["N", FEATURES],
): Model {
  const graph = new Graph("ml");
  const op = opBuilder(graph, UNTYPED);
  const isClassifier = type.endsWith("Classifier");
  const outputs = op.node(
    type,
    [op.input("x", { dtype: "float32", shape })],
    attributes,
    isClassifier ? 2 : 1,
    "ai.onnx.ml",
  );
  const label = "classlabels_strings" in attributes ? "string" : "int64";
  for (const [i, output] of outputs.entries()) {
    Object.assign(output, { name: `y${i}`, dtype: isClassifier && i === 0 ? label : "float32" });
    op.output(output);
  }
  const model = new Model(graph, opset);
  model.opsets.set("ai.onnx.ml", 1);
  return model;
}

const rng = Rng.of(5);
const ROWS = float32(
  [6, FEATURES],
  Array.from({ length: sizeOf([6, FEATURES]) }, (_, i) => (i < FEATURES ? 0 : 3 * rng.normal())),
);

describe("written out, operators of ai.onnx.ml give what ONNX Runtime's own give", () => {
  it.each<[string, string, Record<string, AttributeInput>, number?]>([
    ["Scaler", "by feature", { offset: numbers(FEATURES, 3), scale: numbers(FEATURES, 4) }],
    ["Scaler", "of one number", { offset: numbers(1, 3), scale: numbers(1, 4) }],
    ["Normalizer", "L1", { norm: "L1" }],
    ["Normalizer", "L2, opset 13", { norm: "L2" }, 13],
    ["Imputer", "of a number", { imputed_value_floats: numbers(FEATURES, 3), replaced_value_float: attribute(0) }],
    ["Imputer", "of NaN", { imputed_value_floats: numbers(1, 3), replaced_value_float: attribute(Number.NaN) }],
    ["LinearClassifier", "two classes, LOGISTIC", linear(2, "LOGISTIC")],
    ["LinearClassifier", "three classes, SOFTMAX", linear(3, "SOFTMAX")],
    ["LinearClassifier", "three classes, NONE, opset 13", linear(3, "NONE"), 13],
    [
      "LinearClassifier",
      "named classes",
      {
        coefficients: numbers(3 * FEATURES, 1),
        intercepts: numbers(3, 2),
        post_transform: "SOFTMAX",
        classlabels_strings: ["ham", "spam", "other"],
      },
    ],
    ...["RBF", "LINEAR", "POLY", "SIGMOID"].flatMap((kernel): [string, string, Record<string, AttributeInput>][] => [
      ["SVMClassifier", `${kernel}, two classes`, machine(2, kernel)],
      ["SVMClassifier", `${kernel}, five classes`, machine(5, kernel)],
      ["SVMClassifier", `${kernel}, two classes, probabilities`, machine(2, kernel, platt(2))],
      ["SVMClassifier", `${kernel}, five classes, probabilities`, machine(5, kernel, platt(5))],
    ]),
    ["SVMClassifier", "opset 13", machine(3, "RBF", platt(3)), 13],
    [
      "SVMClassifier",
      "named classes",
      (({ classlabels_ints: _ints, ...others }) => ({ ...others, classlabels_strings: ["ham", "spam", "other"] }))(
        machine(3, "RBF"),
      ),
    ],
  ])("%s: %s", async (type, _, attributes, opset) => {
    const model = modelOf(type, attributes, opset);
    const [one, other] = await ownAndWritten(model);
    // ONNX Runtime makes probabilities of two classes by an iteration, too, and stops it early.
    const share = "prob_a" in attributes ? 5e-3 : 1e-5;
    for (const { name } of model.graph.outputs) expectSame(other[name]!, one[name]!, share);
  });
});

/** What ONNX Runtime makes of its own operators, and of those in which they are written out. */
async function ownAndWritten(model: Model) {
  const written = cloneModel(model);
  writeOutMl(written);
  expect(written.graph.nodes.map(({ domain }) => domain)).not.toContain("ai.onnx.ml");
  const run = (one: Model) => runDirectly(writeModel(one), { x: ROWS });
  return [await run(model), await run(written)] as const;
}

function expectSame(other: Tensor, one: Tensor, share: number): void {
  expect(other.dims).toEqual(one.dims);
  if (one.dtype !== "float32") expect(other.data).toEqual(one.data);
  else
    Array.from(one.data as Float32Array).forEach((value, i) => {
      const difference = Math.abs((other.data as Float32Array)[i]! - value);
      expect(difference).toBeLessThanOrEqual(share * Math.max(1, Math.abs(value)));
    });
}

it("ArrayFeatureExtractor gives the columns that it names, in their order", async () => {
  const graph = new Graph("ml");
  const op = opBuilder(graph, UNTYPED);
  const x = op.input("x", { dtype: "float32", shape: ["N", FEATURES] });
  const [y] = op.node("ArrayFeatureExtractor", [x, int64Vector([3, 1])], {}, 1, "ai.onnx.ml");
  op.output(Object.assign(y!, { name: "y", dtype: "float32" }));
  const model = new Model(graph, 18);
  model.opsets.set("ai.onnx.ml", 1);
  const [one, other] = await ownAndWritten(model);
  expectSame(other["y"]!, one["y"]!, 0);
});

it.each<[string, string, Record<string, AttributeInput>]>([
  ["Normalizer", "MAX", { norm: "MAX" }],
  ["LinearClassifier", "PROBIT", linear(2, "PROBIT")],
  [
    "LinearClassifier",
    "one score for two classes",
    { ...linear(2, "NONE"), coefficients: numbers(FEATURES, 1), intercepts: numbers(1, 2) },
  ],
  ["SVMClassifier", "SOFTMAX", machine(2, "RBF", { post_transform: "SOFTMAX" })],
  ["SVMClassifier", "probabilities of many classes", machine(17, "RBF", platt(17))],
  ["SVMClassifier", "no vectors", { ...machine(2, "RBF"), vectors_per_class: { type: "ints", value: [] } }],
])("leaves %s as it is: %s", (type, _, attributes) => {
  const model = modelOf(type, attributes);
  writeOutMl(model);
  expect(model.graph.nodes.map(({ op }) => op)).toEqual([type]);
});
