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
import { loansAsCsv } from "./loans.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const schema = JSON.parse(readFileSync(`${here}schema.json`, "utf8"));
const space = new RowSpace(readRowSchema(schema, "schema.json"));

describe("loans", () => {
  it("are what the generator draws, and keep the schema", async () => {
    expect(readFileSync(`${here}loans.csv`, "utf8")).toBe(loansAsCsv(2, 500));
    const data = await openDataset(`csv:${here}loans.csv?label=decision`, { rows: space });
    expect([data.length, data.classes]).toEqual([500, ["accept", "reject"]]);
  });

  it("are decided by trees that are mostly right, and that a changed field or two mislead", async () => {
    const data = await openDataset(`csv:${here}loans.csv?label=decision`, { rows: space });
    const classifier = await loadClassifier(`${here}trees.onnx`, {
      features: space.boxes,
      dims: [space.size],
      classes: ["accept", "reject"],
    });
    expect(classifier.capabilities.trees).toBe(true);
    const definition = findAttack("tree-thresholds");
    const threat = fields(2, space);
    const records: SampleRecord[] = [];
    async function* first() {
      for (let i = 0; i < 16; i++) yield data.sample(i);
    }
    for await (const record of runSamples(first(), {
      classifier,
      threat,
      profiles: [{ knowledge: "white-box", attacks: [{ definition, settings: { starts: 1 } }] }],
    }))
      records.push(record);
    expect(records.filter(({ status }) => status !== "misclassified").length).toBeGreaterThan(12);
    const found = records.flatMap((record) => record.profiles[0]?.attempts[0]?.found ?? []);
    expect(found.length).toBeGreaterThan(4);
    for (const { point } of found) expect(space.broken(space.levels(point))).toBeNull();
    await classifier.close();
  });
});
