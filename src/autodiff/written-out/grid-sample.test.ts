import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import type { AttributeInput } from "../../graph/builder.ts";
import { cloneModel, Graph, Model, opBuilder, prepareForGradient, writeModel } from "../../graph/index.ts";
import { operators } from "../../ops/index.ts";
import { runDirectly } from "../../runtime/node-direct.ts";
import { float32, int64Vector, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import { withGradient } from "../with-gradient.ts";
import { writeOut } from "./index.ts";

const X = [2, 3, 4, 5];
const GRID = [2, 3, 2, 2];

/** A sample of each place that the grid names, and logits [N, 3] of it. */
function modelOf(attributes: Record<string, AttributeInput>, dims: readonly (number | string)[] = X): Model {
  const graph = new Graph("sampling");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: dims });
  const grid = op.input("grid", { dtype: "float32", shape: GRID });
  const [y] = op.node("GridSample", [x, grid], attributes);
  Object.assign(y!, { name: "y", dtype: "float32" });
  op.output(y!);
  const logits = op.ReduceSum(op.Mul(y!, y!), int64Vector([2, 3]), { keepdims: 0 });
  Object.assign(logits, { name: "logits", dtype: "float32", shape: [2, 3] });
  op.output(logits);
  return new Model(graph, 18);
}

/** Also beyond the image, and never where two pixels meet: there the slope jumps. */
function inputs(): Record<string, Tensor> {
  const rng = Rng.of(3);
  const numbers = (dims: readonly number[], next: () => number) =>
    float32(dims, Array.from({ length: sizeOf(dims) }, next));
  return { x: numbers(X, () => rng.normal()), grid: numbers(GRID, () => 2.6 * rng.uniform() - 1.3) };
}

const numbers = (tensor: Tensor) => Array.from(tensor.data as Float32Array);

describe.each<[string, Record<string, AttributeInput>]>([
  ["zeros", {}],
  ["zeros, corners aligned", { align_corners: 1 }],
  ["border", { padding_mode: "border", mode: "bilinear" }],
  ["border, corners aligned", { padding_mode: "border", align_corners: 1 }],
])("GridSample: %s", (_, attributes) => {
  it("gives what ONNX Runtime's own gives, written out", async () => {
    const model = modelOf(attributes);
    const written = cloneModel(model);
    prepareForGradient(written, operators);
    expect(writeOut(written, operators)).toBe(true);
    const [one, other] = [
      await runDirectly(writeModel(model), inputs()),
      await runDirectly(writeModel(written), inputs()),
    ];
    expect(other["y"]!.dims).toEqual(one["y"]!.dims);
    numbers(one["y"]!).forEach((value, i) => {
      expect(numbers(other["y"]!)[i]).toBeCloseTo(value, 5);
    });
  });

  it("has the gradients that finite differences of ONNX Runtime's own have", async () => {
    const model = modelOf(attributes);
    const labels = { dtype: "int64" as const, dims: [2], data: BigInt64Array.of(0n, 2n) };
    const gradients = await runDirectly(
      writeModel(withGradient(model, { table: operators, loss: "cross-entropy", logits: "logits" })),
      { ...inputs(), labels },
    );
    const bytes = writeModel(model);
    const loss = async (given: Record<string, Tensor>) => {
      const z = numbers((await runDirectly(bytes, given))["logits"]!);
      return [0, 2].reduce((sum, label, row) => {
        const own = z.slice(3 * row, 3 * row + 3);
        return sum + Math.log(own.reduce((total, value) => total + Math.exp(value - own[label]!), 0));
      }, 0);
    };
    for (const [name, places] of [
      ["x", [0, 17, 41, 63, 88, 119]],
      ["grid", [0, 3, 8, 13, 18, 23]],
    ] as const)
      for (const place of places) {
        const at = (step: number) => {
          const given = inputs();
          (given[name]!.data as Float32Array)[place]! += step;
          return loss(given);
        };
        const slope = ((await at(2e-3)) - (await at(-2e-3))) / 4e-3;
        expect(Math.abs(numbers(gradients[`grad_${name}`]!)[place]! - slope)).toBeLessThan(
          0.02 * Math.max(1, Math.abs(slope)),
        );
      }
  });
});

it.each<[string, Record<string, AttributeInput>, (number | string)[]]>([
  ["nearest", { mode: "nearest" }, X],
  ["reflected", { padding_mode: "reflection" }, X],
  ["of an unknown size", {}, [2, 3, "H", 5]],
])("leaves a GridSample %s as it is", (_, attributes, dims) => {
  expect(writeOut(modelOf(attributes, dims), operators)).toBe(false);
});
