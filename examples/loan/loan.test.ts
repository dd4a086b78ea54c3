import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  assess,
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

  it.each([
    ["trees.onnx", "tree-thresholds", { starts: 1 }, 461],
    ["net.onnx", "row-coordinate", { queries: 300, values: 8, restarts: 1 }, 473],
  ] as const)("are decided by %s, mostly right, and a changed field or two mislead it", async (file, name, settings, stated) => {
    const data = await openDataset(`csv:${here}loans.csv?label=decision`, { rows: space });
    const classifier = await loadClassifier(`${here}${file}`, {
      features: space.boxes,
      dims: [space.size],
      classes: ["accept", "reject"],
    });
    expect(classifier.capabilities).toMatchObject(name === "tree-thresholds" ? { trees: true } : { gradient: true });
    const samples = await Promise.all(Array.from({ length: data.length }, (_, i) => data.sample(i)));
    const scores = await classifier.scores({
      data: Float32Array.from(samples.flatMap(({ point }) => [...point])),
      count: samples.length,
    });
    const right = samples.filter(({ label }, i) => label === Number(scores[2 * i + 1]! > scores[2 * i]!)).length;
    expect(Math.abs(right - stated)).toBeLessThanOrEqual(1);
    const definition = findAttack(name);
    const records: SampleRecord[] = [];
    async function* first() {
      yield* samples.slice(0, 16);
    }
    for await (const record of runSamples(first(), {
      classifier,
      threat: fields(2, space),
      profiles: [{ knowledge: definition.knowledge, attacks: [{ definition, settings }] }],
    }))
      records.push(record);
    const found = records.flatMap((record) => record.profiles[0]?.attempts[0]?.found ?? []);
    expect(found.length).toBeGreaterThan(4);
    for (const { point } of found) expect(space.broken(space.levels(point))).toBeNull();
    await classifier.close();
  });

  it("are nothing to warn of because trees have no gradients", async () => {
    const data = await openDataset(`csv:${here}loans.csv?label=decision`, { rows: space });
    const model = await loadClassifier(`${here}trees.onnx`, {
      features: space.boxes,
      dims: [space.size],
      classes: ["accept", "reject"],
    });
    const { result } = await assess({
      model,
      data,
      threats: [fields(2, space)],
      attacks: [findAttack("tree-thresholds")],
      samples: "first:5",
    });
    expect(result.checks.filter(({ status }) => status === "warn")).toEqual([]);
    await model.close();
  });
});
