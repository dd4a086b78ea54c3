/**
 * The two networks of the example, written with the graph builder. Input `image`, float32 [N, 3, 32, 32] in 0..1; output `logits` [N, classes].
 *
 * @typedef {ReturnType<typeof import("../../dist/index.js").opBuilder>} OpBuilder
 * @typedef {import("../../dist/index.js").Value} Value
 * @typedef {(dims: number[], inputs: number) => import("../../dist/index.js").Tensor} Initial random weights for sums of so many inputs
 * @typedef {{ readonly op: OpBuilder, readonly initial: Initial, readonly zeros: (size: number) => import("../../dist/index.js").Tensor, readonly scalar: (value: number) => import("../../dist/index.js").Tensor }} Kit
 */

/** @param {Kit} kit @param {string} name @param {Value} x @param {[number, number]} channels from, to @param {number} kernel @param {number} stride */
function convolution({ op, initial, zeros }, name, x, [from, to], kernel, stride) {
  const weight = op.initializer(`${name}.weight`, initial([to, from, kernel, kernel], from * kernel * kernel));
  const bias = op.initializer(`${name}.bias`, zeros(to));
  const padding = (kernel - 1) / 2;
  return op.Conv(x, weight, bias, { strides: [stride, stride], pads: [padding, padding, padding, padding] });
}

/** @param {Kit} kit @param {string} name @param {Value} x @param {[number, number]} features from, to */
function dense({ op, initial, zeros }, name, x, [from, to]) {
  const weight = op.initializer(`${name}.weight`, initial([from, to], from));
  return op.Gemm(x, weight, op.initializer(`${name}.bias`, zeros(to)));
}

/** From 0..1 to -1..1, inside the model: its users need no flags. @param {Kit} kit @param {Value} image */
function centered({ op, scalar }, image) {
  return op.Sub(op.Mul(image, scalar(2)), scalar(1));
}

/** Four 3x3 convolutions, a maximum, two dense layers: 113,312 weights. @param {Kit} kit @param {Value} image @param {number} classes */
export function roadSignNetwork(kit, image, classes) {
  const { op } = kit;
  let x = centered(kit, image);
  x = op.Relu(convolution(kit, "conv1", x, [3, 16], 3, 1));
  x = op.Relu(convolution(kit, "conv2", x, [16, 32], 3, 2));
  x = op.Relu(convolution(kit, "conv3", x, [32, 48], 3, 2));
  x = op.Relu(convolution(kit, "conv4", x, [48, 64], 3, 1));
  x = op.MaxPool(x, { kernel_shape: [2, 2], strides: [2, 2] });
  x = op.Relu(dense(kit, "dense1", op.Flatten(x), [64 * 4 * 4, 64]));
  return dense(kit, "dense2", x, [64, classes]);
}

/** What an attacker without access might train: large kernels, averages, leaky units. @param {Kit} kit @param {Value} image @param {number} classes */
export function surrogateNetwork(kit, image, classes) {
  const { op } = kit;
  const average = (/** @type {Value} */ x) => op.AveragePool(x, { kernel_shape: [2, 2], strides: [2, 2] });
  let x = centered(kit, image);
  x = average(op.LeakyRelu(convolution(kit, "conv1", x, [3, 24], 5, 1), { alpha: 0.1 }));
  x = op.LeakyRelu(convolution(kit, "conv2", x, [24, 48], 5, 2), { alpha: 0.1 });
  x = average(op.LeakyRelu(convolution(kit, "conv3", x, [48, 64], 3, 1), { alpha: 0.1 }));
  x = op.LeakyRelu(dense(kit, "dense1", op.Flatten(x), [64 * 4 * 4, 96]), { alpha: 0.1 });
  return dense(kit, "dense2", x, [96, classes]);
}
