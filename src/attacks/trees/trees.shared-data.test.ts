import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSample } from "../../data/dataset.ts";
import { openDataset } from "../../data/open.ts";
import { loadClassifier } from "../../models/load-classifier.ts";
import type { OnnxClassifier } from "../../models/onnx-classifier.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { linf } from "../../threats/lp.ts";
import type { SampleRecord } from "../record.ts";
import { findAttack } from "../registry.ts";
import { runSamples } from "../runner.ts";
import { streamOf } from "../small-net.test.fixture.ts";

// Not part of the repository: see the README. Without it these tests are skipped, and say so.
const root = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const trees = join(root, "trees");

/** Exact minimal distances that others computed: by row, inside [0, 1]. */
function exactDistances(): number[] {
  const lines = readFileSync(join(trees, "breast_cancer_rf.exact_linf.csv"), "utf8").trim().split("\n").slice(1);
  return lines.map((line) => Number(line.split(",")[4]));
}

describe.skipIf(!existsSync(trees))("boosted trees whose exact distances are known", () => {
  let runtime: Runtime;
  let classifier: OnnxClassifier;
  let samples: DataSample[];
  const exact = existsSync(trees) ? exactDistances() : [];
  beforeAll(async () => {
    runtime = await nodeRuntime({ workers: 1 });
    const bytes = new Uint8Array(readFileSync(join(trees, "breast_cancer_rf.onnx")));
    classifier = await loadClassifier(bytes, { runtime, dims: [11], label: "trees" });
    const data = await openDataset(`libsvm:${join(trees, "breast_cancer_rf.libsvm")}`);
    samples = await Promise.all(Array.from({ length: data.length }, (_, i) => data.sample(i)));
  });
  afterAll(() => runtime.close());

  async function attack(name: string, epsilon: number, settings: object = {}): Promise<SampleRecord[]> {
    const definition = findAttack(name);
    const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
    const options = { classifier, threat: linf(epsilon), profiles: [{ knowledge: definition.knowledge, attacks }] };
    const records = [];
    for await (const record of runSamples(streamOf(samples), options)) records.push(record);
    return records.sort((a, b) => a.index - b.index).filter(({ status }) => status !== "misclassified");
  }

  it("are classified as published", () => {
    expect(classifier.trees).toMatchObject({ classes: 2, thresholds: expect.any(Number) });
    expect(classifier.capabilities).toEqual({ output: "scores", gradient: false, trees: true });
    expect(classifier.meaning).toBe("probabilities");
  });

  it("tree-exact finds the exact distance of every row", async () => {
    const records = await attack("tree-exact", 1);
    expect(records).toHaveLength(496);
    const differences = records.map(({ index, profiles }) => {
      const { found } = profiles[0]!.attempts[0]!;
      return Math.abs((found?.distance ?? Infinity) - exact[index]!);
    });
    expect(Math.max(...differences)).toBeLessThan(1e-6);
  });

  it("tree-exact proves each row that stands within 0.3, and no other", async () => {
    for (const { index, status, profiles } of await attack("tree-exact", 0.3)) {
      const { exhausted, nearest } = profiles[0]!.attempts[0]!;
      expect(status).toBe(exact[index]! <= 0.3 + 4e-6 ? "fooled" : "resisted");
      expect(exhausted).toBe(status === "resisted" ? true : undefined);
      if (status === "resisted") expect(Math.abs(nearest!.distance - exact[index]!)).toBeLessThan(1e-6);
    }
  });

  /** Rows that lie on a threshold have no ratio. */
  function ratiosOf(records: readonly SampleRecord[]): number[] {
    return records
      .filter(({ index }) => exact[index]! > 1e-6)
      .map(({ index, profiles }) => {
        const { found, nearest } = profiles[0]!.attempts[0]!;
        return ((found ?? nearest)?.distance ?? Infinity) / exact[index]!;
      });
  }
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  it("tree-thresholds is never below the exact distance, and nearly always at it", async () => {
    const ratios = ratiosOf(await attack("tree-thresholds", 1));
    expect(ratios).toHaveLength(488);
    expect(Math.min(...ratios)).toBeGreaterThan(1 - 1e-5);
    expect(mean(ratios)).toBeLessThan(1.01);
  });

  it("by labels alone the mean is within 1.15 of exact, and no row is below it", async () => {
    // So small a ball that the search ends with its budget: what it reports is the nearest point that misled.
    const ratios = ratiosOf(await attack("shrinking-box", 1e-5, { queries: 400 }));
    expect(ratios).toHaveLength(488);
    expect(Math.min(...ratios)).toBeGreaterThan(1 - 1e-5);
    expect(mean(ratios)).toBeLessThan(1.15);
  });
});

it.skipIf(existsSync(trees))(`SKIPPED: no shared data at ${root}`, () => {});
