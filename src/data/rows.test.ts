import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { openDataset } from "./open.ts";
import { inferRows } from "./rows.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-rows-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(lines: readonly string[]): string {
  const path = join(folder, "rows.csv");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "income", type: "integer", min: 0, max: 10000 },
    { name: "employed", type: "boolean" },
    { name: "purpose", type: "category", values: ["car", "tv"] },
    { name: "house", type: "category", values: ["own", "rent"], encoding: "one-hot", columns: ["own", "rent"] },
  ],
  relations: ["if not employed then income == 0"],
  ignore: ["id"],
};
const rows = new RowSpace(readRowSchema(SCHEMA, "s.json"));
const HEADER = "id,rent,income,employed,own,purpose,decision";

async function problemsOf(lines: readonly string[], query = "?label=decision"): Promise<string[]> {
  const failure = await openDataset(`csv:${put(lines)}${query}`, { rows }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BlindspotError);
  return (failure as BlindspotError).problems.map(
    ({ code, where, expected, got }) => `${code} ${where}: ${expected} / ${got}`,
  );
}

describe("rows of a schema", () => {
  it("are read by name, in the order of the schema", async () => {
    const data = await openDataset(
      `csv:${put([HEADER, "7,1,2500,yes,0,tv,accept", "8,0,0,0,1,car,reject"])}?label=decision`,
      {
        rows,
      },
    );
    expect(data).toMatchObject({ modality: "row", dims: [5], naturalQuantize: "none", classes: ["accept", "reject"] });
    expect((await data.sample(0)).point).toEqual(Float32Array.of(0.25, 1, 1, 0, 1));
    expect((await data.sample(1)).point).toEqual(Float32Array.of(0, 0, 0, 1, 0));
  });

  it("that contradict the schema are listed with their lines", async () => {
    expect(
      await problemsOf([
        HEADER,
        "1,1,2500.5,yes,0,tv,accept",
        "2,1,2500,maybe,0,boat,accept",
        "3,1,2500,no,0,tv,accept",
        "4,1,0,no,1,tv,accept",
        "5,1,0,no,0,tv",
        "6,1,?,no,0,tv,accept",
      ]),
    ).toEqual([
      "E_ROW_VALUE line 2, income: a number from 0 to 10000 without fraction / '2500.5'",
      "E_ROW_VALUE line 3, employed: 0 or 1, false or true, no or yes / 'maybe'",
      "E_ROW_VALUE line 3, purpose: one of car, tv / 'boat'",
      "E_ROW_RELATION line 4: if not employed then income == 0 / a row that breaks it",
      "E_ROW_VALUE line 5, house: a single 1 among zeros / '1', '1'",
      "E_CSV_COLUMNS line 6: 7 columns / 6",
      "E_ROW_VALUE line 7, income: a number from 0 to 10000 without fraction / '?'",
    ]);
  });

  it("need a column for each field, and a meaning for each column", async () => {
    expect(await problemsOf(["id,rent,salary,employed,own,decision", "1,1,2,1,0,x"])).toEqual([
      "E_ROW_COLUMN income: a column of the data / none of this name",
      "E_ROW_COLUMN purpose: a column of the data / none of this name",
      "E_ROW_COLUMN salary: a field of the schema, or a name in its `ignore` / neither",
    ]);
    expect(await problemsOf([HEADER, "7,1,2500,yes,0,tv,accept"], "?label=purpose")).toEqual([
      "E_ROW_COLUMN decision: a field of the schema, or a name in its `ignore` / neither",
      "E_ROW_COLUMN purpose: the label or a field / both",
    ]);
  });

  it("come from tables alone", async () => {
    await expect(openDataset("npz:x.npz", { rows })).rejects.toThrowError("E_DATA_KIND");
    await expect(inferRows("folder:x")).rejects.toThrowError("E_DATA_KIND");
  });

  it("give a schema that reads them, without label and group", async () => {
    const path = put(["a,b,who,y", "1,x,p,0", "2.5,z,q,1"]);
    const { schema } = await inferRows(`csv:${path}?label=y&group=who`);
    expect(schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual(["a number", "b category"]);
    const data = await openDataset(`csv:${path}?label=y&group=who`, { rows: new RowSpace(readRowSchema(schema, "s")) });
    expect((await data.sample(1)).point).toEqual(Float32Array.of(1, 1));
  });

  it("give no schema where lines are ragged or names repeat", async () => {
    await expect(inferRows(`csv:${put(["a,b", "1", "1,2"])}`)).rejects.toThrowError("E_CSV_COLUMNS");
    await expect(inferRows(`csv:${put(["a,a", "1,2"])}`)).rejects.toThrowError("each name once");
    await expect(inferRows(`csv:${put(["a,b"])}`)).rejects.toThrowError("E_DATA_EMPTY");
  });
});
