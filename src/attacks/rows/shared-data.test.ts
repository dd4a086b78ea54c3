import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSample } from "../../data/dataset.ts";
import { RowSpace } from "../../inputs/row/row-space.ts";
import { readRowSchema } from "../../inputs/row/schema.ts";
import { loadClassifier } from "../../models/load-classifier.ts";
import type { OnnxClassifier } from "../../models/onnx-classifier.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { fields } from "../../threats/fields.ts";
import type { SampleRecord } from "../record.ts";
import { findAttack } from "../registry.ts";
import { runSamples } from "../runner.ts";
import { streamOf } from "../small-net.test.fixture.ts";

// Not part of the repository: see the README. Without it these tests are skipped, and say so.
const root = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const trees = join(root, "trees");

/** The rows of a libsvm file: column 0 is always zero. */
function readRows(space: RowSpace): DataSample[] {
  const lines = readFileSync(join(trees, "breast_cancer_rf.libsvm"), "utf8").trim().split("\n");
  return lines.map((line, index) => {
    const [label, ...cells] = line.split(" ");
    const values = new Float32Array(11);
    for (const cell of cells) values[Number(cell.split(":")[0])] = Number(cell.split(":")[1]);
    return { id: String(index), index, point: space.point(space.levels(values)), label: Number(label) };
  });
}

describe.skipIf(!existsSync(trees))("boosted trees of the shared data", () => {
  // The thresholds of the trees all lie between ninths of the range: the original values are 1 to 10.
  const json = {
    schema: "blindspot-rows/1",
    fields: Array.from({ length: 11 }, (_, i) => ({
      name: `f${i}`,
      type: "number",
      min: 0,
      max: 1,
      ...(i === 0 ? { change: "none" } : {}),
      ...(i === 0 || i === 1 ? {} : { step: 1 / 9 }),
      ...(i === 1 ? { step: 1e-4 } : {}),
    })),
  };
  const space = new RowSpace(readRowSchema(json, "trees"));
  let runtime: Runtime;
  let classifier: OnnxClassifier;
  beforeAll(async () => {
    runtime = await nodeRuntime({ workers: 2 });
    const bytes = new Uint8Array(readFileSync(join(trees, "breast_cancer_rf.onnx")));
    classifier = await loadClassifier(bytes, { runtime, features: space.boxes, dims: [11], label: "trees" });
  });
  afterAll(() => runtime.close());

  async function broken(name: string, settings: object): Promise<SampleRecord[]> {
    const definition = findAttack(name);
    const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
    const profiles = [{ knowledge: definition.knowledge, attacks }];
    const threat = fields(1, space);
    const records = [];
    for await (const record of runSamples(streamOf(readRows(space).slice(0, 60)), { classifier, threat, profiles }))
      records.push(record);
    return records.sort((a, b) => a.index - b.index);
  }

  it("exact search breaks all that any other attack breaks, and its first success is confirmed row by row", async () => {
    const exact = await broken("row-exhaustive", { queries: 11_000 });
    const others = await Promise.all([broken("row-coordinate", {}), broken("row-random", {})]);
    const fooled = (records: readonly SampleRecord[]) =>
      records.filter(({ status }) => status === "fooled").map(({ index }) => index);
    for (const other of others) expect(fooled(exact)).toEqual(expect.arrayContaining(fooled(other)));
    expect(
      exact.filter(({ status }) => status === "resisted").map(({ profiles }) => profiles[0]!.attempts[0]!.exhausted),
    ).not.toContain(undefined);
    expect(fooled(exact).length).toBeGreaterThan(10);
    for (const { profiles, label } of exact) {
      const { found } = profiles[0]?.attempts[0] ?? { found: null };
      if (found === null) continue;
      const scores = await classifier.verify(found.point);
      expect(scores.indexOf(Math.max(...scores))).not.toBe(label);
    }
  }, 60_000);
});

it.skipIf(existsSync(trees))(`SKIPPED: no shared data at ${root}`, () => {});
