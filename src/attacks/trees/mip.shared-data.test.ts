import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../base/hash.ts";
import type { DataSample } from "../../data/dataset.ts";
import { loadClassifier } from "../../models/load-classifier.ts";
import type { OnnxClassifier } from "../../models/onnx-classifier.ts";
import { linf } from "../../threats/lp.ts";
import { findAttack } from "../registry.ts";
import { runSamples } from "../runner.ts";
import { streamOf } from "../small-net.test.fixture.ts";

// Not part of the repository: see the README. Without it these tests are skipped, and say so.
const root = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const adult = join(root, "tabular", "adult-test.csv.gz");

/** Made by bench/peers/forest_mip.py: a forest of scikit-learn, and distances that a mixed-integer program proved to be the smallest, of 50 rows. */
const fixtures = fileURLToPath(new URL("../../../bench/peers/fixtures", import.meta.url));
const fixture: {
  readonly model: string;
  readonly columns: readonly { column: number; values?: readonly string[]; low?: number; high?: number }[];
  readonly rows: readonly number[];
  readonly labels: readonly number[];
  readonly linf: readonly number[];
} = JSON.parse(readFileSync(join(fixtures, "adult-forest.json"), "utf8"));

function readSamples(): DataSample[] {
  const text = new TextDecoder().decode(new Uint8Array(gunzipSync(new Uint8Array(readFileSync(adult)))));
  const records = text
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 15);
  return fixture.rows.map((row, index) => {
    const point = Float32Array.from(fixture.columns, ({ column, values, low = 0, high = 0 }) => {
      const cell = records[row]![column]!;
      return values === undefined ? (Number(cell) - low) / (high - low) : values.indexOf(cell) / (values.length - 1);
    });
    return { id: String(index), index, point, label: fixture.labels[index]! };
  });
}

describe.skipIf(!existsSync(adult))("a forest of 100 trees on Adult, whose smallest distances a MIP has proved", () => {
  let classifier: OnnxClassifier;
  beforeAll(async () => {
    const bytes = new Uint8Array(readFileSync(join(fixtures, "adult-forest.onnx")));
    expect(sha256(bytes)).toBe(fixture.model);
    classifier = await loadClassifier(bytes, { dims: [fixture.columns.length], label: "forest" });
  });
  afterAll(() => classifier.close());

  async function distances(name: string): Promise<number[]> {
    const definition = findAttack(name);
    const attacks = [{ definition, settings: definition.defaults }];
    const profiles = [{ knowledge: definition.knowledge, attacks }];
    const found: number[] = [];
    for await (const record of runSamples(streamOf(readSamples()), { classifier, threat: linf(1), profiles }))
      found[record.index] = record.profiles[0]!.attempts[0]!.found?.distance ?? Infinity;
    return found;
  }

  it("tree-exact finds them within 1e-6, on every row", async () => {
    const found = await distances("tree-exact");
    expect(found).toHaveLength(fixture.linf.length);
    for (const [i, distance] of found.entries()) expect(Math.abs(distance - fixture.linf[i]!)).toBeLessThan(1e-6);
  }, 120_000);

  it("tree-thresholds is never below them, and on average within a hundredth", async () => {
    const ratios = (await distances("tree-thresholds")).map((distance, i) => distance / fixture.linf[i]!);
    expect(Math.min(...ratios)).toBeGreaterThan(1 - 1e-5);
    expect(ratios.reduce((a, b) => a + b, 0) / ratios.length).toBeLessThan(1.01);
  }, 120_000);
});

it.skipIf(existsSync(adult))(`SKIPPED: no shared data at ${root}`, () => {});
