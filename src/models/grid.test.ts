import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Graph, Model, opBuilder } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { loadClassifier } from "./load-classifier.ts";
import type { OnnxClassifier } from "./onnx-classifier.ts";

/** Steps that float32 has no exact values for, many steps, a constant, and as many as float32 can tell apart. */
const BOXES = [
  { low: 0.1, high: 0.7, steps: 6 },
  { low: -1e5, high: 9e5, steps: 1e6 },
  { low: 7, high: 7, steps: 1 },
  { low: -0.3, high: 1.7, steps: 2 ** 24 },
];

let runtime: Runtime;
let model: OnnxClassifier;

// The scores are the inputs themselves: what the attacked graph feeds the model can be compared bit by bit with what the file is fed.
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
  const graph = new Graph("grid");
  const op = opBuilder(graph, operators);
  const z = op.Identity(op.input("input", { dtype: "float32", shape: ["N", BOXES.length] }));
  z.name = "scores";
  op.output(z);
  model = await loadClassifier(new Model(graph, 17), { runtime, features: BOXES, label: "grid.onnx" });
});
afterAll(() => runtime.close());

const levels = fc.tuple(...BOXES.map(({ steps }) => fc.nat(steps)));

it("attacks query the very values that the file is fed when it verifies", async () => {
  const drawn = fc.sample(levels, { numRuns: 400, seed: 1 });
  const data = Float32Array.from(drawn.flatMap((row) => row.map((k, i) => k / BOXES[i]!.steps)));
  const scores = await model.scores({ data, count: drawn.length });
  for (const [row, ks] of drawn.entries()) {
    const at = row * BOXES.length;
    const values = ks.map((k, i) =>
      Math.fround(BOXES[i]!.low + k * ((BOXES[i]!.high - BOXES[i]!.low) / BOXES[i]!.steps)),
    );
    expect([...scores.subarray(at, at + BOXES.length)]).toEqual(values);
    expect([...(await model.verify(data.slice(at, at + BOXES.length)))]).toEqual(values);
  }
});

it("gradients pass straight through the rounding", async () => {
  const rng = Rng.of(3);
  const data = Float32Array.from({ length: 2 * BOXES.length }, () => rng.uniform());
  const { gradients } = await model.gradient({ data, count: 2 }, "margin", Int32Array.of(2, 2));
  // Of the largest other score, which is field 1 (up to 900,000) in both rows, minus the constant.
  expect(Array.from(gradients, (value) => value + 0)).toEqual([0, 1e6, 0, 0, 0, 1e6, 0, 0]);
  expect(model.notes.join()).toMatch(/rounding of fields to legal values/);
});
