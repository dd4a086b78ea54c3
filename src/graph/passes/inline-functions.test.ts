import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from "../../onnx/onnx.gen.ts";
import { runDirectly } from "../../runtime/node-direct.ts";
import { float32 } from "../../tensor/tensor.ts";
import { printGraph } from "../print.ts";
import { readModel, writeModel } from "../serialize.ts";
import { problemsOf } from "../verify.ts";
import { inlineFunctions } from "./inline-functions.ts";

type ModelInit = Exclude<Parameters<typeof create<typeof ModelProtoSchema>>[1], undefined>;
type FunctionInit = NonNullable<ModelInit["functions"]>[number];
type NodeInit = NonNullable<FunctionInit["node"]>[number];

const vector = {
  value: {
    case: "tensorType" as const,
    value: { elemType: 1, shape: { dim: [{ value: { case: "dimValue" as const, value: 3n } }] } },
  },
};

function bytesOf(node: NodeInit[], functions: FunctionInit[], opset = 18n): Uint8Array {
  const graph = { name: "main", input: [{ name: "x", type: vector }], output: [{ name: "y", type: vector }], node };
  const opsetImport = [{ version: opset }, { domain: "local", version: 1n }];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph, functions } as ModelInit),
  );
}

const call = (opType: string, input: string[], output: string[], extra: NodeInit = {}): NodeInit => ({
  opType,
  domain: "local",
  name: `${opType} call`,
  input,
  output,
  ...extra,
});

/** alpha x, with alpha an attribute that defaults to 3, then the absolute value through another function. */
const scaled: FunctionInit = {
  name: "Scaled",
  domain: "local",
  input: ["a", "unused"],
  output: ["r"],
  attributeProto: [{ name: "alpha", type: Kind.FLOAT, f: 3 }],
  opsetImport: [{ version: 18n }, { domain: "local", version: 1n }],
  node: [
    { opType: "Constant", output: ["c"], attribute: [{ name: "value_float", refAttrName: "alpha", type: Kind.FLOAT }] },
    { opType: "Mul", input: ["a", "c"], output: ["m"] },
    { opType: "Magnitude", domain: "local", input: ["m"], output: ["r"] },
  ],
};
const magnitude: FunctionInit = {
  name: "Magnitude",
  domain: "local",
  input: ["v"],
  output: ["w"],
  opsetImport: [{ version: 18n }],
  node: [{ opType: "Abs", input: ["v"], output: ["w"] }],
};

async function outputOf(model: Uint8Array): Promise<number[]> {
  return Array.from((await runDirectly(model, { x: float32([3], [-1, 0, 2]) }))["y"]!.data as Float32Array);
}

test("calls become their bodies: attributes bound, nested calls too", async () => {
  const alpha = { attribute: [{ name: "alpha", type: Kind.FLOAT, f: 2 }] };
  const bytes = bytesOf(
    [call("Scaled", ["x"], ["t"]), call("Scaled", ["t"], ["y"], { ...alpha, name: "second" })],
    [scaled, magnitude],
  );
  const model = readModel(bytes);
  inlineFunctions(model);
  expect(problemsOf(model)).toEqual([]);
  expect(printGraph(model.graph)).toMatchInlineSnapshot(`
    "main(x: float32[3]) -> (y: float32[3]) {
      Scaled call/c = Constant() {value_float: 3}
      Scaled call/m = Mul(x, Scaled call/c)
      t = Abs(Scaled call/m)
      second/c = Constant() {value_float: 2}
      second/m = Mul(t, second/c)
      y: float32[3] = Abs(second/m)
    }"
  `);
  expect([...model.opsets]).toEqual([["", 18]]);
  expect(await outputOf(writeModel(model))).toEqual([6, 0, 12]);
  expect(await outputOf(bytes)).toEqual([6, 0, 12]);
});

test("a function that hands its input through", () => {
  const same: FunctionInit = {
    name: "Same",
    domain: "local",
    input: ["a"],
    output: ["a"],
    opsetImport: [{ version: 18n }],
    node: [],
  };
  const model = readModel(bytesOf([call("Same", ["x"], ["y"])], [same]));
  inlineFunctions(model);
  expect(printGraph(model.graph)).toContain("y: float32[3] = Identity(x)");
});

test("a body of an older opset is upgraded", () => {
  const old: FunctionInit = {
    name: "Old",
    domain: "local",
    input: ["a"],
    output: ["b"],
    opsetImport: [{ version: 11n }],
    node: [
      { opType: "ReduceSum", input: ["a"], output: ["b"], attribute: [{ name: "axes", type: Kind.INTS, ints: [0n] }] },
    ],
  };
  const model = readModel(bytesOf([call("Old", ["x"], ["y"])], [old]));
  inlineFunctions(model);
  expect(model.graph.nodes[0]!.inputs[1]!.constant!.data).toEqual(BigInt64Array.of(0n));
});

describe("calls without end are refused", () => {
  const chain = (name: string, calls: string[]): FunctionInit => ({
    name,
    domain: "local",
    input: ["v0"],
    output: [`v${calls.length}`],
    opsetImport: [{ version: 18n }],
    node: calls.map((to, i) => call(to, [`v${i}`], [`v${i + 1}`])),
  });
  test.each([
    { what: "recursion", functions: [chain("F0", ["F0"])] },
    { what: "mutual recursion", functions: [chain("F0", ["F1"]), chain("F1", ["F0"])] },
    {
      what: "ten to the twentieth",
      functions: Array.from({ length: 21 }, (_, i) =>
        i === 20 ? { ...magnitude, name: "F20" } : chain(`F${i}`, new Array(10).fill(`F${i + 1}`)),
      ),
    },
  ])("$what", ({ functions }) => {
    expect(() => inlineFunctions(readModel(bytesOf([call("F0", ["x"], ["y"])], functions)))).toThrow(
      "E_MODEL_FUNCTION",
    );
  });
});
