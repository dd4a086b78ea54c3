import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNpz } from "../tensor/npz.ts";
import { float32, int64, type Tensor, tensor } from "../tensor/tensor.ts";
import { openDataset } from "./index.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "blindspot-data-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A flat image of one color, as a file. */
async function image(name: string, levels: readonly number[], size = 4, format: "png" | "webp" = "png"): Promise<void> {
  const channels = levels.length as 1 | 3 | 4;
  const data = Uint8Array.from({ length: size * size * channels }, (_, i) => levels[i % channels]!);
  const space = channels === 1 ? "b-w" : "srgb";
  const flat = sharp(data, { raw: { width: size, height: size, channels } }).toColourspace(space);
  put(name, await flat.toFormat(format, { lossless: true }).toBuffer());
}

function idx(dims: readonly number[], data: readonly number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * dims.length));
  header.setUint32(0, 0x0800 + dims.length);
  dims.forEach((dim, axis) => {
    header.setUint32(4 + 4 * axis, dim);
  });
  return Uint8Array.from([...new Uint8Array(header.buffer), ...data]);
}

function packed(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes));
}

/** Opens, and gives the message of the error. */
async function errorOf(spec: string, options = {}): Promise<string> {
  return openDataset(spec, options).then(
    () => "no error",
    (error: Error) => error.message,
  );
}

describe("folder:", () => {
  it("sorts names as numbers where all are numbers, and reads points on demand", async () => {
    await image("numbers/10/b.png", [0, 51, 255]);
    await image("numbers/2/a.png", [255, 0, 0]);
    await image("numbers/2/c.webp", [9, 9, 9], 4, "webp");
    put("numbers/2/readme.txt", "ignored");
    const data = await openDataset(`folder:${root}/numbers`);
    expect(data).toMatchObject({
      length: 3,
      modality: "image",
      dims: [4, 4, 3],
      naturalQuantize: "uint8",
      classes: ["2", "10"],
    });
    expect([...data.labels]).toEqual([0, 0, 1]);
    const sample = await data.sample(2);
    expect(sample).toMatchObject({ id: "10/b.png", index: 2, label: 1 });
    expect(sample.point.slice(0, 3)).toEqual(Float32Array.of(0, 0.2, 1));
    const mapped = await openDataset(`folder:${root}/numbers`, {
      classes: Array.from({ length: 11 }, (_, i) => `class ${i}`),
    });
    expect([...mapped.labels]).toEqual([2, 2, 10]);
  });

  it("maps folder names to the model's classes, and gray images to RGB beside colored ones", async () => {
    await image("mixed/yield/1.png", [51]);
    await image("mixed/stop/1.png", [1, 2, 3]);
    const data = await openDataset(`folder:${root}/mixed`, { classes: ["yield", "speed", "stop"] });
    expect([...data.labels]).toEqual([2, 0]);
    expect((await data.sample(1)).point.slice(0, 3)).toEqual(Float32Array.of(0.2, 0.2, 0.2));
    expect(await errorOf(`folder:${root}/mixed`, { classes: ["yield", "halt"] })).toContain("got 'stop'");
  });

  it("keeps a gray folder gray; the hash follows names and content", async () => {
    await image("gray/a/1.png", [7]);
    const before = await openDataset(`folder:${root}/gray`);
    expect(before.dims).toEqual([4, 4, 1]);
    await image("gray/a/1.png", [8]);
    expect((await openDataset(`folder:${root}/gray`)).sha256).not.toBe(before.sha256);
  });

  it("lists what is no image and what has another shape at once", async () => {
    await image("mixed/a/0.png", [1, 1, 1]);
    await image("mixed/a/1.png", [1, 1, 1], 5);
    await put("mixed/a/2.png", "no image");
    const message = await errorOf(`folder:${root}/mixed`);
    expect(message).toMatch(/E_IMAGE_FORMAT [^\n]*a[/]2\.png[\s\S]*E_DATA_SHAPE [^\n]*a[/]1\.png/);
  });

  it("lists all images of another shape, the first ten, and counts the rest", async () => {
    await image("shapes/a/00.png", [1, 1, 1]);
    for (let i = 1; i < 14; i++) await image(`shapes/a/${String(i).padStart(2, "0")}.png`, [1, 1, 1], 5);
    const message = await errorOf(`folder:${root}/shapes`);
    expect(message.match(/expected 4x4x3, got 5x5x3/g)).toHaveLength(1);
    expect(message.match(/a[/]\d\d\.png/g)).toHaveLength(10);
    expect(message).toContain("3 more like these. All images need the size");
  });

  it.each([
    ["an empty folder", async () => mkdirSync(join(root, "empty/a"), { recursive: true }), "empty", "E_DATA_EMPTY"],
    ["a missing one", async () => undefined, "missing", "E_DATA_READ"],
    ["a text called PNG", async () => put("fake/a/x.png", "no image"), "fake", "E_IMAGE_FORMAT"],
    [
      "16-bit images",
      async () =>
        put(
          "deep/a/x.png",
          await sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } })
            .toColourspace("rgb16")
            .png()
            .toBuffer(),
        ),
      "deep",
      "ushort",
    ],
    [
      "a link out of it",
      async () => {
        await image("outside/x.png", [1, 1, 1]);
        mkdirSync(join(root, "escape/a"), { recursive: true });
        symlinkSync(join(root, "outside/x.png"), join(root, "escape/a/x.png"));
      },
      "escape",
      "E_DATA_ESCAPE",
    ],
  ])("refuses %s", async (_, prepare, folder, code) => {
    await prepare();
    expect(await errorOf(`folder:${root}/${folder}`)).toContain(code);
  });

  it("refuses transparency when the sample is read", async () => {
    await image("glass/a/x.png", [1, 2, 3, 100]);
    const data = await openDataset(`folder:${root}/glass`);
    await expect(data.sample(0)).rejects.toThrow("transparency");
  });
});

describe("idx:", () => {
  it("reads plain and gzip files", async () => {
    const images = put("i.idx.gz", packed(idx([2, 1, 2], [0, 255, 51, 102])));
    const labels = put("l.idx", idx([2], [3, 1]));
    const data = await openDataset(`idx:${images},${labels}`);
    expect(data).toMatchObject({ length: 2, dims: [1, 2, 1], naturalQuantize: "uint8", classes: null });
    expect(await data.sample(1)).toEqual({ id: "1", index: 1, label: 1, point: Float32Array.of(0.2, 0.4) });
    await expect(data.sample(2)).rejects.toThrow("E_DATA_INDEX");
  });

  it.each([
    ["sizes that lie", idx([4_000_000_000, 28, 28], [1, 2]), idx([1], [0]), "E_IDX_SIZE"],
    ["labels in place of images", idx([2], [1, 2]), idx([2], [0, 1]), "E_IDX_HEADER"],
    ["fewer labels than images", idx([2, 1, 1], [1, 2]), idx([1], [0]), "E_DATA_COUNT"],
    ["a cut file", idx([2, 2, 2], [1, 2, 3]), idx([2], [0, 1]), "expected 8 bytes of data for [2,2,2], got 3"],
  ])("refuses %s", async (_, images, labels, code) => {
    expect(await errorOf(`idx:${put("bad.i", images)},${put("bad.l", labels)}`)).toContain(code);
  });

  it("refuses a cut gzip file, and one that unpacks beyond the limit", async () => {
    const whole = packed(idx([1, 100, 100], new Array<number>(10_000).fill(0)));
    const labels = put("one.l", idx([1], [0]));
    const cut = put("cut.gz", whole.subarray(0, whole.length - 12));
    expect(await errorOf(`idx:${cut},${labels}`)).toContain("E_DATA_GZIP");
    const bomb = put("bomb.gz", whole);
    expect(await errorOf(`idx:${bomb},${labels}`, { maxBytes: 5_000 })).toContain("E_DATA_SIZE");
  });
});

describe("records:", () => {
  const planes = [9, 0, 51, 102, 153, 204, 255];
  it("reads both layouts, and the label at either end", async () => {
    const first = put("first.bin", Uint8Array.from([...planes, 1, ...planes.slice(1)]));
    const hwc = await openDataset(`records:${first}?shape=1x2x3`);
    expect([...hwc.labels]).toEqual([9, 1]);
    expect((await hwc.sample(0)).point).toEqual(Float32Array.of(0, 0.2, 0.4, 0.6, 0.8, 1));
    const chw = await openDataset(`records:${first}?shape=1x2x3&layout=chw`);
    expect((await chw.sample(1)).point).toEqual(Float32Array.of(0, 0.4, 0.8, 0.2, 0.6, 1));
    const last = put("last.bin", Uint8Array.from([...planes.slice(1), 9]));
    expect([...(await openDataset(`records:${last}?shape=1x2x3&label=last`)).labels]).toEqual([9]);
  });

  it.each([
    ["", "E_DATA_SPEC --data, shape"],
    ["?shape=1x2", "E_DATA_SPEC --data, shape"],
    ["?shape=1x2x4", "E_DATA_SIZE"],
    ["?shape=1x2x3&layout=cwh", "E_DATA_SPEC --data, layout: expected hwc or chw, got cwh"],
    ["?shape=1x2x3&color=bgr", "E_DATA_SPEC --data: expected of records only shape, layout, label, got color"],
  ])("refuses '%s'", async (query, message) => {
    expect(await errorOf(`records:${put("r.bin", Uint8Array.from(planes))}${query}`)).toContain(message);
  });

  it("lists labels that don't fit the model's classes", async () => {
    const file = put("labels.bin", Uint8Array.from([7, 0, 1, 0, 8, 0]));
    const message = await errorOf(`records:${file}?shape=1x1x1`, { classes: ["a", "b"] });
    expect(message).toContain("record 0: expected one of the 2 classes (a, b) or 0..1, got '7'");
    expect(message).toContain("got '8'");
  });
});

describe("npz:", () => {
  const open = (arrays: Record<string, Tensor>, options = {}, query = "") =>
    openDataset(`npz:${put("d.npz", writeNpz(arrays))}${query}`, options);
  const y = int64([2], [1, 0]);

  it("8-bit images in either layout", async () => {
    const bytes = Uint8Array.from({ length: 2 * 2 * 2 * 3 }, (_, i) => i);
    const hwc = await open({ x: tensor("uint8", [2, 2, 2, 3], bytes), y });
    expect(hwc).toMatchObject({ dims: [2, 2, 3], naturalQuantize: "uint8", modality: "image" });
    const chw = await open({ x: tensor("uint8", [2, 3, 2, 2], bytes), y });
    expect(chw.dims).toEqual([2, 2, 3]);
    const levels = (await chw.sample(0)).point.map((value) => Math.round(value * 255));
    expect([...levels]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  });

  it("floats are scaled from their range to 0..1; groups and names are kept", async () => {
    const x = float32([2, 2], [-1, 0, 1, 0.5]);
    const group = tensor("string", [2], ["track 1", "track 1"]);
    const data = await open(
      { x, y: tensor("string", [2], ["yes", "no"]), group },
      { inputRange: { low: -1, high: 1 } },
    );
    expect(data).toMatchObject({ modality: "vector", dims: [2], naturalQuantize: "none", classes: ["no", "yes"] });
    expect(await data.sample(1)).toEqual({
      id: "1",
      index: 1,
      label: 0,
      group: "track 1",
      point: Float32Array.of(1, 0.75),
    });
  });

  it("vectors know their features' ranges, images need none", async () => {
    const bytes = tensor("uint8", [2, 1], Uint8Array.of(0, 255));
    expect((await open({ x: bytes, y })).fields).toEqual([{ low: 0, high: 255 }]);
    const options = { inputRange: { low: [0, -1], high: [10, 1] } };
    expect((await open({ x: float32([2, 2], [0, 0, 10, 1]), y }, options)).fields).toEqual([
      { low: 0, high: 10 },
      { low: -1, high: 1 },
    ]);
    expect((await open({ x: float32([2, 2, 2], new Float32Array(8)), y })).fields).toBeUndefined();
  });

  it("a range per feature, and rows of features read as images", async () => {
    const x = float32([2, 4], [0, 10, 0, 10, 1, 20, 1, 20]);
    const range = { low: [0, 10, 0, 10], high: [1, 20, 1, 20] };
    const data = await open({ x, y }, { inputRange: range, dims: [2, 2, 1] });
    expect(data).toMatchObject({ modality: "image", dims: [2, 2, 1] });
    expect((await data.sample(1)).point).toEqual(Float32Array.of(1, 1, 1, 1));
  });

  it.each<[string, Record<string, Tensor>, object, string]>([
    ["no labels", { x: float32([1, 1], [0]) }, {}, "E_DATA_KEYS"],
    ["another number of labels", { x: float32([1, 1], [0]), y }, {}, "E_DATA_COUNT"],
    [
      "NaN",
      { x: float32([2, 1], [0, NaN]), y },
      {},
      "x[1], value 0: expected a number in 0..1, got NaN. Repair the row, or leave it out",
    ],
    [
      "values outside the range",
      { x: float32([2, 1], [0, 128]), y },
      {},
      "All values lie in 0..128; declare the range",
    ],
    ["no rows", { x: float32([0, 2], []), y: int64([0], []) }, {}, "E_DATA_EMPTY"],
    ["fractional labels", { x: float32([1, 1], [0]), y: float32([1], [0.5]) }, { classes: ["a"] }, "E_DATA_LABEL"],
    ["negative labels", { x: float32([1, 1], [0]), y: int64([1], [-1]) }, {}, "E_DATA_LABEL"],
    ["integers of 32 bits", { x: tensor("int32", [1, 1], Int32Array.of(0)), y }, {}, "E_DATA_TYPE"],
    ["axes that could be either", { x: float32([2, 3, 1, 3], new Float32Array(18)), y }, {}, "layout=hwc or chw"],
    ["an empty range", { x: float32([2, 1], [0, 0]), y }, { inputRange: { low: 1, high: 1 } }, "E_DATA_RANGE"],
    ["another shape than wanted", { x: float32([2, 1], [0, 0]), y }, { dims: [3] }, "E_DATA_SHAPE"],
  ])("refuses %s", async (_, arrays, options, message) => {
    await expect(open(arrays, options)).rejects.toThrow(message);
  });
});

describe("csv:", () => {
  const open = (text: string, query: string, options = {}) => openDataset(`csv:${put("d.csv", text)}${query}`, options);

  it("reads vectors; labels are names, by name or by index", async () => {
    const text = 'width,kind,"length, in m",patient\n0.5,cat,1,a\n\n0,"dog",0.25,a\n1e-1,cat,.5,b\n';
    const data = await open(text, "?label=kind&group=patient");
    expect(data).toMatchObject({
      length: 3,
      dims: [2],
      classes: ["cat", "dog"],
      groups: ["a", "a", "b"],
      naturalQuantize: "none",
    });
    expect(await data.sample(1)).toEqual({ id: "1", index: 1, label: 1, group: "a", point: Float32Array.of(0, 0.25) });
    expect([...(await open(text, "?label=kind&group=patient", { classes: ["dog", "cat"] })).labels]).toEqual([1, 0, 1]);
  });

  it("features keep the names of their columns and their ranges", async () => {
    const range = { inputRange: { low: [0, 0], high: [100, 5] } };
    const data = await open("age,kind,length\n40,cat,1\n30,dog,2\n", "?label=kind", range);
    expect(data.fields).toEqual([
      { name: "age", low: 0, high: 100 },
      { name: "length", low: 0, high: 5 },
    ]);
    expect((await open("0,1,0\n", "?header=no&label=-1")).fields).toEqual([
      { low: 0, high: 1 },
      { low: 0, high: 1 },
    ]);
  });

  it("numbers columns where there is no header; -1 is the last", async () => {
    const data = await open("0,1,2\n1,0,0\n", "?header=no&label=-1");
    expect(data).toMatchObject({ length: 2, dims: [2], classes: null });
    expect([...data.labels]).toEqual([2, 0]);
  });

  it("lists every bad line", async () => {
    const error = await open("a,b,y\n1,?,0\n0,0,0\n0,nan,1\n1,2\n", "?label=y").catch(
      (problem: Error) => problem.message,
    );
    expect(error).toMatch(/line 2, column b: expected a number, got '\?'/);
    expect(error).toMatch(/line 4, column b: expected a number, got 'nan'/);
    expect(error).toMatch(/line 5: expected 3 columns, got 2/);
  });

  it.each([
    ["no such column", "a,y\n1,0\n", "?label=z", "expected a column: a, y, got 'z'"],
    ["a header alone", "a,y\n", "?label=y", "E_DATA_EMPTY"],
    ["an open quote", 'a,y\n"1,0\n', "?label=y", "E_CSV_FORMAT"],
    ["values outside the range", "a,y\n300,0\n", "?label=y", "line 2, column a: expected a number in 0..1, got 300"],
  ])("refuses %s", async (_, text, query, message) => {
    await expect(open(text, query)).rejects.toThrow(message);
  });
});

it.each([
  ["nothing", "E_DATA_SPEC --data: expected KIND:PATH, got nothing"],
  ["csv:", "expected a path"],
  ["idx:one", "expected idx:IMAGES,LABELS"],
])("refuses the spec '%s'", async (spec, message) => {
  expect(await errorOf(spec)).toContain(message);
});
