import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readModel, writeModel } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { runDirectly } from "../runtime/node-direct.ts";
import { readNpz } from "../tensor/npz.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import type { Optimizer } from "./optimizers.ts";
import { withTrainingStep } from "./training-step.ts";
import { withGradient } from "./with-gradient.ts";

/** Nets with random weights and what torch.autograd said of them: see bench/peers/export_nets.py. */
const fixture = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../bench/peers/fixtures/${file}`, import.meta.url))));

/** Largest difference, relative to the largest magnitude of the expected tensor. */
function relativeError(found: Tensor, expected: Tensor): number {
  const [a, b] = [found.data as Float32Array, expected.data as Float32Array];
  expect(found.dims).toEqual(expected.dims);
  const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-6);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!) / scale), 0);
}

function worst(
  found: Record<string, Tensor>,
  expected: Record<string, Tensor>,
  names: readonly string[],
): [string, number] {
  const errors = names.map((name): [string, number] => [name, relativeError(found[name]!, expected[name]!)]);
  return errors.reduce((a, b) => (b[1] > a[1] || Number.isNaN(b[1]) ? b : a));
}

describe("gradients of nets exported from PyTorch equal torch.autograd's", () => {
  it.each(["vgg", "resnet", "resnext", "densenet", "mobilenet", "squeezenet", "audio", "mlp"])("%s", async (name) => {
    const expected = readNpz(fixture(`${name}.npz`));
    const weights = Object.keys(expected).flatMap((key) => (key.startsWith("grad_") ? [key.slice(5)] : []));
    expect(weights.length).toBeGreaterThan(5);
    const model = withGradient(readModel(fixture(`${name}.onnx`)), {
      table: operators,
      loss: "cross-entropy",
      wrt: weights,
    });
    const { input, labels } = expected as { input: Tensor; labels: Tensor };
    const found = await runDirectly(writeModel(model), { input, labels });
    const names = ["logits", "loss", ...weights.map((weight) => `grad_${weight}`)];
    const [where, error] = worst(found, expected, names);
    expect(error, where).toBeLessThan(1e-4);
  });
});

describe("training steps equal PyTorch's", () => {
  const optimizers: [Optimizer, number][] = [
    [{ kind: "sgd", momentum: 0.9, weightDecay: 0.01, nesterov: true }, 0.1],
    [{ kind: "adamw", weightDecay: 0.05 }, 0.01],
  ];
  it.each(optimizers)("two steps of %o", async (optimizer, learningRate) => {
    const expected = readNpz(fixture("training.npz"));
    const step = withTrainingStep(readModel(fixture("training.onnx")), {
      table: operators,
      loss: "cross-entropy",
      optimizer,
    });
    const [pass, update] = [writeModel(step.pass), writeModel(step.update())];
    let state = Object.fromEntries(step.state.map(({ input, initial }) => [input, initial]));
    for (const batch of [0, 1]) {
      const { input, labels } = expected as { input: Tensor; labels: Tensor };
      const feeds = { input: row(input, batch), labels: row(labels, batch), share: float32([], [1]) };
      const passed = await runDirectly(pass, { ...feeds, ...state });
      const given = { gradient_0: passed["gradient"]!, learning_rate: float32([], [learningRate]) };
      const found = { ...passed, ...(await runDirectly(update, { ...given, ...state })) };
      expect(found["mean_loss"]!.data[0]).toBeCloseTo(
        Number(expected[`${optimizer.kind}/mean_loss/${batch}`]!.data[0]),
        4,
      );
      state = Object.fromEntries(step.state.map(({ input, output }) => [input, found[output]!]));
    }
    for (const { input } of step.state.filter(({ kept }) => kept))
      expect(relativeError(state[input]!, expected[`${optimizer.kind}/${input}`]!), input).toBeLessThan(1e-4);

    const trained = step.finish(state);
    expect(trained.graph.initializers.find(({ name }) => name === "0.weight")!.constant).toEqual(state["0.weight"]);
  });
});

/** tensor[i] */
function row({ dtype, dims, data }: Tensor, i: number): Tensor {
  const size = data.length / dims[0]!;
  return { dtype, dims: dims.slice(1), data: (data as Float32Array).slice(i * size, (i + 1) * size) };
}
