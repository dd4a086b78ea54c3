/**
 * What the runner costs beside the passes that it makes: PGD through the runner against the same number of rows sent to the same classifier in
 * full batches by a bare loop, in turns. And memory while the number of samples grows.
 *
 *   node bench/overhead.mjs --model M.onnx --data SPEC --eps 0.1 [--range 0,255] [--samples 1000] [--steps 40] [--rounds 10]
 */
import { linf, loadClassifier, nodeRuntime, openDataset, pgd, runSamples } from "../dist/index.js";
import { median, readOptions, report } from "./peer.mjs";

const options = readOptions({
  model: undefined,
  data: undefined,
  eps: "0.1",
  range: "0,1",
  samples: "1000",
  steps: "40",
  rounds: "10",
  out: undefined,
});
const eps = options.eps
  .split("/")
  .map(Number)
  .reduce((a, b) => a / b);
const steps = Number(options.steps);
const data = await openDataset(options.data);
const n = Math.min(Number(options.samples), data.length);
const runtime = await nodeRuntime();
const classifier = await loadClassifier(options.model, {
  runtime,
  dims: data.dims,
  inputRange: options.range.split(",").map(Number),
});
const size = data.dims.reduce((a, b) => a * b, 1);
const attack = { definition: pgd, settings: { ...pgd.defaults, steps, keep: "last" } };

async function* samples(count) {
  for (let i = 0; i < count; i++) yield data.sample(i);
}

async function throughRunner(count) {
  let rows = { forward: 0, gradients: 0 };
  let peak = 0;
  const start = performance.now();
  const profiles = [{ knowledge: "white-box", attacks: [attack] }];
  for await (const _ of runSamples(samples(count), {
    classifier,
    threat: linf(eps, { quantize: "none" }),
    profiles,
    onProgress: ({ forwardRows, gradientRows, verifications }) => {
      rows = { forward: forwardRows - gradientRows, gradients: gradientRows, verifications };
    },
  }))
    peak = Math.max(peak, process.memoryUsage().rss);
  return { ms: performance.now() - start, rows, peak };
}

/** The same rows, with nothing between the passes. */
async function bare({ forward, gradients, verifications }) {
  const batch = classifier.maxBatch;
  const labels = new Int32Array(batch);
  const start = performance.now();
  const passes = [
    ...Array.from({ length: Math.ceil(gradients / batch) }, () => "gradient"),
    ...Array.from({ length: Math.ceil(forward / batch) }, () => "scores"),
    ...Array.from({ length: verifications }, () => "verify"),
  ];
  const lanes = Array.from({ length: classifier.concurrency + 1 }, async () => {
    for (let kind = passes.pop(); kind !== undefined; kind = passes.pop()) {
      const rows = () => ({ data: new Float32Array(batch * size), count: batch });
      if (kind === "gradient") await classifier.gradient(rows(), "cross-entropy", labels);
      else if (kind === "scores") await classifier.scores(rows());
      else await classifier.verify(new Float32Array(size));
    }
  });
  await Promise.all(lanes);
  return performance.now() - start;
}

const { rows } = await throughRunner(n); // warms up, and counts the rows
await bare(rows);
const times = { runner: [], bare: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  times.runner.push((await throughRunner(n)).ms);
  times.bare.push(await bare(rows));
}
const memory = {};
for (const count of [Math.floor(data.length / 10), data.length])
  memory[count] = Math.round((await throughRunner(count)).peak / 2 ** 20);
const result = {
  model: options.model.split("/").at(-1),
  samples: n,
  steps,
  rows,
  batch: classifier.maxBatch,
  medianMs: { runner: median(times.runner), bare: median(times.bare) },
  overhead: median(times.runner.map((value, i) => value / times.bare[i])) - 1,
  peakMiB: memory,
  times,
};
report(result, options.out);
await runtime.close();
