import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { float32, int64Vector, scalar, sizeOf } from "../tensor/tensor.ts";
import type { PlantedMask } from "./classifier.ts";
import { loadClassifier } from "./load-classifier.ts";
import type { OnnxClassifier } from "./onnx-classifier.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
});
afterAll(() => runtime.close());

function weights(dims: readonly number[], name: string): ReturnType<typeof float32> {
  const rng = Rng.of(1).fold(name);
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => rng.normal()),
  );
}

async function load(
  body: (op: OpBuilder, x: Value) => Value,
  shape: (number | string)[] = ["N", 6],
): Promise<OnnxClassifier> {
  const graph = new Graph("test");
  const op = opBuilder(graph, operators);
  const z = body(op, op.input("input", { dtype: "float32", shape }));
  z.name = "scores";
  op.output(z);
  return loadClassifier(new Model(graph, 18), { runtime, label: "test.onnx" });
}

const number = (value: number) => scalar("float32", value);
const W = weights([4, 3], "last");
const w = (row: number, column: number) => Number(W.data[3 * row + column]);
const hidden = (op: OpBuilder, x: Value) => op.Tanh(op.MatMul(x, weights([6, 4], "first")));
const rows = (count: number, size = 6) => ({
  data: Float32Array.from({ length: count * size }, (_, i) => ((i * 37) % 256) / 255),
  count,
});

/** Scores that the last layer makes of features. */
function lastLayer(features: Float32Array, count: number, bias = 0): number[] {
  return Array.from({ length: count * 3 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3), i % 3];
    let sum = bias;
    for (let k = 0; k < 4; k++) sum += features[4 * row + k]! * w(k, column);
    return sum;
  });
}

describe("the features of a model", () => {
  it.each<[string, (op: OpBuilder, x: Value) => Value, (z: number) => number]>([
    ["MatMul", (op, x) => op.MatMul(hidden(op, x), W), (z) => z],
    ["Gemm", (op, x) => op.Gemm(hidden(op, x), W, float32([3], [1, 1, 1])), (z) => z + 1],
    [
      "MatMul, then scaled and shifted",
      (op, x) => op.Add(op.Mul(op.MatMul(hidden(op, x), W), number(10)), number(2)),
      (z) => 10 * z + 2,
    ],
    ["MatMul, then Softmax", (op, x) => op.Softmax(op.MatMul(hidden(op, x), W), { axis: 1 }), (z) => z],
  ])("are what its last layer reads: %s", async (_, body, after) => {
    const classifier = await load(body);
    const features = (await classifier.access.features())!;
    expect(features.size).toBe(4);
    const expected = lastLayer(await features.features(rows(5)), 5).map(after);
    const scores = await classifier.scores(rows(5));
    expected.forEach((z, i) => {
      expect(scores[i]).toBeCloseTo(z, 4);
    });
    await features.close();
    await classifier.close();
  });

  it("have the gradient that the scores have, weighed by the last layer", async () => {
    const classifier = await load((op, x) => op.MatMul(hidden(op, x), W));
    const features = (await classifier.access.features())!;
    // The gradient of "other" is that of z_t - z_y.
    const difference = Array.from({ length: 4 }, (_, k) => w(k, 2) - w(k, 0));
    const { gradients } = await features.gradient(rows(2), Float32Array.from([...difference, ...difference]));
    const own = await classifier.gradient(rows(2), "other", Int32Array.of(0, 0), Int32Array.of(2, 2));
    own.gradients.forEach((value, i) => {
      expect(gradients[i]).toBeCloseTo(value, 4);
    });
    await features.close();
    await classifier.close();
  });

  it.each<[string, (op: OpBuilder, x: Value) => Value]>([
    ["the last layer is no product", (op, x) => op.Tanh(op.MatMul(x, weights([6, 3], "only")))],
    ["both factors vary", (op, x) => op.MatMul(op.Tanh(x), op.Mul(weights([6, 3], "only"), op.ReduceMax(x)))],
  ])("are unknown where %s", async (_, body) => {
    const classifier = await load(body);
    expect(await classifier.access.features()).toBeNull();
    await classifier.close();
  });
});

describe("a planted mask", () => {
  it.each<[PlantedMask, number, (gradients: Float32Array) => boolean]>([
    ["scaled-logits", 1e4, (gradients) => gradients.some((value) => value !== 0)],
    ["quantized-input", 1, (gradients) => gradients.some((value) => value !== 0)],
    ["rounded-input", 1, (gradients) => gradients.every((value) => value === 0)],
  ])("%s changes no answer to an 8-bit input, only what gradients say", async (mask, scale, asExpected) => {
    const classifier = await load((op, x) => op.MatMul(hidden(op, x), W));
    const masked = await classifier.access.masked(mask);
    const own = await classifier.scores(rows(4));
    const scores = await masked.scores(rows(4));
    own.forEach((score, i) => {
      expect(scores[i]! / scale).toBeCloseTo(score, 4);
    });
    expect((await masked.verify(rows(1).data))[0]! / scale).toBeCloseTo(own[0]!, 4);
    const { gradients } = await masked.gradient(rows(4), "margin", Int32Array.of(0, 1, 2, 0));
    expect(asExpected(gradients)).toBe(true);
    await masked.close();
    // Closing it leaves the model as it was.
    expect(await classifier.scores(rows(4))).toEqual(own);
    await classifier.close();
  });

  it("keeps a fixed batch", async () => {
    const classifier = await load((op, x) =>
      op.MatMul(hidden(op, op.Sub(x, op.ReduceMean(x, int64Vector([0]), { keepdims: 1 }))), W),
    );
    expect(classifier.maxBatch).toBe(1);
    const masked = await classifier.access.masked("quantized-input");
    expect((await masked.scores(rows(3))).length).toBe(9);
    await masked.close();
    await classifier.close();
  });
});
