import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { vectorCodec } from "../inputs/index.ts";
import { readNpz, writeNpz } from "../tensor/npz.ts";
import { float32, tensor } from "../tensor/tensor.ts";
import { augment, parseAugmentation } from "./augment.ts";
import { type Progress, readProgress, writeProgress } from "./checkpoint.ts";
import { parseRegularizers } from "./regularizers.ts";
import { FEATURES, toyData, toyRows } from "./toy.test.fixture.ts";
import { overlapOf, readRows } from "./training-rows.ts";

describe("--regularize", () => {
  it("reads weights by name", () => {
    expect(parseRegularizers("input-gradient=0.5, weight-decay=5e-4,label-smoothing=0.1")).toEqual({
      inputGradient: 0.5,
      weightDecay: 5e-4,
      labelSmoothing: 0.1,
    });
    expect(parseRegularizers("input-gradient=0")).toEqual({});
  });

  it.each([
    "",
    "jacobian=1",
    "input-gradient",
    "input-gradient=",
    "weight-decay=-1",
    "weight-decay=1=2",
    "label-smoothing=1",
    "weight-decay=x",
  ])("refuses '%s'", (text) => expect(() => parseRegularizers(text)).toThrow("E_REGULARIZER"));

  it("says all that is wrong at once", () => {
    expect(() => parseRegularizers("a=1,label-smoothing=2")).toThrow(/'a=1'(.|\n)*'label-smoothing=2'/);
  });
});

describe("--augment", () => {
  it("reads", () => expect(parseAugmentation("shift=2, flip")).toEqual({ shift: 2, flip: true }));
  it.each(["", "shift", "shift=0", "rotate", "flip=yes"])("refuses '%s'", (text) =>
    expect(() => parseAugmentation(text)).toThrow("E_AUGMENT"),
  );

  it("moves whole pixels and repeats the border", () => {
    const dims = [3, 4, 2];
    const image = Float32Array.from({ length: 24 }, (_, i) => i);
    const seen = new Set<string>();
    for (let draw = 0; draw < 200; draw++) {
      const moved = image.slice();
      augment(moved, dims, { shift: 1, flip: true }, Rng.of(draw));
      // Every pixel is one of the image, with its channels together.
      for (let pixel = 0; pixel < 24; pixel += 2) expect(moved[pixel + 1]! - moved[pixel]!).toBe(1);
      seen.add(moved.join());
    }
    expect(seen.size).toBe(2 * 9);
    expect(seen.has(image.join())).toBe(true);
  });
});

describe("rows", () => {
  it("8-bit sources come back exactly, floats too", async () => {
    const data = toyData(1, 6);
    const floats = await readRows(data, vectorCodec([FEATURES]), 2);
    const row = new Float32Array(FEATURES + 2);
    floats.copy(4, row, 2);
    expect(row.slice(2)).toEqual((await data.sample(4)).point);
    const levels = Float32Array.from({ length: 3 }, (_, i) => (7 * i) / 255);
    const eight = { ...data, length: 1, dims: [3], naturalQuantize: "uint8" as const, labels: Int32Array.of(1) };
    const bytes = await readRows(
      { ...eight, sample: async () => ({ id: "0", index: 0, label: 1, point: levels }) },
      { ...vectorCodec([3]), quantize: "uint8" },
      2,
    );
    const back = new Float32Array(3);
    bytes.copy(0, back, 0);
    expect(back).toEqual(levels);
  });

  it("overlap counts inputs and groups", async () => {
    const [a, b] = [await toyRows(1, 10), await toyRows(1, 6)];
    expect(overlapOf(a, await toyRows(2, 10))).toEqual({ inputs: 0, groups: 0, rows: 0 });
    expect(overlapOf(a, b)).toEqual({ inputs: 6, groups: 0, rows: 6 });
    const grouped = { ...(await toyRows(2, 3)), groups: ["x", "y", "y"] };
    expect(overlapOf({ ...a, groups: ["x", "z"] }, grouped)).toEqual({ inputs: 0, groups: 1, rows: 1 });
  });
});

describe("checkpoints", () => {
  const progress: Progress = {
    identity: { seed: 1, settings: { epochs: 2 } },
    state: { "a/b": float32([2], [1, 2]), step: float32([], [7]) },
    best: { "a/b": float32([2], [3, 4]) },
    history: [],
    seconds: 3,
    samplesPerSecond: null,
  };

  it("come back whole", () => {
    expect(readProgress(writeProgress(progress), progress.identity, "c.npz")).toEqual(progress);
  });

  it("of another training are refused, each difference named", () => {
    const other = { seed: 2, settings: { epochs: 3 } };
    expect(() => readProgress(writeProgress(progress), other, "c.npz")).toThrow(
      /E_RESUME c.npz.*seed(.|\n)*E_RESUME.*settings.epochs: expected 2, .*got 3/,
    );
  });

  // Versions are written since 2.
  it.each([
    [undefined, "version 1, of an older one"],
    [99, "version 99, of a newer one"],
  ])("of training version %s are refused, with what to do", (training, got) => {
    const { progress: header, ...arrays } = readNpz(writeProgress(progress), { subject: "c.npz" });
    const told = { ...JSON.parse(new TextDecoder().decode(header!.data as Uint8Array)), training };
    const text = new TextEncoder().encode(JSON.stringify(told));
    const bytes = writeNpz({ ...arrays, progress: tensor("uint8", [text.length], text) });
    expect(() => readProgress(bytes, progress.identity, "c.npz")).toThrow(
      new RegExp(`E_CHECKPOINT_VERSION c.npz: .*training version 2.*${got}(.|\\n)*Delete it`),
    );
  });

  it("that are none, or cut short, are refused", () => {
    const bytes = writeProgress(progress);
    expect(() => readProgress(bytes.slice(0, 200), progress.identity, "c.npz")).toThrow("E_NPZ_FORMAT");
    expect(() => readProgress(new Uint8Array(50), progress.identity, "c.npz")).toThrow("E_NPZ_FORMAT");
  });
});
