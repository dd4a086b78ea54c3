import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openDataset } from "../../data/open.ts";
import { RowSpace } from "../../inputs/row/row-space.ts";
import { readRowSchema } from "../../inputs/row/schema.ts";
import { relationsCheck } from "./relations.ts";

const folder = mkdtempSync(join(tmpdir(), "blindspot-relations-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "rows.csv");
writeFileSync(path, "a,b,y\n1,2,0\n3,4,1\n");

it.each<[readonly string[], string | null, RegExp]>([
  [[], null, /^$/],
  [["a < b"], "pass", /^1 relations, and each is broken by some change$/],
  [["a < b", "a >= 0", "b <= 9"], "warn", /^of 3 relations, no change that was tried breaks `a >= 0`, `b <= 9`$/],
])("relations %o: %s", async (relations, status, detail) => {
  const fields = ["a", "b"].map((name) => ({ name, type: "integer", min: 0, max: 9 }));
  const rows = new RowSpace(readRowSchema({ schema: "blindspot-rows/1", fields, relations }, "s.json"));
  const data = await openDataset(`csv:${path}?label=y`, { rows });
  const [check] = await relationsCheck(data, [0, 1]);
  expect(check?.status ?? null).toBe(status);
  expect(check?.detail ?? "").toMatch(detail);
});
