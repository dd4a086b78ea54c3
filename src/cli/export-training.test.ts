import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainable } from "../corpus/export.ts";
import { corpusOf, foundEvent, imageSample, READING, rowSample, textSample } from "../corpus/samples.test.fixture.ts";
import { readNpz } from "../tensor/npz.ts";
import { exportTraining } from "./corpus/export-training.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-training-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const turn = foundEvent({ label: { name: "turn", index: 2 } });

async function exported(samples: Parameters<typeof corpusOf>[0], name: string): Promise<string> {
  const corpus = await corpusOf(samples);
  await corpus.storeModel({
    kind: "onnx",
    identity: "6".repeat(64),
    classes: ["stop", "yield", "turn"],
    dims: [READING.rows.size],
    preprocessing: {},
    rows: READING.rows.schema.source,
  });
  const out = join(folder, name);
  await exportTraining(corpus, trainable((await corpus.read()).entries), { out });
  return out;
}

describe("corpus export --for training", () => {
  it("images: a folder for each class, or arrays", async () => {
    const images = [
      imageSample([1, 2, 3, 4]),
      imageSample([5, 6, 7, 8], [0, 0, 0, 0], [turn]),
      imageSample([9, 9, 9, 9]),
    ];
    const out = await exported(images, "images");
    expect(readdirSync(out).map((name) => [name, readdirSync(join(out, name)).length])).toEqual([
      ["stop", 2],
      ["turn", 1],
    ]);
    const { x, y } = readNpz(new Uint8Array(readFileSync(await exported(images, "images.npz"))));
    expect([x!.dims, x!.dtype, [...(y!.data as BigInt64Array)].sort()]).toEqual([[3, 2, 2], "uint8", [0n, 0n, 2n]]);
    await expect(exported(images, "images")).rejects.toThrow("E_CORPUS_NOT_EMPTY");
  });

  it("texts: JSON Lines or CSV, every character as it is", async () => {
    const texts = [textSample('fr\u200bee "x"', "free", [foundEvent()]), textSample(" =a,\nb\r\n ", null, [turn])];
    const lines = readFileSync(await exported(texts, "t.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    const rows = lines.map((line) => JSON.parse(line) as { text: string; label: string });
    expect(new Map(rows.map(({ text, label }) => [text, label]))).toEqual(
      new Map([
        ['fr\u200bee "x"', "stop"],
        [" =a,\nb\r\n ", "turn"],
      ]),
    );
    expect(readFileSync(await exported(texts, "t.csv"), "utf8")).toContain('" =a,\nb\r\n ",turn');
  });

  it("rows: the columns of the data that the schema was made for", async () => {
    const out = await exported([rowSample(1, 2, true, [foundEvent()]), rowSample(0, 1, true, [turn])], "rows.csv");
    const [header, ...lines] = readFileSync(out, "utf8").trimEnd().split("\n");
    expect([header, lines.sort()]).toEqual(["age,job,label", ["18,clerk,turn", "19,chef,stop"]]);
  });

  it.each<[string, Parameters<typeof corpusOf>[0], string, string]>([
    ["another kind of file", [textSample("a", null, [turn])], "t.npz", "expected .jsonl or .csv"],
    ["two forms", [textSample("a", null, [turn]), imageSample([1, 2, 3, 4])], "mixed", "samples of one form"],
    ["no sample", [], "none", "samples of one form"],
    [
      "a class that leads out of the folder",
      [imageSample([1, 2, 3, 4], null, [foundEvent({ label: { name: "../../stop" } })])],
      "escape",
      "names of folders",
    ],
  ])("refuses %s", async (_, samples, name, message) => {
    await expect(exported(samples, name)).rejects.toThrow(message);
  });
});
