import { describe, expect, it } from "vitest";
import { opBuilder } from "../graph/builder.ts";
import { writeModel } from "../graph/index.ts";
import { Graph, Model } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import { float32, tensor } from "../tensor/tensor.ts";
import { referenceRuntime } from "./reference.ts";

/** x [N] -> y = exp(x), and whether x is positive. */
function model(): Uint8Array {
  const op = opBuilder(new Graph(), operators);
  const x = op.input("x", { dtype: "float32", shape: ["N"] });
  for (const [name, value] of [
    ["y", op.Exp(x)],
    ["positive", op.Greater(x, float32([], [0]))],
  ] as const) {
    value.name = name;
    op.output(value);
  }
  return writeModel(new Model(op.graph, 18));
}

describe("the reference runtime", () => {
  it("keeps the digits of float64, or rounds as ONNX does", async () => {
    const x = tensor("float64", [2], Float64Array.of(1, -0.1));
    const exact = await (await referenceRuntime().load(model())).run({ x });
    expect(exact["y"]).toEqual({ dtype: "float64", dims: [2], data: Float64Array.of(Math.E, Math.exp(-0.1)) });
    const rounded = await (await referenceRuntime({ output: "float32" }).load(model())).run({ x });
    expect(rounded["y"]!.data[0]).toBe(Math.fround(Math.E));
    expect(rounded["positive"]).toEqual({ dtype: "bool", dims: [2], data: Uint8Array.of(1, 0) });
  });

  it("describes its ports and computes only what is asked for", async () => {
    const session = await referenceRuntime().load(model());
    expect(session.inputs).toEqual([{ name: "x", dtype: "float32", dims: ["N"] }]);
    expect(Object.keys(await session.run({ x: float32([1], [0]) }, ["y"]))).toEqual(["y"]);
  });

  it("keeps tensors between runs", async () => {
    const runtime = referenceRuntime({ output: "float32" });
    const kept = await runtime.keep({ x: float32([2], [0, -Infinity]) });
    const session = await runtime.load(model(), { kept });
    expect(Object.keys(await session.run({}, undefined, { y: "x" }))).toEqual(["positive"]);
    expect(await kept.read(["x"])).toEqual({ x: float32([2], [1, 0]) });
    expect(Object.keys(await session.run({ x: float32([1], [0]) }, ["y"]))).toEqual(["y"]);
    expect(await kept.read()).toEqual({ x: float32([2], [1, 0]) });
  });

  it("names what is missing", async () => {
    const session = await referenceRuntime().load(model());
    await expect(session.run({})).rejects.toThrow(/^E_INPUT_MISSING input 'x'/);
    const op = opBuilder(new Graph(), operators);
    const [odd] = op.node("Mystery", [op.input("x", { dtype: "float32", shape: [1] })], {}, 1, "com.example");
    op.output(odd!);
    const unknown = new Model(op.graph, 18);
    unknown.opsets.set("com.example", 1);
    const other = await referenceRuntime().load(writeModel(unknown));
    await expect(other.run({ x: float32([1], [0]) })).rejects.toThrow(/^E_OP_UNKNOWN Mystery 'Mystery'.*com\.example/);
  });
});
