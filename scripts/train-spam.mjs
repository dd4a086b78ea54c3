/**
 * Trains the spam filter of examples/spam from scratch on the SMS Spam Collection (5,574 messages, CC BY 4.0; `LABEL TAB TEXT` a line, not part of this
 * repository): vocabulary, gradients and optimizer are ours, and ONNX Runtime runs them. A minute on one core.
 *
 *   node scripts/train-spam.mjs --data sms_spam.tsv [--out DIR] [--seed S]
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  cosine,
  float32,
  Graph,
  int64,
  int64Vector,
  Model,
  nodeRuntime,
  opBuilder,
  openClassifier,
  operators,
  Rng,
  scalar,
  sha256,
  train,
  withTrainingStep,
  writeModel,
} from "../dist/index.js";
import { textPoint } from "../dist/inputs/index.js";
import { TextTokenizer } from "../dist/models/text/tokenizer.js";
import { CLASSES, readMessages, split } from "../examples/spam/messages.mjs";
import { spamNetwork } from "../examples/spam/network.mjs";
import { tokenizerFor } from "../examples/spam/vocabulary.mjs";

const { values: options } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string", default: "examples/spam" },
    seed: { type: "string", default: "1" },
  },
});
if (options.data === undefined)
  throw new Error("--data sms_spam.tsv: the SMS Spam Collection, one LABEL TAB TEXT a line");

const SEED = Number(options.seed);
const SIZES = { words: 2000, pieces: 1500, least: 3 };
const MAX_TOKENS = 160;
const EPOCHS = 12;
const BATCH = 64;
const PEAK_RATE = 3e-3;
const WEIGHT_DECAY = 0.1;
const DROPOUT = 0.3;
/** Share of tokens that training hides behind [UNK], so that the net does not hang on single words. */
const HIDDEN_TOKENS = 0.1;
const UNKNOWN = 1;

/** With dropout for training; without, and free of it, for use. */
function network(vocabulary, dropout) {
  const graph = new Graph("spam");
  const op = opBuilder(graph, operators);
  let drawn = 0;
  const rng = Rng.of(SEED).fold("weights");
  const initial = (dims, deviation) => {
    const stream = rng.fold(drawn++);
    const size = dims.reduce((product, dim) => product * dim, 1);
    return float32(
      dims,
      Float32Array.from({ length: size }, () => stream.normal() * deviation),
    );
  };
  spamNetwork(
    {
      op,
      initial,
      zeros: (size) => float32([size], new Float32Array(size)),
      axes: (...axes) => int64Vector(axes),
      number: (value) => scalar("float32", value),
    },
    vocabulary,
    dropout,
  );
  return new Model(graph, 18);
}

/** Ids of some messages, padded to the longest of them. */
function batchOf(tokens, rows, idOf) {
  const longest = Math.max(1, ...rows.map((row) => tokens[row].length));
  const ids = new BigInt64Array(rows.length * longest);
  const mask = new BigInt64Array(rows.length * longest);
  rows.forEach((row, n) => {
    tokens[row].forEach((id, i) => {
      ids[n * longest + i] = BigInt(idOf(id));
      mask[n * longest + i] = 1n;
    });
  });
  const dims = [rows.length, longest];
  return { input_ids: { dtype: "int64", dims, data: ids }, attention_mask: { dtype: "int64", dims, data: mask } };
}

/** No half-written file under a final name. */
function save(name, bytes) {
  const path = join(options.out, name);
  writeFileSync(`${path}.tmp`, bytes);
  renameSync(`${path}.tmp`, path);
  console.log(`${path}: ${bytes.length} bytes`);
}

/** As it is deployed: the file and the tokenizer beside it. */
async function accuracy(runtime, messages) {
  const classifier = await openClassifier(join(options.out, "spam.onnx"), { runtime, classes: CLASSES });
  const size = Math.max(...messages.map(({ text }) => Array.from(text).length));
  const data = new Float32Array(messages.length * size);
  messages.forEach(({ text }, i) => {
    data.set(textPoint(text, size), i * size);
  });
  const scores = await classifier.scores({ data, count: messages.length });
  const predicted = messages.map((_, i) => Number(scores[2 * i + 1] > scores[2 * i]));
  const counts = CLASSES.map((_, label) => {
    const of = messages.filter((message) => message.label === label).length;
    const right = messages.filter((message, i) => message.label === label && predicted[i] === label).length;
    return `${right} of ${of} ${CLASSES[label]}`;
  });
  await classifier.close();
  const right = messages.filter(({ label }, i) => predicted[i] === label).length;
  return `${((100 * right) / messages.length).toFixed(2)} % of ${messages.length} (${counts.join(", ")})`;
}

const { training, test } = split(readMessages(options.data), (groups) => Rng.of(SEED).fold("split").shuffle(groups));
const json = tokenizerFor(
  training.map(({ text }) => text),
  SIZES,
  MAX_TOKENS,
);
const vocabulary = Object.keys(json.model.vocab).length;
console.log(`${training.length} messages to train on, ${test.length} held out; ${vocabulary} tokens`);
const tokenizer = new TextTokenizer({ json, config: null, sha256: "" }, "tokenizer.json");
const tokens = training.map(({ text }) => tokenizer.tokens(text).ids);
const step = withTrainingStep(network(vocabulary, DROPOUT), {
  table: operators,
  loss: "cross-entropy",
  optimizer: { kind: "adamw", weightDecay: WEIGHT_DECAY },
});
// One thread: steps are small, and a second one mostly waits.
const runtime = await nodeRuntime({ workers: 1, threads: 1 });
const started = Date.now();
const trained = await train({
  step,
  runtime,
  data: {
    count: training.length,
    batch: (rows, rng) => ({
      ...batchOf(tokens, rows, (id) => (rng.uniform() < HIDDEN_TOKENS ? UNKNOWN : id)),
      labels: int64(
        [rows.length],
        rows.map((row) => training[row].label),
      ),
    }),
  },
  epochs: EPOCHS,
  batch: BATCH,
  schedule: cosine(PEAK_RATE),
  seed: SEED,
  onEpoch({ epoch, loss }) {
    console.log(`epoch ${epoch} of ${EPOCHS}, loss ${loss.toFixed(4)}, ${Math.round((Date.now() - started) / 1000)} s`);
  },
});
save("spam.onnx", writeModel(trained));
save("tokenizer.json", Buffer.from(`${JSON.stringify(json)}\n`));
console.log(`training data ${sha256(readFileSync(options.data)).slice(0, 16)}`);
console.log(`training: ${await accuracy(runtime, training)}`);
console.log(`held out: ${await accuracy(runtime, test)}`);
console.log(`our own:  ${await accuracy(runtime, readMessages(join(options.out, "messages.tsv")))}`);
await runtime.close();
