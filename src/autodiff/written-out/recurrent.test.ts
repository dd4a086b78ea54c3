import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import type { AttributeInput } from "../../graph/builder.ts";
import { cloneModel, Graph, Model, opBuilder, prepareForGradient, writeModel } from "../../graph/index.ts";
import { operators } from "../../ops/index.ts";
import { runDirectly } from "../../runtime/node-direct.ts";
import { float32, int64Vector, sizeOf, type Tensor, tensor } from "../../tensor/tensor.ts";
import { withGradient } from "../with-gradient.ts";
import { writeOut } from "./index.ts";

const [STEPS, ROWS, FEATURES, HIDDEN] = [5, 3, 4, 2];
const GATES: Record<string, number> = { RNN: 1, LSTM: 4, GRU: 3 };

interface Spec {
  readonly attributes?: Record<string, AttributeInput>;
  /** Default: biases and states. */
  readonly without?: readonly ("biases" | "states")[];
  readonly steps?: number | string;
  readonly lengths?: boolean;
}

function weights(dims: readonly number[], seed: number): Tensor {
  const rng = Rng.of(seed);
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => 0.7 * rng.normal()),
  );
}

/** The outputs of the cell, and logits [N, hidden] of its last state. */
function modelOf(cell: string, { attributes = {}, without = [], steps = STEPS, lengths = false }: Spec): Model {
  const graph = new Graph("recurrent");
  const op = opBuilder(graph, operators);
  const ways = attributes["direction"] === "bidirectional" ? 2 : 1;
  const size = GATES[cell]! * HIDDEN;
  const x = op.input("x", { dtype: "float32", shape: [steps, ROWS, FEATURES] });
  const state = (seed: number) => (without.includes("states") ? null : weights([ways, ROWS, HIDDEN], seed));
  const inputs = [
    x,
    weights([ways, size, FEATURES], 1),
    weights([ways, size, HIDDEN], 2),
    without.includes("biases") ? null : weights([ways, 2 * size], 3),
    lengths ? tensor("int32", [ROWS], Int32Array.of(STEPS, 2, 3)) : null,
    state(4),
    ...(cell === "LSTM" ? [state(5)] : []),
  ];
  const outputs = op.node(cell, inputs, { hidden_size: HIDDEN, ...attributes }, cell === "LSTM" ? 3 : 2);
  for (const [i, output] of outputs.entries()) {
    Object.assign(output, { name: `y${i}`, dtype: "float32" });
    op.output(output);
  }
  const logits = op.ReduceSum(op.Mul(outputs[1]!, outputs[1]!), int64Vector([0]), { keepdims: 0 });
  Object.assign(logits, { name: "logits", dtype: "float32", shape: [ROWS, HIDDEN] });
  op.output(logits);
  return new Model(graph, 18);
}

const SPECS: [string, string, Spec][] = [
  ["RNN", "", {}],
  ["RNN", "relu, reverse", { attributes: { direction: "reverse", activations: ["Relu"] } }],
  ["LSTM", "", {}],
  ["LSTM", "without biases and states", { without: ["biases", "states"] }],
  ["LSTM", "both ways", { attributes: { direction: "bidirectional" } }],
  ["LSTM", "activations named", { attributes: { activations: ["Sigmoid", "Tanh", "Tanh"] } }],
  ["GRU", "reset before", {}],
  ["GRU", "reset after", { attributes: { linear_before_reset: 1 } }],
  ["GRU", "reset before, without biases and states", { without: ["biases", "states"] }],
  [
    "GRU",
    "reset after, both ways, without states",
    { attributes: { linear_before_reset: 1, direction: "bidirectional" }, without: ["states"] },
  ],
];
const X = weights([STEPS, ROWS, FEATURES], 6);
const numbers = (tensor: Tensor) => Array.from(tensor.data as Float32Array);

describe.each(SPECS)("%s %s", (cell, _, spec) => {
  it("gives what ONNX Runtime's own gives, written out", async () => {
    const model = modelOf(cell, spec);
    const unrolled = cloneModel(model);
    prepareForGradient(unrolled, operators);
    expect(writeOut(unrolled, operators)).toBe(true);
    expect(unrolled.graph.nodes.map(({ op }) => op)).not.toContain(cell);
    const [one, other] = [
      await runDirectly(writeModel(model), { x: X }),
      await runDirectly(writeModel(unrolled), { x: X }),
    ];
    for (const { name } of model.graph.outputs) {
      expect(other[name]!.dims).toEqual(one[name]!.dims);
      numbers(one[name]!).forEach((value, i) => {
        expect(Math.abs(numbers(other[name]!)[i]! - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
      });
    }
  });

  it("has the gradient that finite differences of ONNX Runtime's own have", async () => {
    const model = modelOf(cell, spec);
    const labels = { dtype: "int64" as const, dims: [ROWS], data: BigInt64Array.of(0n, 1n, 1n) };
    const loss = (logits: readonly number[]) =>
      [0, 1, 1].reduce((sum, label, row) => sum + logits[2 * row + 1 - label]! - logits[2 * row + label]!, 0);
    const gradient = numbers(
      (
        await runDirectly(writeModel(withGradient(model, { table: operators, loss: "margin", logits: "logits" })), {
          x: X,
          labels,
        })
      )["grad_x"]!,
    );
    const bytes = writeModel(model);
    const at = async (place: number, step: number) => {
      const moved = numbers(X).map((value, i) => (i === place ? value + step : value));
      return loss(numbers((await runDirectly(bytes, { x: float32(X.dims, moved) }))["logits"]!));
    };
    for (const place of [0, 7, 19, 33, 47, 59])
      expect(gradient[place]).toBeCloseTo(((await at(place, 1e-2)) - (await at(place, -1e-2))) / 2e-2, 2);
  });
});

it.each<[string, Spec]>([
  ["lengths that differ", { lengths: true }],
  ["clipping", { attributes: { clip: 0.5 } }],
  ["other activations", { attributes: { activations: ["Sigmoid", "Relu", "Tanh"] } }],
  ["an unknown number of steps", { steps: "T" }],
])("leaves an LSTM with %s as it is", (_, spec) => {
  const model = modelOf("LSTM", spec);
  expect(writeOut(model, operators)).toBe(false);
  expect(model.graph.nodes.map(({ op }) => op)).toContain("LSTM");
  expect(() => withGradient(model, { table: operators, loss: "margin", logits: "logits" })).toThrow(
    /E_OP_NO_GRADIENT.*LSTM/,
  );
});
