import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BlindspotError } from "../base/errors.ts";
import { Corpus } from "../corpus/corpus.ts";
import { diskFolder } from "../corpus/files.ts";
import { memoryFolder } from "../corpus/folder.ts";
import { type Claim, storeImport } from "../corpus/incoming.ts";
import { writeModel } from "../graph/index.ts";
import { writeNpy } from "../tensor/npy.ts";
import { writeNpz } from "../tensor/npz.ts";
import { float32, int64, tensor } from "../tensor/tensor.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { openImport } from "./corpus/import-source.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

let folder: string;
const blindspot = (...args: string[]) => runBuilt(folder, args);
const put = (name: string, bytes: Uint8Array | string) => writeFileSync(join(folder, name), bytes);

interface Counts {
  readonly inputs: number;
  readonly isNew: number;
  readonly known: number;
  readonly replayed?: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly index: number; readonly problem: string }[];
}

/** Imports into a corpus of this name; the counts, and how the samples stand after it. */
async function imported(corpus: string, ...args: string[]): Promise<{ counts: Counts; trust: string[]; code: number }> {
  const { stdout, stderr, code } = await blindspot("corpus", "import", ...args, "--corpus", corpus, "--json");
  expect(stderr).not.toMatch(/^E_/m);
  const listed = await blindspot("corpus", "ls", "--corpus", corpus, "--json");
  const entries = JSON.parse(listed.stdout) as { id: string; trust: string }[];
  return { counts: JSON.parse(stdout) as Counts, trust: entries.map(({ trust }) => trust).sort(), code };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-import-"));
  // Ten right ones; turned over, they fool the model. Two more are claimed to, and do not; of another the clean side is wrong, too.
  const { x, y } = halvesData();
  const size = x.data.length / 60;
  const rows = Array.from({ length: 13 }, (_, i) => (x.data as Float32Array).slice(i * size, (i + 1) * size));
  const labels = Array.from({ length: 13 }, (_, i) => Number((y.data as BigInt64Array)[i]));
  const turned = rows.map((row, i) => (i < 10 ? row.map((value) => 1 - value) : row));
  labels[12] = 1 - labels[12]!;
  const stacked = (list: readonly Float32Array[]) =>
    float32([list.length, ...x.dims.slice(1)], Float32Array.from(list.flatMap((row) => [...row])));
  writeFiles(folder, {
    "model.onnx": writeModel(halvesModel()),
    "art.npz": { x_adv: stacked(turned), x_test: stacked(rows), y: int64([13], labels) },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("corpus import", () => {
  const art = ["npz:art.npz?x=x_adv", "--clean", "npz:art.npz?x=x_test"];

  it("trusts nothing that is not replayed, and of what is, only a mistake whose clean side is right", async () => {
    const first = await imported("art", ...art);
    expect(first).toMatchObject({ code: 0, counts: { inputs: 13, isNew: 13 } });
    expect(new Set(first.trust)).toEqual(new Set(["untrusted"]));
    const { counts, trust } = await imported("art", ...art, "--model", "model.onnx", "--threat", "linf:1");
    expect(counts).toMatchObject({ isNew: 0, known: 13 });
    expect(Object.values(counts.replayed!).sort()).toEqual([1, 10, 2]);
    expect(trust.filter((one) => one === "trusted")).toHaveLength(10);
  });

  it("keeps what lies outside of the stated threat untrusted, until a person answers for it", async () => {
    const { counts, trust } = await imported("narrow", ...art, "--model", "model.onnx", "--threat", "linf:0.001");
    expect(counts.replayed).toMatchObject({ "outside the stated threat": 10 });
    expect(new Set(trust)).toEqual(new Set(["untrusted"]));
    expect(new Set((await imported("narrow", ...art, "--vouch", "--by", "ann")).trust)).toEqual(new Set(["trusted"]));
  });

  it("reads TextAttack's log: marks and line breaks are taken back, failed attacks left out", async () => {
    put(
      "log.csv",
      [
        '"original_text","perturbed_text","original_score","perturbed_score","original_output","perturbed_output","ground_truth_output","num_queries","result_type"',
        '"a [[good]] film<SPLIT>""yes""","a [[g00d]] film<SPLIT>""yes""",0.01,0.7,1,0,1,12,"Successful"',
        '"a bad film","a bad film",0.1,0.2,0,0,0,80,"Failed"',
        '"odd","odd",0.9,0.9,0,0,1,0,"Skipped"',
      ].join("\n"),
    );
    const { claims } = await opened("textattack:log.csv");
    const texts = claims.map(({ input, clean }) => [input, clean!].map(({ bytes }) => new TextDecoder().decode(bytes)));
    expect(texts).toEqual([['a g00d film\n"yes"', 'a good film\n"yes"']]);
    expect(claims[0]!.label).toEqual({ name: "1", index: 1 });
  });

  it("a bundle keeps the ids, and none of the trust", async () => {
    expect((await blindspot("corpus", "export", "--corpus", "art", "--out", "all.jsonl")).code).toBe(0);
    const { claims, problems } = await opened("bundle:all.jsonl");
    expect(problems).toEqual([]);
    const corpus = await Corpus.create(memoryFolder());
    for (const claim of claims) await storeImport(corpus, claim, null, null);
    const [back, there] = await Promise.all(
      [corpus, await Corpus.open(await diskFolder(join(folder, "art")))].map(async (one) => (await one.read()).entries),
    );
    expect(back!.map(({ id }) => id)).toEqual(there!.map(({ id }) => id));
    expect(new Set(back!.map(({ trust }) => trust))).toEqual(new Set(["untrusted"]));
  });
});

/** A .npy file whose header says something else than it holds. */
function forged(header: string, bytes = 16): Uint8Array {
  const text = `${header.padEnd(117)}\n`;
  const file = new Uint8Array(10 + text.length + bytes);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]);
  file.set(new TextEncoder().encode(text), 10);
  return file;
}

const labels = (count: number) => writeNpy(int64([count], new Array<number>(count).fill(0)));
const zip = (x: Uint8Array, y = labels(2), more: Record<string, Uint8Array> = {}) =>
  zipSync({ "x.npy": x, "y.npy": y, ...more }, { level: 1 });

/** A PNG that says it is so large, and holds nothing. */
function hugePng(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  new DataView(bytes.buffer).setUint32(16, 2 ** 30);
  new DataView(bytes.buffer).setUint32(20, 2 ** 30);
  bytes.set([8, 2], 24);
  return bytes;
}

/** All that a source claims, as the process that opens it sees it. */
async function opened(spec: string): Promise<{ claims: Claim[]; problems: string[] }> {
  const [kind, path] = [spec.slice(0, spec.indexOf(":") + 1), spec.slice(spec.indexOf(":") + 1)];
  const source = await openImport(`${kind}${join(folder, path)}`, { kind: "adversarial" });
  const claims: Claim[] = [];
  const problems: string[] = [];
  for await (const read of source.claims(0)) {
    try {
      claims.push(await read());
    } catch (error) {
      problems.push((error as BlindspotError).code);
    }
  }
  return { claims, problems };
}

describe("a hostile source", () => {
  it.each<[string, string, string, () => void]>([
    [
      "a link that leads out of the folder",
      "folder:escape",
      "E_DATA_ESCAPE",
      () => {
        mkdirSync(join(folder, "escape/stop"), { recursive: true });
        put("secret.png", hugePng());
        symlinkSync(join(folder, "secret.png"), join(folder, "escape/stop/1.png"));
      },
    ],
    [
      "an image of 2^60 pixels",
      "folder:huge",
      "E_IMAGE_FORMAT",
      () => {
        mkdirSync(join(folder, "huge/stop"), { recursive: true });
        put("huge/stop/1.png", hugePng());
      },
    ],
    [
      "an array of 10^18 values",
      "npz:dims.npz",
      "E_NPY_SIZE",
      () =>
        put("dims.npz", zip(forged("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000), }"))),
    ],
    [
      "objects, which a pickle would make",
      "npz:object.npz",
      "E_NPY_DTYPE",
      () => put("object.npz", zip(forged("{'descr': '|O', 'fortran_order': False, 'shape': (2, ), }"))),
    ],
    [
      "big-endian numbers",
      "npz:big.npz",
      "E_NPY_DTYPE",
      () => put("big.npz", zip(forged("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }"))),
    ],
    [
      "integers of 32 bits as images",
      "npz:int.npz",
      "E_DATA_TYPE",
      () => put("int.npz", writeNpz({ x: tensor("int32", [2, 2], new Int32Array(4)), y: int64([2], [0, 1]) })),
    ],
    [
      "a value that is no number",
      "npz:nan.npz",
      "E_DATA_VALUE",
      () =>
        put("nan.npz", writeNpz({ x: float32([2, 2], Float32Array.of(0, Number.NaN, 0, 0)), y: int64([2], [0, 1]) })),
    ],
    [
      "a pickle",
      "npz:evil.pt",
      "E_NPZ_FORMAT",
      () =>
        put("evil.pt", Uint8Array.from([0x80, 4, 0x63, 0x6f, 0x73, 0x0a, 0x73, 0x79, 0x73, 0x74, 0x65, 0x6d, 0x0a])),
    ],
    [
      "labels for other rows",
      "npz:count.npz",
      "E_DATA_COUNT",
      () => put("count.npz", zip(writeNpy(float32([2, 2], new Float32Array(4))), labels(3))),
    ],
    ["another table", "textattack:other.csv", "E_TEXTATTACK", () => put("other.csv", "a,b\n1,2\n")],
    ["no such file", "bundle:none.jsonl", "E_DATA_READ", () => {}],
  ])("%s is refused as %s: %s", async (_, spec, code, prepare) => {
    prepare();
    await expect(opened(spec)).rejects.toThrowError(expect.objectContaining({ code }));
  });

  it("names in an archive are no paths", async () => {
    const x = writeNpy(float32([2, 2], Float32Array.of(0, 1, 1, 0)));
    put("names.npz", zip(x, labels(2), { "../../escaped.npy": x, "/tmp/escaped.npy": x }));
    expect((await opened("npz:names.npz")).claims).toHaveLength(2);
    expect([existsSync(join(folder, "../escaped.npy")), existsSync("/tmp/escaped.npy")]).toEqual([false, false]);
  });

  it("a bomb ends its own process, and no other; nothing is stored", async () => {
    // 1 GiB of zeros: the same 16 MiB again and again.
    const part = new Uint8Array(gzipSync(new Uint8Array(2 ** 24)));
    const bomb = new Uint8Array(64 * part.length);
    for (let i = 0; i < 64; i++) bomb.set(part, i * part.length);
    put("bomb.csv.gz", bomb);
    const ended = await blindspot(
      "corpus",
      "import",
      "csv:bomb.csv.gz?label=x",
      "--corpus",
      "bombed",
      "--memory",
      "200",
    );
    expect([ended.code, ended.stdout]).toEqual([2, ""]);
    expect(ended.stderr).toMatch(/E_IMPORT_LIMIT csv:bomb.csv.gz.*more than 200 MB/);
    expect(existsSync(join(folder, "bombed/samples"))).toBe(false);
  });

  it("of a bundle what is whole is taken, and the rest named", async () => {
    const text = { schema: "blindspot-bundle/1", modality: "text", dims: [], values: "utf-8", kind: "adversarial" };
    const image = { ...text, modality: "image", dims: [2, 2, 1], values: "uint8" };
    const lines = [
      JSON.stringify({ ...text, input: "frëe", clean: "free", label: "spam" }),
      "{",
      `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
      JSON.stringify({ ...text, input: 7, label: "spam" }),
      JSON.stringify({ ...text, input: "\ud800", label: "spam" }),
      JSON.stringify({ ...text, dims: [3], input: "a", label: "spam" }),
      JSON.stringify({ ...image, input: "!!", label: "spam" }),
      JSON.stringify({ ...image, input: Buffer.from(hugePng()).toString("base64"), label: "spam" }),
      JSON.stringify({ ...image, dims: [2 ** 20, 2 ** 20, 3], input: "AAAA", label: "spam" }),
      `{"__proto__": {"label": "spam"}, "schema": "blindspot-bundle/1"}`,
      JSON.stringify({ ...text, schema: "blindspot-bundle/2", input: "a", label: "spam" }),
      JSON.stringify({ ...text, modality: "row", values: "json", input: { age: 3, "../x": true }, label: "../../no" }),
    ];
    put("mixed.jsonl", lines.join("\n"));
    const { claims, problems } = await opened("bundle:mixed.jsonl");
    expect(claims.map(({ data }) => data.index)).toEqual([0, 11]);
    expect(problems).toHaveLength(10);
    expect(new Set(problems)).toEqual(new Set(["E_BUNDLE", "E_IMAGE_FORMAT"]));
  });
});
