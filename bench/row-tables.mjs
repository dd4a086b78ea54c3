/**
 * The tables of docs/rows.md: German credit, Adult and phishing websites, attacked within the schemas of bench/rows. For each a net by our own training graph and a random
 * forest by scikit-learn (bench/peers/forest.py) are trained here; what was made stays in --out and is not made again.
 *
 *   node bench/row-tables.mjs --out FOLDER --python VENV/bin/python [--only german] [--samples 100] [--fields 2] [--data FOLDER]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadClassifier, openDataset, RowSpace, readRowSchema } from "../dist/index.js";
import { accuracy, modelRows, trainRowNetwork } from "../scripts/row-network.mjs";
import { readOptions } from "./peer.mjs";
import { asCsv, TABLES } from "./row-data.mjs";

const options = readOptions({
  out: undefined,
  python: "python3",
  only: Object.keys(TABLES).join(),
  models: "net,forest",
  samples: "100",
  fields: "2",
  data: fileURLToPath(new URL("../../shared/data/tabular", import.meta.url)),
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const ATTACKS = {
  net: "row-gradient,row-exhaustive,row-coordinate",
  forest: "tree-thresholds,tree-exact,row-coordinate",
};
const EPOCHS = { german: 20, adult: 4, phishing: 20 };

console.log(
  "| data | model | right on held-out rows | threat | attacked | right | misled | proved to stand | seconds |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const name of options.only.split(",")) await measure(name);

async function measure(name) {
  const { classes } = TABLES[name];
  const folder = join(options.out, name);
  const inside = (file) => join(folder, file);
  mkdirSync(folder, { recursive: true });
  const { training, heldOut } = TABLES[name].read(options.data);
  writeFileSync(inside("train.csv"), asCsv(TABLES[name], training));
  writeFileSync(inside("test.csv"), asCsv(TABLES[name], heldOut));
  const schema = here(`./rows/${name}.json`);
  const space = new RowSpace(readRowSchema(JSON.parse(readFileSync(schema, "utf8")), schema));
  const open = (file) => openDataset(`csv:${inside(file)}?label=label`, { rows: space, classes });
  const test = await open("test.csv");
  if (!options.models.split(",").every((model) => existsSync(inside(`${model}.onnx`)))) {
    const data = await open("train.csv");
    const rows = await modelRows(data, space);
    const net = { classes: classes.length, hidden: [32, 16], epochs: EPOCHS[name], batch: 64, seed: 1 };
    writeFileSync(inside("net.onnx"), await trainRowNetwork(rows, data.labels, net));
    writeFileSync(inside("rows.csv"), rows.map((row, i) => `${row.join(",")},${data.labels[i]}\n`).join(""));
    execFileSync(options.python, [here("./peers/forest.py"), inside("rows.csv"), inside("forest.onnx")], {
      stdio: "inherit",
    });
  }
  for (const model of options.models.split(",")) {
    const file = inside(`${model}.onnx`);
    const classifier = await loadClassifier(file, { features: space.boxes, dims: [space.size], classes });
    const right = await accuracy(classifier, test);
    await classifier.close();
    for (const fields of options.fields.split(",")) {
      // A run goes on where another was cut short; this one begins anew.
      rmSync(inside(`${model}-${fields}`), { recursive: true, force: true });
      const started = Date.now();
      const spec = ["--data", `csv:${inside("test.csv")}?label=label`, "--classes", classes.join(), "--schema", schema];
      const plan = ["--threat", `fields:${fields}`, "--samples", options.samples, "--attacks", ATTACKS[model]];
      const more = ["--corpus", "none", "--out", inside(`${model}-${fields}`), "--json", "--quiet"];
      const printed = execFileSync(
        process.execPath,
        [here("../dist/cli/main.js"), "assess", "--model", file, ...spec, ...plan, ...more],
        { maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "inherit"] },
      );
      const { clean, threats } = JSON.parse(printed);
      const { unbroken, bracket } = threats[0].robustAccuracy;
      const proved = bracket === undefined ? "-" : Math.round(bracket.certified * clean.of);
      const seconds = Math.round((Date.now() - started) / 1000);
      console.log(
        `| ${name} | ${model} | ${right} | fields:${fields} | ${clean.of} | ${clean.correct} | ${clean.correct - unbroken} | ${proved} | ${seconds} |`,
      );
    }
  }
}
