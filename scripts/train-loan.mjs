/**
 * Makes examples/loan: 500 loans for testing and boosted trees that were grown on 3,000 others. A minute on one core.
 *
 *   node scripts/train-loan.mjs [--out DIR]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openDataset, RowSpace, readRowSchema } from "../dist/index.js";
import { loansAsCsv } from "../examples/loan/loans.mjs";
import { boostedTrees, treesAsOnnx } from "./boosted-trees.mjs";

const { values: options } = parseArgs({ options: { out: { type: "string", default: "examples/loan" } } });
const TRAIN = { seed: 1, count: 3000 };
const TEST = { seed: 2, count: 500 };

const space = new RowSpace(readRowSchema(JSON.parse(readFileSync("examples/loan/schema.json", "utf8")), "schema.json"));
const folder = mkdtempSync(join(tmpdir(), "loans-"));
const path = join(folder, "train.csv");
writeFileSync(path, loansAsCsv(TRAIN.seed, TRAIN.count));
const data = await openDataset(`csv:${path}?label=decision`, { rows: space });
rmSync(folder, { recursive: true });
const rows = await Promise.all(
  Array.from({ length: data.length }, async (_, i) =>
    (await data.sample(i)).point.map((x, c) => {
      const { low, high, steps } = space.boxes[c];
      return low + Math.round(x * steps) * ((high - low) / steps);
    }),
  ),
);
const trees = boostedTrees(rows, data.labels, { trees: 60, depth: 4 });
mkdirSync(options.out, { recursive: true });
writeFileSync(join(options.out, "trees.onnx"), treesAsOnnx(trees, space.size));
writeFileSync(join(options.out, "loans.csv"), loansAsCsv(TEST.seed, TEST.count));
