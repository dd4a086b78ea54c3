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

function put(source: readonly string[] | Uint8Array): string {
  const path = join(folder, "rows.csv");
  writeFileSync(path, source instanceof Uint8Array ? source : `${source.join("\n")}\n`);
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

async function problemsOf(source: readonly string[] | Uint8Array, query = "?label=decision"): Promise<string[]> {
  const failure = await openDataset(`csv:${put(source)}${query}`, { rows }).catch((error: unknown) => error);
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
      "E_ROW_VALUE income, lines 2, 7: a number from 0 to 10000 without fraction / '2500.5', '?'",
      "E_ROW_VALUE employed, line 3: 0 or 1, false or true, no or yes / 'maybe'",
      "E_ROW_VALUE purpose, line 3: one of car, tv / 'boat'",
      "E_ROW_RELATION line 4: if not employed then income == 0 / rows that break it",
      "E_ROW_VALUE house, line 5: a single 1 among own, rent, else 0 / '1, 1'",
      "E_CSV_COLUMNS line 6: 7 columns / 6",
    ]);
  });

  it("that contradict the schema are listed for each field, however many contradict one of them", async () => {
    const wrong = Array.from({ length: 300 }, (_, i) => `${i},1,-${i + 1},yes,0,tv,accept`);
    expect(await problemsOf([HEADER, ...wrong, "1,1,0,no,0,boat,accept"])).toEqual([
      "E_ROW_VALUE income, lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 290 more: a number from 0 to 10000 without fraction / '-1', '-2', '-3', '-4' and 296 more",
      "E_ROW_VALUE purpose, line 302: one of car, tv / 'boat'",
    ]);
  });

  it("a relation that no row satisfies is named, with the hint that every line breaks it", async () => {
    expect(await problemsOf([HEADER, "1,1,5,no,0,tv,accept", "2,1,7,no,0,car,accept"])).toEqual([
      "E_ROW_RELATION lines 2, 3 (every line): if not employed then income == 0 / rows that break it",
    ]);
  });

  it.each<[string, readonly string[] | Uint8Array, RegExp]>([
    ["ragged lines", [HEADER, "1,1,5,yes,0,tv"], /^E_CSV_COLUMNS line 2: 7 columns \/ 6$/],
    [
      "a quotation mark that never closes",
      [HEADER, '1,1,5,yes,0,"tv,accept'],
      /^E_CSV_FORMAT .*comma-separated values.*[Qq]uote/,
    ],
    ["a quotation mark inside a value", [HEADER, '1,1,5,yes,0,t"v,accept'], /^E_CSV_FORMAT .*[Qq]uote.*line 2/],
    [
      "UTF-16",
      new Uint8Array(Buffer.from(`\ufeff${HEADER}\n1,1,5,yes,0,tv,accept\n`, "utf16le")),
      /^E_DATA_UTF8 line 1: UTF-8 \/ UTF-16/,
    ],
    [
      "UTF-16 without a mark",
      new Uint8Array(Buffer.from(`${HEADER}\n1,1,5,yes,0,tv,accept\n`, "utf16le")),
      /^E_DATA_UTF8 line 1: UTF-8 \/ UTF-16/,
    ],
    [
      "Latin-1",
      new Uint8Array(Buffer.from(`${HEADER}\n1,1,5,yes,0,t\u00e9,accept\n`, "latin1")),
      /^E_DATA_UTF8 line 2: UTF-8/,
    ],
    ["an empty file", new Uint8Array(0), /^E_DATA_EMPTY/],
    ["a header alone", [HEADER], /^E_DATA_EMPTY/],
  ])("are refused as %s, and the message says where", async (_, source, message) => {
    expect((await problemsOf(source)).join("\n")).toMatch(message);
  });

  it("may begin with a byte order mark, end lines in CRLF, and quote values", async () => {
    const text = `\ufeff${HEADER}\r\n7,1,"2500",yes,0,"tv",accept\r\n`;
    const data = await openDataset(`csv:${put(new TextEncoder().encode(text))}?label=decision`, { rows });
    expect((await data.sample(0)).point).toEqual(Float32Array.of(0.25, 1, 1, 0, 1));
  });

  it("with missing values are refused with advice, or left out if that is said", async () => {
    const lines = [HEADER, "1,1,?,yes,0,tv,accept", "?,1,5,yes,0,tv,accept", "3,1,5,yes,0,?,reject"];
    const failure = await openDataset(`csv:${put(lines)}?label=decision`, { rows }).catch((error: unknown) => error);
    expect(String(failure)).toContain("Are these missing? ?missing=? leaves them out");
    // Where a column does not count, nothing is missing.
    const data = await openDataset(`csv:${put(lines)}?label=decision&missing=?`, { rows });
    expect([data.length, (await data.sample(0)).point[0]]).toEqual([1, Math.fround(0.0005)]);
    expect(await problemsOf(lines.slice(0, 2), "?label=decision&missing=?")).toEqual([
      "E_DATA_EMPTY undefined: a line without '?' / none",
    ]);
    const { schema } = await inferRows(`csv:${put(["a,y", "1,0", "?,1", "3,1"])}?label=y&missing=?`);
    expect(schema.fields).toEqual([{ name: "a", type: "integer", min: 1, max: 3 }]);
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
