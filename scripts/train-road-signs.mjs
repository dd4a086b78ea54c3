/**
 * Trains the two networks of examples/road-signs from scratch: signs are rendered, gradients and optimizer are an ONNX graph, and ONNX Runtime
 * runs it. About ten minutes on two cores. The same seeds give the same images everywhere; the last bits of the weights depend on the processor.
 *
 *   node scripts/train-road-signs.mjs [--out DIR] [--only test|road-signs|surrogate|baselines]
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  cosine,
  float32,
  Graph,
  int64,
  Model,
  nodeRuntime,
  opBuilder,
  operators,
  Rng,
  scalar,
  tensor,
  train,
  withTrainingStep,
  writeModel,
  writeNpz,
} from "../dist/index.js";
import { accuracyOf, nearestCentroid, softmaxRegression } from "../examples/road-signs/baselines.mjs";
import { roadSignNetwork, surrogateNetwork } from "../examples/road-signs/networks.mjs";
import { renderSet, SIZE } from "../examples/road-signs/render.mjs";
import { CLASSES } from "../examples/road-signs/signs.mjs";

const { values: options } = parseArgs({
  options: { out: { type: "string", default: "examples/road-signs" }, only: { type: "string" } },
});

/** Each network has its own images; nobody trains on the test set. */
/** Drawn once the networks and the difficulty were settled: no choice was made by looking at it. */
const TEST = { seed: 2026, count: 800 };
const TASKS = [
  { name: "road-signs", network: roadSignNetwork, seed: 1, count: 20_000, epochs: 14 },
  { name: "surrogate", network: surrogateNetwork, seed: 3, count: 20_000, epochs: 14 },
];
const BATCH = 64;
const PEAK_RATE = 2e-3;
/** Strong enough that the logits stay of ordinary size: with less, half the images have probability 1 in float32. */
const WEIGHT_DECAY = 0.25;
/** Images are shifted by up to so many pixels while training. */
const SHIFT = 2;
const OPSET = 18;

/** @param {(typeof TASKS)[number]["network"]} network @param {Rng} rng */
function untrained(network, rng) {
  const graph = new Graph("road-signs");
  const op = opBuilder(graph, operators);
  // He et al. 2015 (arXiv 1502.01852): variance 2 / inputs keeps the size of signals behind ReLU.
  let drawn = 0;
  const initial = (dims, inputs) => {
    const stream = rng.fold(drawn++);
    const size = dims.reduce((product, dim) => product * dim, 1);
    return float32(
      dims,
      Float32Array.from({ length: size }, () => stream.normal() * Math.sqrt(2 / inputs)),
    );
  };
  const zeros = (size) => float32([size], new Float32Array(size));
  const image = op.input("image", { dtype: "float32", shape: ["N", 3, SIZE, SIZE] });
  const kit = { op, initial, zeros, scalar: (value) => scalar("float32", value) };
  const logits = network(kit, image, CLASSES.length);
  logits.name = "logits";
  op.output(logits);
  return new Model(graph, OPSET);
}

/** Rows as float32 [N, 3, SIZE, SIZE] in 0..1, each moved by (dx, dy) with its border repeated. */
function planes({ images }, rows, shiftOf) {
  const area = SIZE * SIZE;
  const data = new Float32Array(rows.length * 3 * area);
  const inside = (value) => Math.max(0, Math.min(SIZE - 1, value));
  rows.forEach((row, n) => {
    const [dx, dy] = shiftOf();
    for (let pixel = 0; pixel < area; pixel++) {
      const from = inside(Math.floor(pixel / SIZE) + dy) * SIZE + inside((pixel % SIZE) + dx);
      for (let channel = 0; channel < 3; channel++)
        data[(n * 3 + channel) * area + pixel] = images[(row * area + from) * 3 + channel] / 255;
    }
  });
  return float32([rows.length, 3, SIZE, SIZE], data);
}

function labelsOf({ labels }, rows) {
  return int64(
    [rows.length],
    rows.map((row) => labels[row]),
  );
}

async function accuracy(runtime, model, set) {
  const session = await runtime.load(writeModel(model), { replicas: 1 });
  let correct = 0;
  for (let start = 0; start < set.labels.length; start += 128) {
    const rows = Array.from({ length: Math.min(128, set.labels.length - start) }, (_, i) => start + i);
    const { logits } = await session.run({ image: planes(set, rows, () => [0, 0]) });
    rows.forEach((row, i) => {
      const scores = logits.data.subarray(i * CLASSES.length, (i + 1) * CLASSES.length);
      if (scores.indexOf(Math.max(...scores)) === set.labels[row]) correct++;
    });
  }
  await session.close();
  return correct / set.labels.length;
}

/** No half-written file under a final name. */
function save(name, bytes) {
  const path = join(options.out, name);
  writeFileSync(`${path}.tmp`, bytes);
  renameSync(`${path}.tmp`, path);
  console.log(`${path}: ${bytes.length} bytes`);
}

async function trainOne(runtime, { name, network, seed, count, epochs }, test) {
  console.log(`${name}: rendering ${count} signs`);
  const set = renderSet(seed, count);
  const step = withTrainingStep(untrained(network, Rng.of(seed).fold("weights")), {
    table: operators,
    loss: "cross-entropy",
    optimizer: { kind: "adamw", weightDecay: WEIGHT_DECAY },
  });
  const data = {
    count,
    batch: (rows, rng) => ({
      image: planes(set, rows, () => [rng.integer(2 * SHIFT + 1) - SHIFT, rng.integer(2 * SHIFT + 1) - SHIFT]),
      labels: labelsOf(set, rows),
    }),
  };
  const started = Date.now();
  const model = await train({
    step,
    runtime,
    data,
    epochs,
    batch: BATCH,
    schedule: cosine(PEAK_RATE),
    seed,
    onEpoch({ epoch, loss }) {
      console.log(
        `${name}: epoch ${epoch} of ${epochs}, loss ${loss.toFixed(4)}, ${Math.round((Date.now() - started) / 1000)} s`,
      );
    },
  });
  const found = await accuracy(runtime, model, test);
  console.log(`${name}: ${(100 * found).toFixed(2)} % of ${test.labels.length} test images`);
  save(`${name}.onnx`, writeModel(model));
}

/** What simple methods reach with the same images. */
function printBaselines(test) {
  const { seed, count } = TASKS[0];
  const set = renderSet(seed, count);
  const rows = [...set.labels.keys()];
  const order = (epoch) => Rng.of(seed).fold("baseline").fold(epoch).shuffle(rows);
  const print = (name, scores) =>
    console.log(`${name}: ${(100 * accuracyOf(scores, test)).toFixed(2)} % of ${TEST.count} test images`);
  print("nearest centroid", nearestCentroid(set, CLASSES.length));
  print("softmax regression", softmaxRegression(set, CLASSES.length, 10, order));
}

const wanted = (part) => options.only === undefined || options.only === part;
mkdirSync(options.out, { recursive: true });
const test = renderSet(TEST.seed, TEST.count);
if (wanted("test")) {
  const x = tensor("uint8", [TEST.count, SIZE, SIZE, 3], test.images);
  save("test.npz", writeNpz({ x, y: int64([TEST.count], test.labels) }));
  save("classes.txt", Buffer.from(`${CLASSES.join("\n")}\n`));
}
// One thread: steps are small, and a second one mostly waits.
const runtime = await nodeRuntime({ workers: 1, threads: 1 });
for (const task of TASKS) if (wanted(task.name)) await trainOne(runtime, task, test);
await runtime.close();
if (wanted("baselines")) printBaselines(test);
