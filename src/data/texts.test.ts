import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textOf } from "../inputs/text/code-points.ts";
import { openDataset } from "./open.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-texts-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(content: string | Uint8Array): string {
  const path = join(folder, "texts");
  writeFileSync(path, content);
  return path;
}

async function read(spec: string): Promise<{ texts: string[]; labels: number[]; classes: readonly string[] | null }> {
  const data = await openDataset(spec);
  const samples = await Promise.all(Array.from({ length: data.length }, (_, i) => data.sample(i)));
  expect(data.modality).toBe("text");
  expect(samples.every(({ point }) => point.length === data.dims[0])).toBe(true);
  return {
    texts: samples.map(({ point }) => textOf(point)),
    labels: samples.map(({ label }) => label),
    classes: data.classes,
  };
}

const errorOf = (spec: string) =>
  openDataset(spec).then(
    () => "no error",
    (error: Error) => error.message,
  );

describe("texts of tables", () => {
  it("are taken as they stand: blanks, quotation marks and letters that look alike", async () => {
    const lines = ['ham\t"He said', "spam\t  two  blanks ", "ham\tcaf\u00e9 cafe\u0301 \u{1F600}\u200b"];
    expect(await read(`tsv:${put(`${lines.join("\n")}\n`)}?header=no&label=0&text=1&quote=none`)).toEqual({
      texts: ['"He said', "  two  blanks ", "caf\u00e9 cafe\u0301 \u{1F600}\u200b"],
      labels: [0, 1, 0],
      classes: ["ham", "spam"],
    });
  });

  it("have room for what is inserted", async () => {
    const data = await openDataset(`tsv:${put("a\tfive!\n")}?header=no&label=0&text=-1`);
    expect(data.dims).toEqual([5 + 256]);
  });

  it("come from CSV with quotation and a header, groups, and without what is missing", async () => {
    const path = put('id,body,kind,thread\n1,"a, ""b""\nc",x,t1\n2,?,y,t2\n3,?d,?,t2\n4, d ,y,t3\n');
    const spec = `csv:${path}?text=body&label=kind&group=thread&missing=?`;
    expect(await read(spec)).toMatchObject({ texts: ['a, "b"\nc', " d "], classes: ["x", "y"] });
    expect((await openDataset(spec)).groups).toEqual(["t1", "t3"]);
    expect((await read(`${spec}&trim=yes`)).texts[1]).toBe("d");
  });

  it("come from JSON Lines", async () => {
    const path = put('{"t":"one","y":1}\n\n{"y":"0","t":"a\\ttab","more":[]}\n');
    expect(await read(`jsonl:${path}?text=t&label=y`)).toEqual({
      texts: ["one", "a\ttab"],
      labels: [1, 0],
      classes: null,
    });
  });

  it.each([
    ["not UTF-8", Uint8Array.of(0x61, 9, 0x62, 10, 0x61, 9, 0xe9, 10), "", /E_DATA_UTF8 .*line 2.*iconv/],
    ["ragged", "a\tb\na\tb\tc\n", "", /E_CSV_COLUMNS .*line 2: expected 2 columns, got 3/],
    ["without a label", "a\tb\n\tc\n", "", /E_DATA_LABEL .*line 2.*missing=/],
    ["wrongly quoted", 'a\t"b" c\n', "&quote=double", /E_CSV_FORMAT .*line 1.*quote=none/s],
    ["quoted without an end", 'a\tb\nc\t"d\ne\tf\n', "", /E_CSV_FORMAT .*line \d.*quote=none/s],
    ["with U+0000", "a\tb\na\tc\0d\n", "", /E_DATA_TEXT .*line 2, code point 1.*U\+0000/],
    ["too long", `a\tb\na\t${"x".repeat(16_385)}\n`, "", /E_DATA_TEXT .*line 2.*at most 16384 code points, got 16385/],
    ["of nothing", "\n\n", "", /E_DATA_EMPTY/],
  ])("%s are an error that names the line", async (_, content, query, message) => {
    expect(await errorOf(`tsv:${put(content)}?header=no&label=0&text=1${query}`)).toMatch(message);
  });

  it.each([
    ["no JSON", '{"t":"a","y":1}\nnothing\n', /E_JSONL .*line 2: expected a JSON object/],
    ["no object", '["t"]\n', /line 1: expected a JSON object/],
    ["no text", '{"t":5,"y":1}\n', /line 1: expected a string 't'/],
    ["a missing label", '{"t":"a"}\n', /line 1: expected a name or number 'y'/],
    [
      "half a surrogate pair",
      '{"t":"a","y":1}\n{"t":"\\ud800","y":1}\n',
      /E_DATA_TEXT .*line 2, code point 0.*U\+D800/,
    ],
  ])("JSON Lines with %s is an error that names the line", async (_, content, message) => {
    expect(await errorOf(`jsonl:${put(content)}?text=t&label=y`)).toMatch(message);
  });

  it.each([
    ["tsv:FILE?header=no&label=0&text=7", /E_DATA_SPEC .*text: expected a column: 0, 1, got '7'/],
    ["tsv:FILE?header=no&label=0&text=0", /E_DATA_SPEC .*text: expected another column than label/],
    ["tsv:FILE?header=no&label=0&text=1&quote=single", /quote: expected double or none/],
    ["jsonl:FILE?text=t", /E_DATA_SPEC .*label: expected the name of a member/],
    ["jsonl:FILE?text=t&label=y&quote=none", /expected of jsonl only text, label, group, got quote/],
  ])("%s is refused", async (spec, message) => {
    expect(await errorOf(spec.replace("FILE", put("a\tb\n")))).toMatch(message);
  });
});

const root = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const sms = join(root, "text", "sms_spam.tsv");
describe.skipIf(!existsSync(sms))("the SMS Spam Collection", () => {
  it("has 5,574 messages, of which 747 are spam", async () => {
    const data = await openDataset(`tsv:${sms}?header=no&label=0&text=1&quote=none`);
    expect([data.length, data.labels.reduce((a, b) => a + b, 0), data.classes]).toEqual([5574, 747, ["ham", "spam"]]);
    expect(textOf((await data.sample(0)).point)).toMatch(/^Go until jurong point, crazy\.\./);
  });
});
it.skipIf(existsSync(sms))(`SKIPPED: no shared data at ${root}`, () => {});
