import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Rng } from "../../base/rng.ts";
import { operators } from "../../ops/index.ts";
import { runDirectly } from "../../runtime/node-direct.ts";
import { float32, int64Vector, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import { type AttributeInput, GraphBuilder } from "../builder.ts";
import { cloneModel } from "../clone.ts";
import { floatAttribute, Graph, Model, Value } from "../ir.ts";
import { printGraph } from "../print.ts";
import { readModel, writeModel } from "../serialize.ts";
import { GRADIENT_OPSET, upgradeOpset } from "./upgrade-opset.ts";

const NO_OPERATORS = { get: () => undefined };
const DATA = process.env["BLINDSPOT_DATA"] ?? "../shared/data";

interface Case {
  readonly name: string;
  readonly op: string;
  /** The opset that the node is written for. */
  readonly opset: number;
  readonly dims: readonly number[];
  /** Further inputs: constants, which runtimes of that time allowed. */
  readonly constants?: readonly Tensor[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputs?: number;
  /** Whether the rank of the input is hidden from the upgrade. */
  readonly unranked?: boolean;
}

const ones = (n: number) => float32([n], new Array(n).fill(1.5));

const CASES: readonly Case[] = [
  { name: "Softmax over the last axis", op: "Softmax", opset: 11, dims: [2, 5] },
  { name: "Softmax over several axes", op: "Softmax", opset: 11, dims: [2, 3, 4] },
  { name: "Softmax over several axes, rank unknown", op: "Softmax", opset: 8, dims: [2, 3, 4], unranked: true },
  { name: "Softmax, axis 2 of 4", op: "Softmax", opset: 12, dims: [2, 3, 4, 2], attributes: { axis: 2 } },
  { name: "Softmax, negative axis", op: "Softmax", opset: 11, dims: [2, 3, 4], attributes: { axis: -2 } },
  { name: "LogSoftmax, axis 0", op: "LogSoftmax", opset: 9, dims: [2, 3], attributes: { axis: 0 } },
  { name: "Hardmax over several axes", op: "Hardmax", opset: 11, dims: [2, 3, 4] },
  {
    name: "BatchNormalization 7",
    op: "BatchNormalization",
    opset: 7,
    dims: [2, 3, 4],
    constants: [ones(3), ones(3), ones(3), ones(3)],
  },
  {
    name: "BatchNormalization 9",
    op: "BatchNormalization",
    opset: 9,
    dims: [2, 3, 4, 4],
    constants: [ones(3), ones(3), ones(3), ones(3)],
    attributes: { epsilon: 0.01 },
  },
  {
    name: "Dropout 7 with an unused mask",
    op: "Dropout",
    opset: 7,
    dims: [2, 3],
    attributes: { ratio: 0.3 },
    outputs: 2,
  },
  { name: "Dropout 10", op: "Dropout", opset: 10, dims: [2, 3], attributes: { ratio: 0.3 } },
  {
    name: "Clip 6, both",
    op: "Clip",
    opset: 9,
    dims: [3, 4],
    attributes: { min: floatAttribute(-0.5), max: floatAttribute(0.25) },
  },
  { name: "Clip 6, max alone", op: "Clip", opset: 10, dims: [3, 4], attributes: { max: floatAttribute(0.25) } },
  {
    name: "Slice 1",
    op: "Slice",
    opset: 9,
    dims: [4, 5],
    attributes: { starts: [1, -3], ends: [2 ** 31, 4], axes: [0, 1] },
  },
  { name: "Slice 1 without axes", op: "Slice", opset: 7, dims: [4, 5], attributes: { starts: [1], ends: [-1] } },
  { name: "Squeeze 1", op: "Squeeze", opset: 11, dims: [1, 3, 1], attributes: { axes: [0] } },
  { name: "Squeeze 1, all", op: "Squeeze", opset: 8, dims: [1, 3, 1] },
  { name: "Unsqueeze 1", op: "Unsqueeze", opset: 12, dims: [3, 2], attributes: { axes: [0, 3] } },
  { name: "ReduceSum 11", op: "ReduceSum", opset: 11, dims: [2, 3, 4], attributes: { axes: [-1], keepdims: 0 } },
  { name: "ReduceSum, all", op: "ReduceSum", opset: 12, dims: [2, 3] },
  ...["L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((kind) => ({
    name: `Reduce${kind} 13`,
    op: `Reduce${kind}`,
    opset: 13,
    dims: [2, 3, 4],
    attributes: { axes: [1], keepdims: 1 },
  })),
  { name: "ReduceMean 17, all", op: "ReduceMean", opset: 17, dims: [2, 3] },
  {
    name: "Pad 2, constant",
    op: "Pad",
    opset: 10,
    dims: [2, 3],
    attributes: { pads: [0, 1, 2, 0], value: floatAttribute(0.5) },
  },
  { name: "Pad 2, reflect", op: "Pad", opset: 8, dims: [3, 3], attributes: { pads: [1, 1, 1, 0], mode: "reflect" } },
  { name: "Pad 2, negative", op: "Pad", opset: 9, dims: [3, 3], attributes: { pads: [-1, 0, 0, -1] } },
  {
    name: "Upsample 7, nearest",
    op: "Upsample",
    opset: 7,
    dims: [1, 2, 2, 3],
    attributes: { scales: { type: "floats", value: [1, 1, 2, 3] } },
  },
  {
    name: "Upsample 9, linear",
    op: "Upsample",
    opset: 9,
    dims: [1, 2, 2, 3],
    constants: [float32([4], [1, 1, 2, 2])],
    attributes: { mode: "linear" },
  },
  {
    name: "Resize 10, growing by a fraction",
    op: "Resize",
    opset: 10,
    dims: [1, 1, 4, 4],
    constants: [float32([4], [1, 1, 1.6, 1.6])],
  },
  {
    name: "Resize 10, shrinking",
    op: "Resize",
    opset: 10,
    dims: [1, 1, 5, 5],
    constants: [float32([4], [1, 1, 0.6, 0.6])],
  },
  {
    name: "Resize 10, linear",
    op: "Resize",
    opset: 10,
    dims: [1, 1, 4, 4],
    constants: [float32([4], [1, 1, 2, 2])],
    attributes: { mode: "linear" },
  },
  {
    name: "Split 2, sizes given",
    op: "Split",
    opset: 11,
    dims: [2, 6],
    attributes: { axis: 1, split: [2, 4] },
    outputs: 2,
  },
  { name: "Split 2, equal parts", op: "Split", opset: 9, dims: [2, 6], attributes: { axis: 1 }, outputs: 3 },
  { name: "Split 13, equal parts", op: "Split", opset: 13, dims: [6, 2], outputs: 2 },
  { name: "Split 13, sizes given", op: "Split", opset: 13, dims: [6, 2], constants: [int64Vector([4, 2])], outputs: 2 },
  { name: "TopK 1", op: "TopK", opset: 9, dims: [2, 5], attributes: { k: 2, axis: 1 }, outputs: 2 },
  { name: "TopK 10", op: "TopK", opset: 10, dims: [2, 5], constants: [int64Vector([3])], outputs: 2 },
  { name: "Gemm 7", op: "Gemm", opset: 8, dims: [2, 3], constants: [float32([3, 2], [1, 2, 3, 4, 5, 6]), ones(2)] },
  { name: "Flatten 1", op: "Flatten", opset: 8, dims: [2, 3, 4], attributes: { axis: 2 } },
  {
    name: "MaxPool 8",
    op: "MaxPool",
    opset: 8,
    dims: [1, 1, 5, 5],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "AveragePool 7",
    op: "AveragePool",
    opset: 7,
    dims: [1, 1, 5, 5],
    attributes: { kernel_shape: [3, 3], auto_pad: "SAME_UPPER" },
  },
  { name: "Reshape 5", op: "Reshape", opset: 7, dims: [2, 6], constants: [int64Vector([0, 3, -1])] },
  { name: "QuantizeLinear 10", op: "QuantizeLinear", opset: 10, dims: [2, 3], constants: [float32([], [0.1])] },
];

function modelOf(item: Case): Model {
  const graph = new Graph("case");
  const builder = new GraphBuilder(graph, NO_OPERATORS);
  const x = builder.input("x", { dtype: "float32", shape: item.unranked ? null : item.dims });
  const weights = (item.constants ?? []).map((constant) => builder.initializer("c", constant));
  const outputs = builder.node(item.op, [x, ...weights], item.attributes, item.outputs);
  const shown = item.op === "Dropout" ? outputs.slice(0, 1) : outputs;
  for (const output of shown) builder.output(output);
  return new Model(graph, item.opset);
}

async function run(model: Uint8Array, feed: Tensor): Promise<(readonly number[])[]> {
  const results = await runDirectly(model, { [readModel(model).graph.inputs[0]!.name]: feed });
  return Object.values(results).map((result) => Array.from(result.data as ArrayLike<number>, Number));
}

function random(dims: readonly number[]): Tensor {
  const rng = Rng.of(7);
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => 2 * rng.uniform() - 1),
  );
}

function expectClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  expect(actual.map((values) => values.length)).toEqual(expected.map((values) => values.length));
  expected.flat().forEach((value, i) => {
    expect(Math.abs(actual.flat()[i]! - value)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
  });
}

describe("an upgraded node computes the same in ONNX Runtime", () => {
  test.each(CASES)("$name", async (item) => {
    const feed = random(item.dims);
    const expected = await run(writeModel(modelOf(item)), feed);
    for (const table of [undefined, operators]) {
      const model = modelOf(item);
      upgradeOpset(model, GRADIENT_OPSET, table);
      expect(model.opset).toBe(GRADIENT_OPSET);
      expectClose(await run(writeModel(model), feed), expected);
    }
  });
});

describe.skipIf(!existsSync(DATA))("upgraded real models compute the same in ONNX Runtime", () => {
  const all = existsSync(DATA) ? readdirSync(DATA, { recursive: true, encoding: "utf8" }) : [];
  // Of the 45 ACAS Xu nets, which differ in weights only, one row will do.
  const files = all.filter((file) => /^(mnist|cifar10|gtsrb|vnncomp).*\.onnx$/.test(file) && !/run2a_[2-5]/.test(file));
  test.each(files)("%s", async (file) => {
    const bytes = new Uint8Array(readFileSync(`${DATA}/${file}`));
    const model = readModel(bytes, { label: file });
    const dims = model.graph.inputs[0]!.shape!.map((dim) => (typeof dim === "number" ? dim : 2));
    const upgraded = cloneModel(model);
    upgradeOpset(upgraded, GRADIENT_OPSET, operators);
    const expected = await run(bytes, random(dims));
    expectClose(await run(writeModel(upgraded), random(dims)), expected);
  });
});

describe("what an upgrade writes", () => {
  test("Softmax over several axes becomes a matrix and back", () => {
    const model = modelOf(CASES[1]!);
    upgradeOpset(model, GRADIENT_OPSET);
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "case(x: float32[2,3,4]) -> (Softmax) {
        Softmax_Shape = Shape(x)
        Softmax_Flatten = Flatten(x) {axis: 1}
        Softmax_Softmax = Softmax(Softmax_Flatten) {axis: -1}
        Softmax = Reshape(Softmax_Softmax, Softmax_Shape)
      }"
    `);
  });

  test("a model that is above stays", () => {
    const model = modelOf({ name: "", op: "Relu", opset: 20, dims: [1] });
    upgradeOpset(model, GRADIENT_OPSET);
    expect(model.opset).toBe(20);
  });
});

describe("what can't be upgraded is named, all at once", () => {
  function twoBadNodes(): Model {
    const model = modelOf({
      name: "",
      op: "BatchNormalization",
      opset: 8,
      dims: [2, 3],
      constants: [ones(3), ones(3), ones(3), ones(3)],
      attributes: { spatial: 0 },
    });
    const builder = new GraphBuilder(model.graph, NO_OPERATORS);
    const [y, mask] = builder.node("Dropout", [model.graph.outputs[0]!], {}, 2);
    builder.output(y!);
    builder.output(mask!);
    return model;
  }

  test("activation-wise statistics, a numeric mask", () => {
    expect(() => upgradeOpset(twoBadNodes(), GRADIENT_OPSET)).toThrowErrorMatchingInlineSnapshot(`
      [BlindspotError: E_OPSET_UPGRADE BatchNormalization 'BatchNormalization': expected statistics per channel, got statistics per activation (spatial=0). Export the model again at opset 18
      E_OPSET_UPGRADE Dropout 'Dropout': expected a boolean mask, or none, got a mask of numbers. Export the model again at opset 18]
    `);
  });

  test("nearest-neighbor Resize of opset 10 that grows along one axis and shrinks along another", () => {
    const scales = float32([4], [1, 1, 2, 0.6]);
    const model = modelOf({ name: "", op: "Resize", opset: 10, dims: [1, 1, 4, 5], constants: [scales] });
    expect(() => upgradeOpset(model, GRADIENT_OPSET)).toThrow("E_OPSET_UPGRADE Resize");
  });

  test.each([
    { what: "opset 6", opset: 6, target: 18 },
    { what: "an upgrade beyond 18", opset: 11, target: 19 },
  ])("$what", ({ opset, target }) => {
    const graph = new Graph();
    graph.inputs = [new Value("x")];
    expect(() => upgradeOpset(new Model(graph, opset), target)).toThrow("E_MODEL_OPSET");
  });
});
