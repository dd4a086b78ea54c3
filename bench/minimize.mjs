/**
 * Shrinking beside Foolbox's pointwise attack (Schott, Rauber, Bethge, Brendel 2018), from the same starts: dense ones (Square at eps) and sparse ones
 * (salt and pepper, as few pixels as fool). Ours strengthens first (counted), keeps class and margin, and has at most the default budget; pointwise may
 * end in any wrong class, on the boundary. `AsFound` starts where pointwise starts, and keeps two thirds of that start's margin. Then: how many of either's results survive weights of 8 bits, and every pixel one grey level up or down.
 *
 *   node bench/minimize.mjs --python VENV/bin/python --model M.onnx --data SPEC [--range 0,255] [--layout nhwc] [--eps 8/255] [--samples 50] [--workers N] [--kinds dense,sparse] [--keep FOLDER]
 *
 * `--keep`: starts and the peer's answers, which are the same each time, are kept there and not asked for again.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Batcher } from "../dist/attacks/batcher.js";
import {
  float32,
  imageCodec,
  linf,
  loadClassifier,
  nodeRuntime,
  openDataset,
  planProfiles,
  Rng,
  readModel,
  readNpz,
  runSamples,
  sharpImages,
  writeModel,
  writeNpz,
} from "../dist/index.js";
import { judgeOf, minimize, STALL, shrinkingOf, strengthened } from "../dist/minimize/index.js";
import { median, readOptions, report } from "./peer.mjs";

const options = readOptions({
  python: "python3",
  model: undefined,
  data: undefined,
  range: "0,1",
  layout: "nhwc",
  eps: "8/255",
  samples: "50",
  workers: undefined,
  keep: undefined,
  kinds: "dense,sparse",
  out: undefined,
});
const eps = options.eps
  .split("/")
  .map(Number)
  .reduce((a, b) => a / b);
const [low, high] = options.range.split(",").map(Number);
const data = await openDataset(options.data);
const [height, width, channels] = data.dims;
const size = height * width * channels;
const runtime = await nodeRuntime(options.workers === undefined ? {} : { workers: Number(options.workers) });
const load = (source) => loadClassifier(source, { runtime, inputRange: [low, high], dims: data.dims });
const classifier = await load(options.model);
const codec = imageCodec(data.dims, "uint8", sharpImages);
const quantized = await load(writeModel(withByteWeights(readModel(new Uint8Array(readFileSync(options.model))))));

/** Every float weight of two dims or more on 255 even steps, one scale for the whole tensor. */
function withByteWeights(model) {
  for (const value of model.graph.initializers) {
    const tensor = value.constant;
    if (tensor?.dtype !== "float32" || tensor.dims.length < 2) continue;
    const largest = tensor.data.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
    if (largest > 0)
      value.constant = { ...tensor, data: tensor.data.map((w) => (Math.round((127 * w) / largest) * largest) / 127) };
  }
  return model;
}

const classOf = async (model, point) => {
  const scores = await model.verify(point);
  return scores.indexOf(Math.max(...scores));
};
const pixelsChanged = (x, x0) => {
  let count = 0;
  for (let at = 0; at < size; at += channels) {
    let i = 0;
    while (i < channels && x[at + i] === x0[at + i]) i++;
    if (i < channels) count++;
  }
  return count;
};
const valuesChanged = (x, x0) => x.reduce((count, value, i) => count + Number(value !== x0[i]), 0);

async function denseStarts(count) {
  const threat = threatOf("dense");
  const { dims, classes, capabilities } = classifier;
  const context = { threat, dims, classes: classes.length, capabilities, surrogate: false };
  const { profiles } = planProfiles(["square"], null, { set: ["square.queries=5000"] }, context);
  const starts = [];
  // So many at a time, in their order: which ones are found first is a matter of the machine.
  for (let from = 0; from < data.length && starts.length < count; from += count) {
    const found = [];
    async function* stream() {
      for (let i = from; i < Math.min(data.length, from + count); i++) yield data.sample(i);
    }
    for await (const record of runSamples(stream(), { classifier, threat, profiles })) {
      const made = record.profiles[0]?.attempts[0]?.found;
      if (!made) continue;
      const { point: clean, label } = await data.sample(record.index);
      found.push({ index: record.index, clean, label, wrong: made.point });
    }
    starts.push(...found.sort((one, other) => one.index - other.index));
  }
  return starts.slice(0, count);
}

async function sparseStarts(count) {
  const starts = [];
  for (let index = 0; index < data.length && starts.length < count; index++) {
    const { point: clean, label } = await data.sample(index);
    if ((await classOf(classifier, clean)) !== label) continue;
    const rng = Rng.of(index).fold("salt and pepper");
    const order = rng.shuffle(Array.from({ length: height * width }, (_, i) => i));
    const salted = Array.from({ length: size }, () => Number(rng.sign() > 0));
    for (let pixels = 4; pixels <= height * width; pixels = Math.ceil(1.25 * pixels)) {
      const wrong = clean.slice();
      for (const pixel of order.slice(0, pixels))
        for (let i = pixel * channels; i < (pixel + 1) * channels; i++) wrong[i] = salted[i];
      if ((await classOf(classifier, wrong)) === label) continue;
      starts.push({ index, clean, label, wrong });
      break;
    }
  }
  return starts;
}

/** @param strengthen whether the start is first carried well into its class; without it the margin that is kept is two thirds of the start's own */
async function ours(starts, gradient, strengthen = true) {
  const view = { capabilities: { output: "scores", gradient }, meaning: classifier.meaning };
  const judge = judgeOf(view, new Batcher(classifier));
  const { strategy, queries } = shrinkingOf(codec);
  const limits = { queries, stall: STALL };
  return Promise.all(
    starts.map(async ({ index, clean, label, wrong, threat }) => {
      const subject = { id: index.toString(16).padStart(64, "0"), clean, wrong, codec, threat };
      const witness = strengthen ? await strengthened(subject, label, judge, limits) : { point: wrong, queries: 0 };
      const result = await minimize({ ...subject, wrong: witness.point }, label, judge, strategy, limits);
      return {
        point: result.point,
        queries: witness.queries + result.queries + 2,
        witness,
        guarantee: result.guarantee,
      };
    }),
  );
}

/** Shares of points that stay misclassified: by the model with 8-bit weights (where it gets the clean side right), and under eight jitters each. */
async function survival(starts, points) {
  let [kept, of, jittered] = [0, 0, 0];
  for (const [i, point] of points.entries()) {
    const { clean, label, index } = starts[i];
    if ((await classOf(quantized, clean)) === label) {
      of++;
      kept += Number((await classOf(quantized, point)) !== label);
    }
    for (let draw = 0; draw < 8; draw++) {
      const rng = Rng.of(index).fold(draw);
      const x = point.map((value) => Math.min(1, Math.max(0, Math.round(255 * value + rng.sign()) / 255)));
      jittered += Number((await classOf(classifier, x)) !== label) / 8;
    }
  }
  return { byteWeights: kept / of, of, jitter: jittered / points.length };
}

async function summary(starts, results) {
  const points = results.map(({ point }) => point);
  return {
    queries: median(results.map(({ queries }) => queries)),
    mostQueries: Math.max(...results.map(({ queries }) => queries)),
    pixels: median(points.map((point, i) => pixelsChanged(point, starts[i].clean))),
    values: median(points.map((point, i) => valuesChanged(point, starts[i].clean))),
    survives: await survival(starts, points),
  };
}

const folder = options.keep ?? mkdtempSync(join(tmpdir(), "blindspot-bench-"));
mkdirSync(folder, { recursive: true });

/** Asks the peer about starts, unless it was before; what both sides are compared on. */
async function startsAndPeer(kind, make) {
  const [given, back] = ["starts", "points"].map((name) => join(folder, `${kind}-${name}.npz`));
  if (!existsSync(given)) {
    const starts = await make(Number(options.samples));
    const stacked = (pick) => {
      const all = new Float32Array(starts.length * size);
      for (const [i, start] of starts.entries()) all.set(pick(start), i * size);
      return float32([starts.length, ...data.dims], all);
    };
    const numbers = (pick) => float32([starts.length], Float32Array.from(starts, pick));
    const [label, index] = [numbers((s) => s.label), numbers((s) => s.index)];
    writeFileSync(given, writeNpz({ clean: stacked((s) => s.clean), wrong: stacked((s) => s.wrong), label, index }));
  }
  if (!existsSync(back)) {
    const script = fileURLToPath(new URL("peers/pointwise.py", import.meta.url));
    const args = [script, options.model, given, back, String(low), String(high), options.layout];
    const done = spawnSync(options.python, args, { stdio: ["ignore", "inherit", "inherit"] });
    if (done.status !== 0) throw new Error("the peer failed");
  }
  const [held, theirs] = [given, back].map((path) => readNpz(new Uint8Array(readFileSync(path))));
  const starts = Array.from(held.label.data, (label, i) => {
    const [clean, wrong] = [held.clean, held.wrong].map(({ data: all }) => all.slice(i * size, (i + 1) * size));
    return { index: held.index.data[i], clean, label, wrong, threat: threatOf(kind, clean, wrong) };
  });
  return { starts, theirs };
}

/** Sparse starts may change only where they are changed. */
function threatOf(kind, clean, wrong) {
  if (kind === "dense") return linf(eps, { quantize: "uint8" });
  return linf(1, { quantize: "uint8", mask: Uint8Array.from(wrong, (value, i) => Number(value !== clean[i])) });
}

const table = {};
for (const [kind, make] of [
  ["dense", denseStarts],
  ["sparse", sparseStarts],
]) {
  if (!options.kinds.split(",").includes(kind)) continue;
  const { starts, theirs } = await startsAndPeer(kind, make);
  const peer = (unit) =>
    starts.map(({ clean }, i) => ({
      // Foolbox computes in floats: what lies within rounding of the clean value is the clean value.
      point: theirs[unit].data
        .slice(i * size, (i + 1) * size)
        .map((value, at) => (Math.abs(value - clean[at]) < 1e-6 ? clean[at] : value)),
      queries: theirs[`${unit}_queries`].data[i],
    }));
  const withGradient = await ours(starts, true);
  table[kind] = {
    starts: starts.length,
    startPixels: median(starts.map(({ wrong, clean }) => pixelsChanged(wrong, clean))),
    raw: await survival(
      starts,
      starts.map(({ wrong }) => wrong),
    ),
    witness: await survival(
      starts,
      withGradient.map(({ witness }) => witness.point),
    ),
    gradients: await summary(starts, withGradient),
    gradientsAsFound: await summary(starts, await ours(starts, true, false)),
    scores: await summary(starts, await ours(starts, false)),
    scoresAsFound: await summary(starts, await ours(starts, false, false)),
    pointwiseValues: await summary(starts, peer("values")),
    pointwisePixels: await summary(starts, peer("pixels")),
  };
}
if (options.keep === undefined) rmSync(folder, { recursive: true });
await runtime.close();
report({ model: options.model.split("/").at(-1), eps: options.eps, ...table }, options.out);
