/**
 * Makes examples/medical: breast cancer Wisconsin (diagnostic) as scikit-learn ships it, 569 rows, under column names and with a header, split by a seeded draw
 * into rows to train on and rows held out; and a net that our own training graph trained on the former. Seconds on one core.
 *
 *   node scripts/train-medical.mjs --data breast_cancer.csv [--out DIR] [--seed S]
 *
 * The file is `sklearn/datasets/data/breast_cancer.csv` of any installed scikit-learn.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadClassifier, openDataset, Rng, RowSpace, readRowSchema, sha256 } from "../dist/index.js";
import { accuracy, modelRows, trainRowNetwork } from "./row-network.mjs";

const { values: options } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string", default: "examples/medical" },
    seed: { type: "string", default: "1" },
  },
});
if (options.data === undefined) throw new Error("--data breast_cancer.csv: the file of scikit-learn");

const SEED = Number(options.seed);
const HELD_OUT = 0.2;
/** In the order of the file's codes. */
const DIAGNOSES = ["malignant", "benign"];

const schema = JSON.parse(readFileSync("examples/medical/schema.json", "utf8"));
const space = new RowSpace(readRowSchema(schema, "schema.json"));
const bytes = readFileSync(options.data);
// The first line says how many rows and columns there are, and the classes.
const lines = bytes.toString("utf8").trim().split(/\r?\n/).slice(1);
const rows = lines.map((line) => {
  const cells = line.split(",");
  return [...cells.slice(0, -1), DIAGNOSES[Number(cells.at(-1))]];
});
const order = Rng.of(SEED)
  .fold("split")
  .shuffle([...rows.keys()]);
const heldOut = new Set(order.slice(0, Math.round(HELD_OUT * rows.length)));
const table = (chosen) =>
  `${[[...space.fields.map(({ name }) => name), "diagnosis"], ...chosen].map((cells) => cells.join(",")).join("\n")}\n`;
const files = {
  train: table(rows.filter((_, i) => !heldOut.has(i))),
  test: table(rows.filter((_, i) => heldOut.has(i))),
};
mkdirSync(options.out, { recursive: true });
const open = async (name) => {
  const path = join(options.out, `${name}.csv`);
  writeFileSync(path, files[name]);
  return openDataset(`csv:${path}?label=diagnosis`, { rows: space, classes: DIAGNOSES });
};
const [training, test] = [await open("train"), await open("test")];
const net = await trainRowNetwork(await modelRows(training, space), training.labels, {
  classes: DIAGNOSES.length,
  hidden: [16],
  epochs: 60,
  seed: SEED,
});
const path = join(options.out, "cells.onnx");
writeFileSync(path, net);
const classifier = await loadClassifier(path, { features: space.boxes, dims: [space.size], classes: DIAGNOSES });
console.log(`data ${sha256(bytes).slice(0, 16)}`);
console.log(`training: ${await accuracy(classifier, training)}`);
console.log(`held out: ${await accuracy(classifier, test)}`);
await classifier.close();
