import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { assess } from "../assess.ts";
import type { Result } from "../schema.ts";
import { checksPage, statusOf } from "./page.test.fixture.ts";
import { PLANTED, type Planted, plant } from "./planted.test.fixture.ts";
import { MODEL_CHECKS, THREAT_CHECKS } from "./table.ts";

const IDS = [...MODEL_CHECKS, ...THREAT_CHECKS].map(({ id }) => id);
/** What every finished run of a model with a graph has to say nothing about. */
const SILENT = ["model"];

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
});
afterAll(() => runtime.close());

const results = new Map<Planted, Promise<Result>>();
function resultOf(row: Planted): Promise<Result> {
  const result = results.get(row) ?? plant(row, runtime).then(async (options) => (await assess(options)).result);
  results.set(row, result);
  return result;
}

describe("checks on planted models", () => {
  it.each(PLANTED.filter(({ trips }) => trips.length > 0))("$name: $trips", async (row) => {
    const result = await resultOf(row);
    const tripped = result.checks.filter(({ status }) => status === "warn" || status === "fail");
    expect(tripped.map(({ id }) => id)).toEqual(expect.arrayContaining([...row.trips]));
    for (const check of tripped) expect(check.try, check.id).toBeTruthy();
    if (tripped.some(({ status }) => status === "fail")) expect(result.badge).toBe("E0");
  });

  it("pass on an honest one, each of them", async () => {
    const result = await resultOf(PLANTED.find(({ name }) => name === "honest")!);
    expect(IDS.filter((id) => !SILENT.includes(id)).map((id) => [id, statusOf(result, id)])).toEqual(
      IDS.filter((id) => !SILENT.includes(id)).map((id) => [id, "pass"]),
    );
    expect(statusOf(result, "model")).toBeUndefined();
  });

  it.each(PLANTED.filter(({ passes }) => passes !== undefined))("$name: $passes pass", async (row) => {
    const result = await resultOf(row);
    expect(row.passes!.map((id) => [id, statusOf(result, id)])).toEqual(row.passes!.map((id) => [id, "pass"]));
  });

  it("each have a model that trips them", () => {
    const tripped = new Set(PLANTED.flatMap(({ trips }) => trips));
    expect(IDS.filter((id) => !tripped.has(id))).toEqual([]);
  });

  it("are told in docs/checks.md", async () => {
    const rows = await Promise.all(PLANTED.map(async (planted) => ({ planted, result: await resultOf(planted) })));
    const page = fileURLToPath(new URL("../../../docs/checks.md", import.meta.url));
    await expect(checksPage(rows)).toMatchFileSnapshot(page);
  });
});
