/**
 * Few pixels and labels alone, beside others on the same samples: sigma-zero (minimum norm), Sparse-RS (at K pixels) and RayS (at eps in L-inf).
 * Everything that either side returns is asked of the original model again, alone, and measured by the same code. Medians are over all samples
 * that the model gets right: what was not found counts as infinite, a search without success as more than its budget.
 *
 *   node bench/few-pixels.mjs --python VENV/bin/python --model M.onnx --data SPEC --pixels 10 --eps 0.3 \
 *     --sparse-rs CHECKOUT --rays CHECKOUT [--range 0,255] [--nhwc yes] [--samples 100] [--jsma no]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  float32,
  l0,
  linf,
  loadClassifier,
  nodeRuntime,
  openDataset,
  planProfiles,
  readNpy,
  runSamples,
  writeNpy,
} from "../dist/index.js";
import { median, readOptions, report, startPeer } from "./peer.mjs";

const options = readOptions({
  python: "python3",
  model: undefined,
  data: undefined,
  pixels: "10",
  eps: "0.3",
  range: "0,1",
  nhwc: "no",
  samples: "100",
  jsma: "yes", // slow where there are many values
  steps: "1000",
  scoreQueries: "5000",
  labelQueries: "2000",
  "sparse-rs": undefined,
  rays: undefined,
  out: undefined,
});
const eps = options.eps
  .split("/")
  .map(Number)
  .reduce((a, b) => a / b);
const [pixels, steps] = [Number(options.pixels), Number(options.steps)];
const [scoreQueries, labelQueries] = [Number(options.scoreQueries), Number(options.labelQueries)];
const bounds = options.range.split(",").map(Number);
const data = await openDataset(options.data);
const classifier = await loadClassifier(options.model, {
  runtime: await nodeRuntime(),
  inputRange: bounds,
  dims: data.dims,
});
const predicted = async (point) => {
  const scores = await classifier.verify(point);
  return scores.indexOf(Math.max(...scores));
};
const samples = [];
for (let i = 0; i < Math.min(Number(options.samples), data.length); i++) {
  const sample = await data.sample(i);
  if ((await predicted(sample.point)) === sample.label) samples.push(sample);
}

/** Channels first, as the peers want it, or back. */
const [height, width, channels] = data.dims;
const plane = height * width;
const planar = (point) => Float32Array.from(point, (_, i) => point[(i % plane) * channels + Math.floor(i / plane)]);
const packed = (point) => Float32Array.from(point, (_, i) => point[(i % channels) * plane + Math.floor(i / channels)]);

const folder = mkdtempSync(join(tmpdir(), "blindspot-bench-"));
const [inputs, labels, points] = ["x.npy", "y.npy", "points.npy"].map((name) => join(folder, name));
const size = plane * channels;
const rows = new Float32Array(samples.length * size);
for (const [i, { point }] of samples.entries()) rows.set(planar(point), i * size);
writeFileSync(inputs, writeNpy(float32([samples.length, channels, height, width], rows)));
writeFileSync(
  labels,
  writeNpy(
    float32(
      [samples.length],
      Float32Array.from(samples, ({ label }) => label),
    ),
  ),
);
const peer = startPeer(options.python);
await peer.ask({ do: "load", model: options.model, inputs, labels, bounds, nhwc: options.nhwc === "yes" });

async function theirs(attack, settings) {
  const { queries } = await peer.ask({ do: "search", attack, out: points, eps, pixels, ...settings });
  const found = readNpy(readFileSync(points)).data;
  return samples.map((_, i) => ({
    point: packed(found.subarray(i * size, (i + 1) * size)),
    queries: queries?.[i] ?? null,
  }));
}

async function ours(attack, threat, set) {
  const { dims, classes, capabilities } = classifier;
  const context = { threat, dims, classes: classes.length, capabilities, surrogate: false };
  const { profiles } = planProfiles([attack], null, { set }, context);
  async function* stream() {
    yield* samples;
  }
  const results = [];
  for await (const { index, profiles: outcomes } of runSamples(stream(), { classifier, threat, profiles })) {
    const { found, nearest, queries } = outcomes[0].attempts[0];
    const { point } = found ?? nearest ?? samples.find((sample) => sample.index === index);
    results.push({ index, point, queries: found === null ? Number.POSITIVE_INFINITY : queries });
  }
  return results.sort((a, b) => a.index - b.index);
}

/** Median norm of what really fools, and median queries of what does so within the threat. */
async function measure(results, threat, budget) {
  const norms = [];
  const queries = [];
  for (const [i, { point: given, queries: used }] of results.entries()) {
    const { point: clean, label } = samples[i];
    // What float32 arithmetic left a hair beside the clean value is no change.
    const point = given.map((value, at) => (Math.abs(value - clean[at]) < 1e-6 ? clean[at] : value));
    const fools = point.every((value) => value >= 0 && value <= 1) && (await predicted(point)) !== label;
    const norm = fools ? threat.distance(point, clean) : Number.POSITIVE_INFINITY;
    norms.push(norm);
    queries.push(norm <= threat.epsilon * (1 + 1e-5) + 1e-6 && used <= budget ? used : Number.POSITIVE_INFINITY);
  }
  const finite = (value) => (Number.isFinite(value) ? value : null);
  return {
    found: norms.filter(Number.isFinite).length,
    medianNorm: finite(median(norms)),
    within: queries.filter(Number.isFinite).length,
    medianQueries: finite(median(queries)),
  };
}

const values = l0(0);
const whole = l0(0, { unit: channels });
const sigmaZero = [`sigma-zero.steps=${steps}`];
const table = {};
async function row(name, results, threat, keys, budget = Number.POSITIVE_INFINITY) {
  const measured = await measure(await results, threat, budget);
  table[name] = Object.fromEntries(keys.map((key) => [key, measured[key]]));
  console.error(name, JSON.stringify(table[name]));
}
const NORM = ["found", "medianNorm"];
await row("values: sigma-zero, ours", ours("sigma-zero", values, sigmaZero), values, NORM);
const rivals = {
  "sigma-zero, adversarial-library": "sigma-zero",
  "FMN, adversarial-library": "fmn-l0",
  "VFGA, adversarial-library": "vfga",
  ...(options.jsma === "yes" ? { "JSMA, ART": "jsma" } : {}),
};
const returned = {};
for (const [name, attack] of Object.entries(rivals)) {
  returned[name] = await theirs(attack, { steps });
  await row(`values: ${name}`, returned[name], values, NORM);
}
if (channels > 1) {
  await row("pixels: sigma-zero, ours", ours("sigma-zero", whole, sigmaZero), whole, NORM);
  for (const name of Object.keys(rivals)) await row(`pixels: ${name}`, returned[name], whole, NORM);
}
const few = l0(pixels, { unit: channels });
const SUCCESS = ["within", "medianQueries"];
const budgetOf = (queries) => [`sparse-rs.queries=${queries}`];
await row("Sparse-RS, ours", ours("sparse-rs", few, budgetOf(scoreQueries)), few, SUCCESS, scoreQueries);
const source = options["sparse-rs"];
if (source !== undefined)
  await row(
    "Sparse-RS, the authors'",
    theirs("sparse-rs", { queries: scoreQueries, source }),
    few,
    SUCCESS,
    scoreQueries,
  );
const ball = linf(eps);
const set = [`rays.queries=${labelQueries}`];
await row("RayS, ours: radius", ours("rays", linf(0), set), ball, NORM);
await row("RayS, ours: queries", ours("rays", ball, set), ball, SUCCESS, labelQueries);
const both = [...NORM, ...SUCCESS];
if (options.rays !== undefined)
  await row(
    "RayS, the authors'",
    theirs("rays", { queries: labelQueries, source: options.rays }),
    ball,
    both,
    labelQueries,
  );
await row("HopSkipJump, Foolbox", theirs("hsj-foolbox", { queries: labelQueries }), ball, both, labelQueries);
await row("HopSkipJump, ART", theirs("hsj-art", { queries: labelQueries }), ball, both, labelQueries);
peer.stop();
await classifier.close();
rmSync(folder, { recursive: true });
report(
  {
    model: options.model.split("/").at(-1),
    samples: samples.length,
    pixels,
    eps,
    steps,
    scoreQueries,
    labelQueries,
    table,
  },
  options.out,
);
