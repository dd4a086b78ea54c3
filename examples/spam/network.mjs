/**
 * A small convolutional net over tokens (after Kim 2014, arXiv 1408.5882), written with the graph builder. Inputs `input_ids` and `attention_mask`, int64
 * [N, T]; output `logits` [N, 2]; inner value `token_embeddings` [N, T, 16].
 *
 * @typedef {import("../../dist/index.js").OpBuilder} OpBuilder
 * @typedef {import("../../dist/index.js").Value} Value
 * @typedef {import("../../dist/index.js").Tensor} Tensor
 * @typedef {{ op: OpBuilder, initial: (dims: number[], deviation: number) => Tensor, zeros: (size: number) => Tensor, axes: (...axes: number[]) => Tensor, number: (value: number) => Tensor }} Kit
 */

const WIDTH = 16;
const FEATURES = 32;
const HIDDEN = 32;
const FLOAT = 1;

/** @param {Kit} kit @param {number} vocabulary @param {number} dropout */
export function spamNetwork(kit, vocabulary, dropout) {
  const { op, initial, zeros, axes, number } = kit;
  const ids = op.input("input_ids", { dtype: "int64", shape: ["N", "T"] });
  const seen = op.input("attention_mask", { dtype: "int64", shape: ["N", "T"] });
  const embedded = op.Gather(op.initializer("embedding", initial([vocabulary, WIDTH], 0.1)), ids);
  embedded.name = "token_embeddings";
  // Padding is zero before the convolution and again after it: a text gives the same alone and in a batch.
  const mask = op.Unsqueeze(op.Cast(seen, { to: FLOAT }), axes(1));
  const x = op.Mul(op.Transpose(embedded, { perm: [0, 2, 1] }), mask);
  const filters = op.initializer("filters.weight", initial([FEATURES, WIDTH, 3], Math.sqrt(2 / (3 * WIDTH))));
  const convolved = op.Conv(x, filters, op.initializer("filters.bias", zeros(FEATURES)), { pads: [1, 1] });
  const features = op.Mul(op.Relu(convolved), mask);
  const length = op.Max(op.ReduceSum(mask, axes(2), { keepdims: 0 }), number(1));
  const mean = op.Div(op.ReduceSum(features, axes(2), { keepdims: 0 }), length);
  const most = op.ReduceMax(features, axes(2), { keepdims: 0 });
  const pooled = op.Concat(mean, most, { axis: 1 });
  const hidden = op.Relu(dense(kit, "hidden", drop(kit, pooled, dropout), [2 * FEATURES, HIDDEN]));
  const logits = dense(kit, "output", hidden, [HIDDEN, 2]);
  logits.name = "logits";
  op.output(logits);
}

/** @param {Kit} kit @param {string} name @param {Value} x @param {[number, number]} sizes from, to */
function dense({ op, initial, zeros }, name, x, [from, to]) {
  const weight = op.initializer(`${name}.weight`, initial([from, to], Math.sqrt(2 / from)));
  return op.Gemm(x, weight, op.initializer(`${name}.bias`, zeros(to)));
}

/** @param {Kit} kit @param {Value} x @param {number} ratio */
function drop({ op, number }, x, ratio) {
  return op.Dropout(x, number(ratio));
}
