/**
 * How fast rows are searched: every change of at most K fields of German credit (the amount held fast), on boosted trees that are trained here, by scores (each candidate is a
 * query) and by reading the trees (candidates between the same thresholds are one).
 *
 *   node bench/rows.mjs [--data FILE] [--fields 2] [--rows 1000] [--trees 100] [--depth 4]
 *
 * German credit, UCI (german.data, 1,000 lines), as CSV without a header.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  fields,
  findAttack,
  inferSchema,
  loadClassifier,
  nodeRuntime,
  openDataset,
  RowSpace,
  readRowSchema,
  runSamples,
} from "../dist/index.js";
import { boostedTrees, treesAsOnnx } from "../scripts/boosted-trees.mjs";
import { readOptions } from "./peer.mjs";

const options = readOptions({
  data: fileURLToPath(new URL("../../shared/data/tabular/german.csv", import.meta.url)),
  fields: "2",
  rows: "1000",
  trees: "100",
  depth: "4",
});
const AMOUNT = 4;
const lines = readFileSync(options.data, "utf8")
  .trim()
  .split("\n")
  .map((line) => line.split(","));
const names = lines[0].slice(0, -1).map((_, i) => String(i));
const { schema } = inferSchema(
  names,
  lines.map((line) => line.slice(0, -1)),
);
schema.fields[AMOUNT].change = "none";
const space = new RowSpace(readRowSchema(schema, "german"));
const data = await openDataset(`csv:${options.data}?header=no&label=-1`, { rows: space, classes: ["1", "2"] });
const samples = await Promise.all(Array.from({ length: Number(options.rows) }, (_, i) => data.sample(i)));

/** The numbers that the model takes. */
const inUnits = ({ point }) =>
  point.map((x, i) => {
    const { low, high, steps } = space.boxes[i];
    return low + Math.round(x * steps) * ((high - low) / steps);
  });
const rows = samples.map(inUnits);
const labels = samples.map(({ label }) => label);
const bytes = treesAsOnnx(
  boostedTrees(rows, labels, { trees: Number(options.trees), depth: Number(options.depth) }),
  space.size,
);
const runtime = await nodeRuntime();
const classifier = await loadClassifier(bytes, { runtime, features: space.boxes, dims: [space.size], label: "trees" });
console.log(classifier.notes.join("; "));

const threat = fields(Number(options.fields), space);
/** All legal rows with 1 to K changed fields, however many: by elementary symmetric polynomials. */
const candidates = samples.reduce((total, { point }) => {
  const clean = space.levels(point);
  const sums = [1, ...new Array(Number(options.fields)).fill(0)];
  for (const f of threat.rows.free) {
    const choices = threat.rows.options(f, clean[f], Number.POSITIVE_INFINITY).length;
    for (let k = sums.length - 1; k > 0; k--) sums[k] += sums[k - 1] * choices;
  }
  return total + sums.slice(1).reduce((a, b) => a + b, 0);
}, 0);
console.log(`${samples.length} rows, ${candidates} candidates with at most ${options.fields} changed fields`);

/** A model that runs as it is, and whose answers are then replaced by "as before": nothing ends the search early. */
const stubborn = {
  classes: classifier.classes,
  dims: classifier.dims,
  capabilities: { output: "scores", gradient: false },
  maxBatch: classifier.maxBatch,
  concurrency: classifier.concurrency,
  notes: [],
  problems: [],
  scores: async (rows) => {
    const scores = await classifier.scores(rows);
    for (let i = 0; i < scores.length; i++) scores[i] = 1 - (i % 2);
    return scores;
  },
  gradient: () => Promise.reject(new Error("none")),
  verify: async () => Float32Array.of(1, 0),
  close: async () => {},
};

async function time(name, settings, model, among) {
  const definition = findAttack(name);
  const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
  const start = performance.now();
  const before = process.cpuUsage();
  let [queries, fooled, proved, right] = [0, 0, 0, 0];
  for await (const { status, profiles } of runSamples(stream(among), {
    classifier: model,
    threat,
    profiles: [{ knowledge: definition.knowledge, attacks }],
  })) {
    const attempt = profiles[0]?.attempts[0];
    queries += attempt?.queries ?? 0;
    right += Number(status !== "misclassified");
    fooled += Number(status === "fooled");
    proved += Number(attempt?.exhausted === true);
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6;
  const decided = (candidates * right) / samples.length;
  console.log(
    `${name}: ${seconds.toFixed(1)} s (${cpu.toFixed(1)} s of processor time); ${right} rows right, ${fooled} misled, ${proved} proved to stand; ${queries} queries of the model, ${Math.round(queries / seconds)} a second; ` +
      `about ${Math.round(decided)} candidates decided, ${Math.round(decided / seconds)} a second, ${Math.round(decided / cpu)} in a second of one core`,
  );
}

async function* stream(items) {
  yield* items;
}

await time("tree-exact", { starts: 1 }, classifier, samples);
await time(
  "row-exhaustive",
  { queries: 1_000_000 },
  stubborn,
  samples.map((sample) => ({ ...sample, label: 0 })),
);
await runtime.close();
