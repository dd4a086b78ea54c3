import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { openDataset } from "./open.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "libsvm-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(content: string | Uint8Array): string {
  const path = join(folder, "rows.libsvm");
  writeFileSync(path, content);
  return path;
}

describe("libsvm files", () => {
  it("are read sparse, positions from 0", async () => {
    const data = await openDataset(`libsvm:${write("1 0:0.5 3:1\n0 1:.25 # a comment\n\n1\n")}`);
    expect(data.dims).toEqual([4]);
    expect([...data.labels]).toEqual([1, 0, 1]);
    const rows = await Promise.all([0, 1, 2].map(async (i) => [...(await data.sample(i)).point]));
    expect(rows).toEqual([
      [0.5, 0, 0, 1],
      [0, 0.25, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  it("may count from 1, say how long rows are, and name classes with signs", async () => {
    const data = await openDataset(`libsvm:${write("+1 1:1\n-1 2:1\n")}?first=1&features=3`, { classes: ["-1", "1"] });
    expect([data.dims, [...data.labels]]).toEqual([[3], [1, 0]]);
    expect([...(await data.sample(1)).point]).toEqual([0, 1, 0]);
  });

  it.each<[string, string | Uint8Array, string, string[]]>([
    ["no value", "1 0:\n", "", ["E_LIBSVM_FORMAT line 1"]],
    ["words", "1 0:1\nyes a:b 1:2\n", "", ["E_LIBSVM_FORMAT line 2", "E_LIBSVM_FORMAT line 2"]],
    ["an index twice", "1 0:1 0:2\n", "", ["E_LIBSVM_FORMAT line 1"]],
    ["an index below the first", "1 0:1\n", "?first=1", ["E_LIBSVM_FORMAT line 1"]],
    ["a giant index", "1 99999999999:1\n", "", ["E_LIBSVM_FORMAT line 1"]],
    ["rows longer than said", "1 5:1\n", "?features=3", ["E_DATA_SHAPE undefined"]],
    ["values outside the range", "1 0:2\n", "", ["E_DATA_VALUE line 1, index 0"]],
    ["nothing", "\n", "", ["E_DATA_EMPTY undefined"]],
    ["labels alone", "1\n0\n", "", ["E_DATA_EMPTY undefined"]],
    ["bytes that are no text", Uint8Array.of(0x31, 0x20, 0xff, 0xfe), "", ["E_LIBSVM_FORMAT undefined"]],
    ["a size that is no number", "1 0:1\n", "?features=x", ["E_DATA_SPEC features"]],
  ])("are refused with %s", async (_, content, query, expected) => {
    const error = await openDataset(`libsvm:${write(content)}${query}`).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BlindspotError);
    expect((error as BlindspotError).problems.map(({ code, where }) => `${code} ${where}`)).toEqual(expected);
  });
});
