/**
 * What the runner costs beside the passes that it makes.
 * - `share`: processor time of the main thread over that of the other threads (the sessions'): for the bare loop below, for an attack that only
 *   asks, and for PGD. `ownShare`, the second less the first, is the runner's own: packing, queues, promises, counting. Linux only.
 * - `overhead`: PGD through the runner against the same number of rows sent to the same classifier in full batches by a bare loop, in turns,
 *   by the clock. On two cores the main thread takes turns with the sessions.
 * - `peakMiB`: memory while the number of samples grows.
 *
 *   node bench/overhead.mjs --model M.onnx --data SPEC --eps 0.1 [--range 0,255] [--samples 1000] [--steps 40] [--rounds 10]
 */
import { readdirSync, readFileSync } from "node:fs";
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
const pgdAttack = { definition: pgd, settings: { ...pgd.defaults, steps, keep: "last" } };

async function* samples(count) {
  for (let i = 0; i < count; i++) yield data.sample(i);
}

/** Asks for as many gradients as PGD does, and computes nothing. */
const onlyAsks = {
  definition: {
    ...pgd,
    name: "only-asks",
    defaults: {},
    async run(sample) {
      for (let i = 0; i < steps; i++) await sample.gradient(sample.x0, "cross-entropy", { judge: false });
      await sample.scores(sample.x0, { judge: false });
    },
  },
  settings: {},
};

/** Processor time so far, in ms: of this thread, and of all others of the process. */
function threadTimes() {
  const times = { main: 0, others: 0 };
  for (const id of readdirSync("/proc/self/task")) {
    const ms = Number(readFileSync(`/proc/self/task/${id}/schedstat`, "utf8").split(" ")[0]) / 1e6;
    if (Number(id) === process.pid) times.main += ms;
    else times.others += ms;
  }
  return times;
}

async function shareOf(work) {
  const before = threadTimes();
  await work();
  const after = threadTimes();
  return (after.main - before.main) / (after.others - before.others);
}

async function throughRunner(count, attack = pgdAttack) {
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
const shares = { bare: [], onlyAsks: [], pgd: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  times.runner.push((await throughRunner(n)).ms);
  times.bare.push(await bare(rows));
  if (process.platform !== "linux") continue;
  shares.bare.push(await shareOf(() => bare(rows)));
  shares.onlyAsks.push(await shareOf(() => throughRunner(n, onlyAsks)));
  shares.pgd.push(await shareOf(() => throughRunner(n)));
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
  ownShare: median(shares.onlyAsks.map((value, i) => value - shares.bare[i])),
  share: { bare: median(shares.bare), onlyAsks: median(shares.onlyAsks), pgd: median(shares.pgd) },
  peakMiB: memory,
  times,
  shares,
};
report(result, options.out);
await runtime.close();
