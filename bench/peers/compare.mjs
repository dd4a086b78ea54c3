// node bench/peers/compare.mjs FOLDER: the gradients of every net that export_nets.py wrote there, by our gradient graph on ONNX Runtime,
// beside torch.autograd's. Prints the largest difference of any gradient, relative to the largest magnitude in it; for the input's also
// from torch in float64, and torch's own in float32 from that: where a ReLU's input is zero but for rounding, each side picks its own.
// Needs `npm run build`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withGradient } from "../../dist/autodiff/index.js";
import { readModel, writeModel } from "../../dist/graph/index.js";
import { operators } from "../../dist/ops/index.js";
import { runDirectly } from "../../dist/runtime/node-direct.js";
import { readNpz } from "../../dist/tensor/npz.js";

const folder = process.argv[2];
const read = (file) => new Uint8Array(readFileSync(join(folder, file)));

/** Largest |a - b|, relative to the largest |b|. */
function relativeError(a, b) {
  let [difference, scale] = [0, 1e-12];
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return difference / scale;
}

const nets = readdirSync(folder).flatMap((file) => (file.endsWith(".onnx") ? [file.slice(0, -5)] : []));
for (const net of nets.filter((name) => name !== "training")) {
  const expected = readNpz(read(`${net}.npz`), { maxBytes: 2 ** 32 });
  const wrt = Object.keys(expected).flatMap((key) => (key.startsWith("grad_") ? [key.slice(5)] : []));
  const started = performance.now();
  const model = withGradient(readModel(read(`${net}.onnx`)), { table: operators, loss: "cross-entropy", wrt });
  const rewritten = performance.now();
  const found = await runDirectly(writeModel(model), { input: expected.input, labels: expected.labels });
  const errorOf = (name) => relativeError(found[name].data, expected[name].data);
  const exact = (from) => relativeError(from.grad_input.data, expected.exact_input.data);
  const weights = wrt.filter((name) => name !== "input").map((name) => [errorOf(`grad_${name}`), name]);
  const [worst, where] = weights.reduce((a, b) => (b[0] > a[0] ? b : a));
  const digits = (value) => value.toExponential(1);
  console.log(
    `${net.padEnd(16)} logits ${digits(errorOf("logits"))}  input ${digits(errorOf("grad_input"))} ` +
      `(float64: ours ${digits(exact(found))}, torch ${digits(exact(expected))})  ${weights.length} weights ${digits(worst)} (${where})  rewriting ${(rewritten - started).toFixed(0)} ms`,
  );
}
