import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  fields,
  findAttack,
  loadClassifier,
  openDataset,
  RowSpace,
  readRowSchema,
  runSamples,
  type SampleRecord,
} from "../../src/index.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const schema = JSON.parse(readFileSync(`${here}schema.json`, "utf8"));
const space = new RowSpace(readRowSchema(schema, "schema.json"));
const classes = ["malignant", "benign"];
const open = (name: string) => openDataset(`csv:${here}${name}.csv?label=diagnosis`, { rows: space, classes });

describe("breast cancer Wisconsin (diagnostic)", () => {
  it("has its 569 rows, all different, 212 of them malignant, and each keeps the schema", async () => {
    const parts = await Promise.all([open("train"), open("test")]);
    expect(parts.map(({ length }) => length)).toEqual([455, 114]);
    const labels = parts.flatMap((data) => Array.from(data.labels));
    expect(labels.filter((label) => label === 0)).toHaveLength(212);
    const lines = ["train", "test"].flatMap((name) => readFileSync(`${here}${name}.csv`, "utf8").trim().split("\n"));
    // 569 rows, and the same header twice.
    expect(new Set(lines).size).toBe(570);
  });

  it("every rule of the schema can be broken", () => {
    const values = readFileSync(`${here}test.csv`, "utf8").split("\n")[1]!.split(",");
    const clean = Int32Array.from(space.fields, (field, f) => field.parse(values[f]!)!);
    for (const relation of space.schema.relations) {
      // One of its fields at an end of its range breaks it.
      const breaks = relation.fields.flatMap((f) =>
        [0, space.fields[f]!.levels - 1].map((level) => {
          const row = Int32Array.from(clean);
          row[f] = level;
          return !relation.holds(space.values(row) as number[]);
        }),
      );
      expect(breaks, relation.text).toContain(true);
    }
  });

  it("a net is right on held-out rows, and two fields moved by a tenth of their range mislead it on some", async () => {
    const data = await open("test");
    const classifier = await loadClassifier(`${here}cells.onnx`, {
      features: space.boxes,
      dims: [space.size],
      classes,
    });
    expect(classifier.capabilities.gradient).toBe(true);
    const definition = findAttack("row-coordinate");
    const threat = fields(2, space, { within: { linf: 0.1 } });
    const records: SampleRecord[] = [];
    async function* all() {
      for (let i = 0; i < data.length; i++) yield data.sample(i);
    }
    for await (const record of runSamples(all(), {
      classifier,
      threat,
      profiles: [{ knowledge: "score", attacks: [{ definition, settings: { queries: 400, values: 4, restarts: 1 } }] }],
    }))
      records.push(record);
    // 113 where it was trained.
    expect(records.filter(({ status }) => status !== "misclassified").length).toBeGreaterThanOrEqual(111);
    const found = records.flatMap((record) => record.profiles[0]?.attempts[0]?.found ?? []);
    expect(found.length).toBeGreaterThan(0);
    for (const { point } of found) expect(space.broken(space.levels(point))).toBeNull();
    await classifier.close();
  });
});
