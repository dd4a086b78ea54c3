import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Graph, Model, type OpBuilder, opBuilder, readModel, type Value } from "../graph/index.ts";
import { loadClassifier } from "../models/index.ts";
import { operators } from "../ops/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { referenceRuntime } from "../runtime/reference.ts";
import { float32, scalar, tensor } from "../tensor/tensor.ts";
import { FEATURES, toyNetwork } from "./toy.test.fixture.ts";
import { trainableWeights } from "./trainable.ts";

const runtime = referenceRuntime({ output: "float32" });

async function trainableOf(model: Model, freeze: readonly string[] = []) {
  const classifier = await loadClassifier(model, { runtime, dims: [FEATURES] });
  const problems = classifier.capabilities.gradient ? [] : classifier.problems;
  return trainableWeights(model, classifier.attackGraph, { label: "toy.onnx", problems, freeze });
}

/** x to logits of two classes. */
function built(layers: (op: OpBuilder, x: Value) => Value): Model {
  const graph = new Graph("net");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", FEATURES] });
  const logits = layers(op, x);
  logits.name = "logits";
  op.output(logits);
  return new Model(graph, 18);
}

const weights = (dims: readonly number[]) =>
  float32(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1)),
  );

describe("trainable weights", () => {
  it("are those of the layers", async () => {
    expect(await trainableOf(toyNetwork())).toEqual({
      names: ["w1", "b1", "w2", "b2"],
      frozen: [],
      parameters: FEATURES * 8 + 8 + 16 + 2,
    });
  });

  it("no means and deviations of the input", async () => {
    const model = built((op, x) => {
      const shifted = op.Div(
        op.Sub(x, op.initializer("mean", weights([FEATURES]))),
        op.initializer("std", weights([1, FEATURES])),
      );
      return op.Add(op.MatMul(shifted, op.initializer("w", weights([FEATURES, 2]))), op.initializer("b", weights([2])));
    });
    expect((await trainableOf(model)).names).toEqual(["w", "b"]);
  });

  it("also those of Constant nodes", async () => {
    const model = built((op, x) => op.MatMul(x, op.node("Constant", [], { value: weights([FEATURES, 2]) })[0]!));
    const [constant] = model.graph.nodes[0]!.outputs;
    constant!.name = "inside";
    expect((await trainableOf(model)).names).toEqual(["inside"]);
  });

  it.each([
    [["w1"], ["w1"]],
    [["*1"], ["w1", "b1"]],
    [
      ["w*", "b2"],
      ["w1", "w2", "b2"],
    ],
  ])("--freeze %j", async (patterns, frozen) => {
    const { frozen: found, names } = await trainableOf(toyNetwork(), patterns);
    expect([...found].sort()).toEqual([...frozen].sort());
    expect(names.filter((name) => frozen.includes(name))).toEqual([]);
  });

  it("patterns that name nothing are all refused, with the names there are", async () => {
    await expect(trainableOf(toyNetwork(), ["conv", "w1", "head"])).rejects.toThrow(
      /E_FREEZE --freeze conv; --freeze head|conv(.|\n)*head(.|\n)*w1, b1, w2, b2/,
    );
    await expect(trainableOf(toyNetwork(), ["*"])).rejects.toThrow("E_UNTRAINABLE toy.onnx");
  });
});

describe("models that cannot be trained: the nodes, and what helps instead", () => {
  it("quantized weights", async () => {
    const model = built((op, x) => {
      const levels = tensor(
        "int8",
        [FEATURES, 2],
        Int8Array.from({ length: 2 * FEATURES }, (_, i) => i - 20),
      );
      const quantized = op.initializer("w_quantized", levels);
      return op.MatMul(
        x,
        op.DequantizeLinear(quantized, op.constant(scalar("float32", 0.1)), op.constant(scalar("int8", 0))),
      );
    });
    await expect(trainableOf(model)).rejects.toThrow(
      /E_UNTRAINABLE DequantizeLinear .*'w_quantized'.*Harden the float32 model, and quantize it after.*--save DIR/,
    );
  });

  it("no gradient: scores that are steps", async () => {
    const model = built((op, x) => {
      const scores = op.MatMul(x, op.initializer("w", weights([FEATURES, 2])));
      return op.Cast(op.Greater(scores, op.constant(scalar("float32", 0))), { to: 1 });
    });
    await expect(trainableOf(model)).rejects.toThrow(/E_NO_GRADIENT_PATH.*Greater.*--save DIR/);
  });

  const forest = join(process.env["BLINDSPOT_DATA"] ?? "../shared/data", "trees/breast_cancer_rf.onnx");
  it.skipIf(!existsSync(forest))("a tree ensemble", async () => {
    const model = readModel(new Uint8Array(readFileSync(forest)));
    const onnxRuntime = await nodeRuntime({ workers: 1 });
    const classifier = await loadClassifier(model, { runtime: onnxRuntime });
    const refused = () =>
      trainableWeights(model, classifier.attackGraph, { label: "forest.onnx", problems: classifier.problems });
    expect(refused).toThrow(/E_OP_NO_GRADIENT .*TreeEnsemble.*--save DIR/);
    await onnxRuntime.close();
  });

  it("no weights at all", async () => {
    const model = built((op, x) =>
      op.Slice(
        x,
        op.constant(tensor("int64", [1], BigInt64Array.of(0n))),
        op.constant(tensor("int64", [1], BigInt64Array.of(2n))),
        op.constant(tensor("int64", [1], BigInt64Array.of(1n))),
      ),
    );
    await expect(trainableOf(model)).rejects.toThrow(
      /E_UNTRAINABLE toy.onnx: expected float32 weights to train, got none.*--save DIR/,
    );
  });
});
