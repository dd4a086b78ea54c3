/**
 * Forward pass and input gradient of one model, ours against PyTorch, in turns on the same cores.
 *
 *   node bench/gradient.mjs --python VENV/bin/python [--model M.onnx] [--batch 100] [--rounds 10] [--out bench/results/gradient.json]
 *
 * Without --model it is a ResNet-18 for 3x32x32 with random weights. Ours is what an attack calls: one session run of the gradient model that
 * answers logits, losses and input gradients.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  float32,
  int64,
  nodeRuntime,
  operators,
  Rng,
  readModel,
  withGradient,
  writeModel,
  writeNpy,
} from "../dist/index.js";
import { median, readOptions, report, startPeer } from "./peer.mjs";

const options = readOptions({
  python: "python3",
  model: undefined,
  batch: "100",
  rounds: "10",
  threads: "2",
  dims: "3,32,32",
  out: undefined,
});
const batch = Number(options.batch);
const threads = Number(options.threads);
const folder = mkdtempSync(join(tmpdir(), "blindspot-bench-"));
const peer = startPeer(options.python, { threads });
const model = options.model ?? join(folder, "resnet18.onnx");
if (options.model === undefined) await peer.ask({ do: "export", path: model });

const dims = [batch, ...options.dims.split(",").map(Number)];
const rng = Rng.of(0);
const x = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => rng.uniform());
const labels = Float32Array.from({ length: batch }, () => rng.integer(10));
const inputs = join(folder, "x.npy");
writeFileSync(inputs, writeNpy(float32(dims, x)));
writeFileSync(join(folder, "y.npy"), writeNpy(float32([batch], labels)));
await peer.ask({ do: "load", model, inputs, labels: join(folder, "y.npy") });

const source = readModel(readFileSync(model));
const input = source.graph.inputs[0].name;
const runtime = await nodeRuntime({ workers: 1, threads });
const plain = await runtime.load(readFileSync(model));
const gradient = await runtime.load(
  writeModel(withGradient(source, { wrt: [input], loss: "cross-entropy", table: operators })),
);
const feeds = () => ({ [input]: float32(dims, x.slice()) });
const withLabels = () => ({ ...feeds(), labels: int64([batch], Array.from(labels)) });

async function timed(run) {
  const start = performance.now();
  const answer = await run();
  return [performance.now() - start, answer];
}
const contenders = {
  "ours forward": async () => (await timed(() => plain.run(feeds())))[0],
  "torch forward": async () => (await peer.ask({ do: "time", what: "forward" })).ms,
  "ours forward + input gradient": async () => (await timed(() => gradient.run(withLabels())))[0],
  "torch autograd.grad": async () => (await peer.ask({ do: "time", what: "grad" })).ms,
  "torch .backward()": async () => (await peer.ask({ do: "time", what: "backward" })).ms,
};

const ours = (await gradient.run(withLabels()))[`grad_${input}`].data;
const theirs = (await peer.ask({ do: "values" })).gradient;
// Row by row: where the two sides round a pre-activation to different sides of zero, a ReLU opens on one of them alone, and that row's gradient differs.
const size = ours.length / batch;
const largest = (values) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
const differences = Array.from({ length: batch }, (_, row) => {
  const [mine, other] = [ours, theirs].map((all) => Array.from(all.slice(row * size, (row + 1) * size)));
  return largest(other.map((value, i) => value - mine[i])) / largest(other);
});

const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (const name of Object.keys(contenders)) await contenders[name](); // warm up
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, run] of Object.entries(contenders)) times[name].push(await run());
}
const mine = median(times["ours forward + input gradient"]);
const result = {
  model: options.model === undefined ? "ResNet-18 3x32x32, random weights" : options.model.split("/").at(-1),
  batch,
  threads,
  rounds: Number(options.rounds),
  gradientDifference: { median: median(differences), rowsAbove1e4: differences.filter((value) => value > 1e-4).length },
  medianMs: Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)])),
  ratios: {
    "autograd.grad / ours": median(
      times["torch autograd.grad"].map((value, i) => value / times["ours forward + input gradient"][i]),
    ),
    ".backward() / ours": median(
      times["torch .backward()"].map((value, i) => value / times["ours forward + input gradient"][i]),
    ),
    "ours / own forward": mine / median(times["ours forward"]),
  },
  times,
};
report(result, options.out);
peer.stop();
await runtime.close();
rmSync(folder, { recursive: true });
