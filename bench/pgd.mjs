/**
 * PGD-40 through the whole of Blindspot (queries counted, every success verified alone on the original model) against the same attack of
 * torchattacks and Foolbox, in turns on the same cores, with equal settings. Both sides attack all rows, see the same inputs and use equal threads.
 *
 *   node bench/pgd.mjs --python VENV/bin/python --model M.onnx --data SPEC --eps 0.1 --alpha 0.01 [--samples 1000] [--rounds 10]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assess, float32, linf, loadClassifier, nodeRuntime, openDataset, writeNpy } from "../dist/index.js";
import { median, readOptions, report, startPeer } from "./peer.mjs";

const options = readOptions({
  python: "python3",
  model: undefined,
  data: undefined,
  eps: "0.1",
  alpha: "0.01",
  steps: "40",
  samples: "1000",
  rounds: "10",
  range: "0,1",
  nhwc: "no",
  batch: "250",
  out: undefined,
});
const [eps, alpha] = [options.eps, options.alpha].map((text) =>
  text
    .split("/")
    .map(Number)
    .reduce((a, b) => a / b),
);
const count = Number(options.samples);
const steps = Number(options.steps);
const bounds = options.range.split(",").map(Number);
const folder = mkdtempSync(join(tmpdir(), "blindspot-bench-"));
const peer = startPeer(options.python);

const data = await openDataset(options.data);
const [height, width, channels] = data.dims;
const n = Math.min(count, data.length);
const planar = new Float32Array(n * height * width * channels); // the peers want channels first
for (let i = 0; i < n; i++) {
  const { point } = await data.sample(i);
  for (let p = 0; p < height * width; p++)
    for (let c = 0; c < channels; c++) planar[(i * channels + c) * height * width + p] = point[p * channels + c];
}
const inputs = join(folder, "x.npy");
const labels = join(folder, "y.npy");
writeFileSync(inputs, writeNpy(float32([n, channels, height, width], planar)));
writeFileSync(labels, writeNpy(float32([n], Float32Array.from(data.labels.slice(0, n)))));
await peer.ask({ do: "load", model: options.model, inputs, labels, bounds, nhwc: options.nhwc === "yes" });

const runtime = await nodeRuntime();
const classifier = await loadClassifier(options.model, { runtime, inputRange: bounds, dims: data.dims });
async function ours(keep) {
  const start = performance.now();
  const { result } = await assess({
    model: classifier,
    data,
    samples: `first:${n}`,
    threats: [linf(eps, { quantize: "none" })],
    profiles: ["white-box"],
    attacks: ["pgd"],
    overrides: { set: [`pgd.steps=${steps}`, `pgd.stepSize=${alpha}`, `pgd.keep=${keep}`] },
    checks: false,
  });
  const { unbroken, of } = result.threats[0].robustAccuracy;
  return { seconds: (performance.now() - start) / 1e3, misclassified: of - unbroken };
}
const rival = (name) => () => peer.ask({ do: "attack", peer: name, eps, alpha, steps, batch: Number(options.batch) });
const contenders = {
  "ours (stops at success)": () => ours("any"),
  "ours (all steps, last iterate)": () => ours("last"),
  torchattacks: rival("torchattacks"),
  Foolbox: rival("foolbox"),
};
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
const misclassified = {};
for (let round = 0; round <= Number(options.rounds); round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const answer = await run();
    misclassified[name] = answer.misclassified;
    if (round > 0) times[name].push(answer.seconds); // the first round warms up
  }
}
const ratio = (theirs, mine) => median(times[theirs].map((value, i) => value / times[mine][i]));
const result = {
  model: options.model.split("/").at(-1),
  samples: n,
  eps,
  alpha,
  steps,
  rounds: Number(options.rounds),
  misclassified,
  medianSeconds: Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)])),
  ratios: Object.fromEntries(
    ["torchattacks", "Foolbox"].flatMap((theirs) =>
      ["ours (stops at success)", "ours (all steps, last iterate)"].map((mine) => [
        `${theirs} / ${mine}`,
        ratio(theirs, mine),
      ]),
    ),
  ),
  times,
};
report(result, options.out);
peer.stop();
await runtime.close();
rmSync(folder, { recursive: true });
