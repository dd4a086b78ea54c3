import { withWeights } from "../autodiff/index.ts";
import type { Rng } from "../base/rng.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { float32, scalar, sizeOf } from "../tensor/tensor.ts";
import { initialWeights } from "../train/index.ts";

/** Name of the input: rows of attack space, [N, height, width, channels] or [N, features]. */
export const INPUT = "x";
const OPSET = 18;
/** Channels of the convolutions, from the first on; the last number holds for all that follow. */
const CHANNELS = [8, 32, 64];
/** Convolution and pooling go on until an image is no larger. */
const SMALL_SIDE = 8;
const HIDDEN = 128;

export type Architecture = "cnn" | "mlp";

/** What suits the input: images have three dimensions. */
export function architectureFor(dims: readonly number[]): Architecture {
  return dims.length === 3 ? "cnn" : "mlp";
}

/**
 * What an attacker would train who knows no more than the shape of the input: for images 3x3 convolutions and maxima until they are small, then
 * one hidden layer; else two hidden layers. Fresh weights from the stream.
 */
export function freshNetwork(dims: readonly number[], classes: number, rng: Rng): Model {
  const graph = new Graph("surrogate");
  const op = opBuilder(graph, operators);
  const x = op.input(INPUT, { dtype: "float32", shape: ["N", ...dims] });
  // From 0..1 to -1..1.
  const centered = op.Sub(op.Mul(x, scalar("float32", 2)), scalar("float32", 1));
  const features = dims.length === 3 ? convolutions(op, centered, dims) : { value: centered, size: sizeOf(dims) };
  let hidden = op.Relu(dense(op, "dense1", features.value, features.size, HIDDEN));
  if (dims.length !== 3) hidden = op.Relu(dense(op, "dense2", hidden, HIDDEN, HIDDEN));
  const logits = dense(op, "logits", hidden, HIDDEN, classes);
  op.output(logits);
  const model = new Model(graph, OPSET);
  const names = graph.initializers.map(({ name }) => name).filter((name) => /\.(weight|bias)$/.test(name));
  return withWeights(model, initialWeights(model, names, rng));
}

function convolutions(op: OpBuilder, image: Value, [height = 1, width = 1, channels = 1]: readonly number[]) {
  let value = op.Transpose(image, { perm: [0, 3, 1, 2] });
  let [h, w, depth] = [height, width, channels];
  for (let stage = 0; stage === 0 || Math.max(h, w) > SMALL_SIDE; stage++) {
    const next = CHANNELS[Math.min(stage, CHANNELS.length - 1)]!;
    const weight = op.initializer(`conv${stage + 1}.weight`, zeros([next, depth, 3, 3]));
    const bias = op.initializer(`conv${stage + 1}.bias`, zeros([next]));
    value = op.Relu(op.Conv(value, weight, bias, { pads: [1, 1, 1, 1] }));
    // An image one pixel high is pooled along its width alone.
    const window = [Math.min(2, h), Math.min(2, w)];
    value = op.MaxPool(value, { kernel_shape: window, strides: window });
    [h, w, depth] = [Math.floor(h / window[0]!), Math.floor(w / window[1]!), next];
  }
  return { value: op.Flatten(value), size: h * w * depth };
}

function dense(op: OpBuilder, name: string, x: Value, from: number, to: number): Value {
  const weight = op.initializer(`${name}.weight`, zeros([from, to]));
  return op.Gemm(x, weight, op.initializer(`${name}.bias`, zeros([to])));
}

const zeros = (dims: readonly number[]) => float32(dims, new Float32Array(sizeOf(dims)));
