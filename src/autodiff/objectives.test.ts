import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Batch, rowOf } from "../defenses/inner-attacks.ts";
import { penaltyRows } from "../defenses/regularizers.ts";
import { readModel, writeModel } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { runDirectly } from "../runtime/node-direct.ts";
import type { Feeds } from "../runtime/runtime.ts";
import { readNpz } from "../tensor/npz.ts";
import { float32, int64, type Tensor, toNumbers } from "../tensor/tensor.ts";
import { type TrainingOptions, withTrainingStep } from "./training-step.ts";
import { withGradient } from "./with-gradient.ts";

/** See bench/peers/training_objectives.py. */
const fixture = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../bench/peers/fixtures/${file}`, import.meta.url))));
const model = readModel(fixture("objectives.onnx"));
const expected = readNpz(fixture("objectives.npz"));
const { x, moved, labels } = expected as { x: Tensor; moved: Tensor; labels: Tensor };
const rows = x.dims[0]!;
const WEIGHTS = ["0.weight", "0.bias", "3.weight", "3.bias", "5.weight", "5.bias"];

const filled = (value: number) => new Array<number>(rows).fill(value);
const indices = filled(0).map((_, i) => i);

function stacked(...parts: Tensor[]): Tensor {
  const data = Float32Array.from(parts.flatMap((part) => [...(part.data as Float32Array)]));
  return float32([parts.length * rows, ...x.dims.slice(1)], data);
}

const labelsTimes = (times: number) =>
  int64([times * rows], Array.from({ length: times }, () => toNumbers(labels)).flat());

/** A step of plain descent with rate 1 subtracts the gradient, clipped or not: w - w'. */
async function gradientsOf(options: Pick<TrainingOptions, "loss" | "clipGradient">, feeds: Feeds) {
  const step = withTrainingStep(model, { table: operators, optimizer: { kind: "sgd" }, ...options });
  const state = Object.fromEntries(step.state.map(({ input, initial }) => [input, initial]));
  const { mean_loss, gradient } = await runDirectly(writeModel(step.pass), {
    ...feeds,
    ...state,
    share: float32([], [1]),
  });
  const given = { ...state, gradient_0: gradient!, learning_rate: float32([], [1]) };
  const found = await runDirectly(writeModel(step.update()), given);
  const gradients = WEIGHTS.map((name): [string, Float32Array] => {
    const after = found[`next_${name}`]!.data as Float32Array;
    return [name, (state[name]!.data as Float32Array).map((value, i) => value - after[i]!)];
  });
  return { value: (mean_loss!.data as Float32Array)[0]!, gradients };
}

/** Largest difference, relative to the largest element of PyTorch's gradient. */
function worst(name: string, gradients: readonly [string, Float32Array][]): number {
  const errors = gradients.map(([weight, found]) => {
    const reference = expected[`${name}/${weight}`]!.data as Float32Array;
    const scale = Math.max(...reference.map(Math.abs));
    return Math.max(...found.map((value, i) => Math.abs(value - reference[i]!) / scale));
  });
  return Math.max(...errors);
}

describe("objectives and their gradients equal PyTorch's", () => {
  it("TRADES", async () => {
    const { value, gradients } = await gradientsOf(
      { loss: { kind: "weighted", consistency: true } },
      {
        input: stacked(x, moved),
        labels: labelsTimes(2),
        loss_weights: float32([2 * rows], [...filled(1 / rows), ...filled(0)]),
        partners: int64([2 * rows], [...indices, ...indices]),
        consistency_weights: float32([2 * rows], [...filled(0), ...filled(3 / rows)]),
      },
    );
    expect(value).toBeCloseTo(toNumbers(expected["trades"]!)[0]!, 5);
    expect(worst("trades", gradients)).toBeLessThan(1e-4);
  });

  it("label smoothing", async () => {
    const { value, gradients } = await gradientsOf(
      { loss: { kind: "weighted", labelSmoothing: 0.2 } },
      { input: x, labels, loss_weights: float32([rows], filled(1 / rows)) },
    );
    expect(value).toBeCloseTo(toNumbers(expected["smoothed"]!)[0]!, 5);
    expect(worst("smoothed", gradients)).toBeLessThan(1e-4);
  });

  it("clipping of gradients", async () => {
    const feeds = { input: x, labels };
    const { gradients } = await gradientsOf({ loss: "cross-entropy", clipGradient: 0.05 }, feeds);
    expect(worst("clipped", gradients)).toBeLessThan(1e-4);
    const unclipped = await gradientsOf({ loss: "cross-entropy", clipGradient: 1e3 }, feeds);
    const plain = await gradientsOf({ loss: "cross-entropy" }, feeds);
    expect(unclipped.gradients).toEqual(plain.gradients);
  });

  // Central differences against a second derivative: the error is that of h = 0.01 and of float32.
  it("the penalty on input gradients, without a second derivative", async () => {
    const gradientModel = withGradient(model, { table: operators, loss: "cross-entropy" });
    const { grad_input } = await runDirectly(writeModel(gradientModel), { input: x, labels });
    const size = x.data.length / rows;
    const batch: Batch = { x0: x.data as Float32Array, labels: Int32Array.from(toNumbers(labels)), size };
    const { rows: moved, weights, penalty } = penaltyRows(batch, grad_input!.data as Float32Array, 0.7);
    expect(0.7 * penalty).toBeCloseTo(toNumbers(expected["penalty"]!)[0]!, 4);
    const length = Math.hypot(...rowOf(moved, 0, size).map((value, i) => value - batch.x0[i]!));
    expect(length).toBeCloseTo(0.01, 5);
    const { gradients } = await gradientsOf(
      { loss: { kind: "weighted" } },
      {
        input: float32([2 * rows, ...x.dims.slice(1)], moved),
        labels: labelsTimes(2),
        loss_weights: float32([2 * rows], weights),
      },
    );
    expect(worst("penalty", gradients)).toBeLessThan(2e-3);
  });
});
