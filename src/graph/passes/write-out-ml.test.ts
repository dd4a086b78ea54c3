import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { runDirectly } from "../../runtime/node-direct.ts";
import { float32, sizeOf, type Tensor } from "../../tensor/tensor.ts";
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
const linear = (classes: number, transform: string): Record<string, AttributeInput> => ({
  coefficients: numbers(classes * FEATURES, 1),
  intercepts: numbers(classes, 2),
  post_transform: transform,
  classlabels_ints: Array.from({ length: classes }, (_, i) => 10 * i),
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
  const isLinear = type === "LinearClassifier";
  const outputs = op.node(
    type,
    [op.input("x", { dtype: "float32", shape })],
    attributes,
    isLinear ? 2 : 1,
    "ai.onnx.ml",
  );
  const label = "classlabels_strings" in attributes ? "string" : "int64";
  for (const [i, output] of outputs.entries()) {
    Object.assign(output, { name: `y${i}`, dtype: isLinear && i === 0 ? label : "float32" });
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
  ])("%s: %s", async (type, _, attributes, opset) => {
    const model = modelOf(type, attributes, opset);
    const written = cloneModel(model);
    writeOutMl(written);
    expect(written.graph.nodes.map(({ domain }) => domain)).not.toContain("ai.onnx.ml");
    const [one, other] = [
      await runDirectly(writeModel(model), { x: ROWS }),
      await runDirectly(writeModel(written), { x: ROWS }),
    ];
    for (const { name } of model.graph.outputs) expectSame(other[name]!, one[name]!);
  });
});

function expectSame(other: Tensor, one: Tensor): void {
  expect(other.dims).toEqual(one.dims);
  if (one.dtype !== "float32") expect(other.data).toEqual(one.data);
  else
    Array.from(one.data as Float32Array).forEach((value, i) => {
      expect((other.data as Float32Array)[i]).toBeCloseTo(value, 5);
    });
}

it.each<[string, string, Record<string, AttributeInput>]>([
  ["Normalizer", "MAX", { norm: "MAX" }],
  ["LinearClassifier", "PROBIT", linear(2, "PROBIT")],
  [
    "LinearClassifier",
    "one score for two classes",
    { ...linear(2, "NONE"), coefficients: numbers(FEATURES, 1), intercepts: numbers(1, 2) },
  ],
])("leaves %s as it is: %s", (type, _, attributes) => {
  const model = modelOf(type, attributes);
  writeOutMl(model);
  expect(model.graph.nodes.map(({ op }) => op)).toEqual([type]);
});
