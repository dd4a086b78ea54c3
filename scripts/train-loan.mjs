/**
 * Makes examples/loan: 500 loans for testing, and two models that learned from 3,000 others: boosted trees, and a net that our own training graph trained. A
 * minute on one core.
 *
 *   node scripts/train-loan.mjs [--out DIR]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadClassifier, openDataset, RowSpace, readRowSchema } from "../dist/index.js";
import { loansAsCsv } from "../examples/loan/loans.mjs";
import { boostedTrees, treesAsOnnx } from "./boosted-trees.mjs";
import { accuracy, modelRows, trainRowNetwork } from "./row-network.mjs";

const { values: options } = parseArgs({ options: { out: { type: "string", default: "examples/loan" } } });
const TRAIN = { seed: 1, count: 3000 };
const TEST = { seed: 2, count: 500 };
const CLASSES = ["accept", "reject"];

const space = new RowSpace(readRowSchema(JSON.parse(readFileSync("examples/loan/schema.json", "utf8")), "schema.json"));
const open = (path) => openDataset(`csv:${path}?label=decision`, { rows: space, classes: CLASSES });
const folder = mkdtempSync(join(tmpdir(), "loans-"));
const path = join(folder, "train.csv");
writeFileSync(path, loansAsCsv(TRAIN.seed, TRAIN.count));
const data = await open(path);
rmSync(folder, { recursive: true });
const rows = await modelRows(data, space);
const trees = boostedTrees(rows, data.labels, { trees: 60, depth: 4 });
const net = await trainRowNetwork(rows, data.labels, {
  classes: CLASSES.length,
  hidden: [32, 16],
  epochs: 40,
  batch: 64,
  peakRate: 5e-3,
  seed: 1,
});
mkdirSync(options.out, { recursive: true });
writeFileSync(join(options.out, "trees.onnx"), treesAsOnnx(trees, space.size));
writeFileSync(join(options.out, "net.onnx"), net);
writeFileSync(join(options.out, "loans.csv"), loansAsCsv(TEST.seed, TEST.count));
const test = await open(join(options.out, "loans.csv"));
for (const name of ["trees.onnx", "net.onnx"]) {
  const classifier = await loadClassifier(join(options.out, name), {
    features: space.boxes,
    dims: [space.size],
    classes: CLASSES,
  });
  console.log(`${name}: ${await accuracy(classifier, test)} of loans that it never saw`);
  await classifier.close();
}
