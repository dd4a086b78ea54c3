import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainingLogSchema } from "../defenses/index.ts";
import { FEATURES, toyArrays, toyData, toyNetwork } from "../defenses/toy.test.fixture.ts";
import { float32, int64, scalar, type Tensor, tensor } from "../tensor/tensor.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { writeFiles } from "./halves.test.fixture.ts";

let folder: string;
const blindspot = (...args: string[]) => runBuilt(folder, args);

const COUNT = 64;
type Arrays = Record<string, Tensor>;
/** The data in groups of four, from a group of this number on. */
const grouped = (arrays: Arrays, from: number): Arrays => ({
  ...arrays,
  group: int64(
    [COUNT],
    Array.from({ length: COUNT }, (_, row) => from + Math.floor(row / 4)),
  ),
});
const labelled = (arrays: Arrays, row: number, label: number): Arrays => {
  const labels = Array.from(arrays["y"]!.data as BigInt64Array, Number);
  labels[row] = label;
  return { ...arrays, y: int64([COUNT], labels) };
};

/** 8-bit weights, read back by DequantizeLinear: what a quantizer of static models writes. */
const quantized = () =>
  toyNetwork((op, hidden) => {
    const weights = op.initializer("w8", tensor("int8", [8, 8], new Int8Array(64).fill(1)));
    return op.MatMul(hidden, op.DequantizeLinear(weights, scalar("float32", 0.1), scalar("int8", 0)));
  });
/** Two normalizations with the same running statistics, as exporters that merge equal initializers write them. */
const sharing = () =>
  toyNetwork((op, hidden) => {
    const eight = (name: string, value: number) => op.initializer(name, float32([8], new Float32Array(8).fill(value)));
    const [scale, bias, mean, variance] = [eight("s", 1), eight("b", 0), eight("mean", 0), eight("variance", 1)];
    const normalize = (x: typeof hidden) => op.node("BatchNormalization", [x, scale, bias, mean, variance], {})[0]!;
    return normalize(op.Relu(normalize(hidden)));
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-bad-"));
  const [train, choose, test] = await Promise.all([1, 2, 3].map(async (seed) => toyArrays(toyData(seed, COUNT))));
  const spoiled = (train!.x.data as Float32Array).slice();
  spoiled[5 * FEATURES] = Number.NaN;
  writeFiles(folder, {
    "model.onnx": toyNetwork(),
    "quantized.onnx": quantized(),
    "sharing.onnx": sharing(),
    "train.npz": grouped(train!, 0),
    "choose.npz": grouped(choose!, 100),
    "test.npz": grouped(test!, 200),
    // Other inputs, but of three groups that are trained on.
    "cut.npz": grouped(test!, 13),
    "third-class.npz": labelled(choose!, 7, 2),
    "below.npz": labelled(choose!, 9, -1),
    "no-number.npz": { ...train!, x: float32([COUNT, FEATURES], spoiled) },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A later option of the same name counts, so that one row names what differs. */
const HARDEN = [
  ...["harden", "--model", "model.onnx", "--data", "npz:train.npz", "--validate", "npz:choose.npz"],
  ...["--threat", "linf:0.1", "--method", "pgd", "--epochs", "2", "--batch", "32", "--lr", "0.02"],
  ...["--no-probe", "--quiet", "--out", "out.onnx"],
];
const FIT = [
  ...["detect", "fit", "--model", "model.onnx", "--data", "npz:train.npz", "--validate", "npz:choose.npz"],
  ...["--threat", "linf:0.1", "--detector", "energy", "--no-probe", "--out", "out.onnx"],
];

describe("bad input to countermeasures is refused, with what to do", () => {
  it.each<[string, string[], RegExp]>([
    [
      "labels beyond the model's classes",
      [...HARDEN, "--validate", "npz:third-class.npz"],
      /E_DATA_LABEL npz:third-class\.npz, sample 7: expected a class of the model, 0\.\.1, got 2\. Give --classes/,
    ],
    [
      "labels below 0",
      [...HARDEN, "--data", "npz:below.npz"],
      /E_DATA_LABEL below\.npz, y\[9\]: expected a class index, 0 or more, got '-1'\. Give --classes/,
    ],
    ["labels of held-out data", [...HARDEN, "--test", "npz:third-class.npz"], /E_DATA_LABEL npz:third-class\.npz/],
    ["labels, to a detector", [...FIT, "--data", "npz:third-class.npz"], /E_DATA_LABEL npz:third-class\.npz, sample 7/],
    [
      "values that are no numbers",
      [...HARDEN, "--data", "npz:no-number.npz"],
      /E_DATA_VALUE no-number\.npz, x\[5\], value 0: .*got NaN\. Repair the row/,
    ],
    [
      "quantized weights",
      [...HARDEN, "--model", "quantized.onnx"],
      /E_UNTRAINABLE DequantizeLinear.*weights quantized to int8 \('w8'\)\. Harden the float32 model/,
    ],
    [
      "running statistics that layers share",
      [...HARDEN, "--model", "sharing.onnx"],
      /E_UNTRAINABLE 'mean'; 'variance': .*several share\. Export the model without merging/,
    ],
    [
      "a group that is cut between training and validation",
      [...HARDEN, "--validate", "npz:cut.npz"],
      /E_DATA_OVERLAP npz:cut\.npz and npz:train\.npz: .*got 3 groups that are cut.*groups, stay together/,
    ],
    [
      "a group that is cut between training and held-out data",
      [...HARDEN, "--test", "npz:cut.npz"],
      /E_DATA_OVERLAP npz:cut\.npz: .*got 3 of its groups are cut: some of their samples are trained on/,
    ],
    [
      "a group that is cut between a detector's data and its threshold's",
      [...FIT, "--validate", "npz:cut.npz"],
      /E_DATA_OVERLAP npz:train\.npz and npz:cut\.npz: .*got 3 groups that are cut.*--allow-overlap/,
    ],
  ])(
    "%s",
    async (_, args, message) => {
      const { code, stderr } = await blindspot(...args);
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
      expect(existsSync(join(folder, "out.onnx"))).toBe(false);
    },
    180_000,
  );

  it("an overlap that is allowed is said beside the figures", async () => {
    const { code, stdout } = await blindspot(...HARDEN, "--validate", "npz:cut.npz", "--allow-overlap");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/OVERLAP {2}12 validation inputs were trained on, or/)]);
    const fitted = await blindspot(...FIT, "--validate", "npz:cut.npz", "--allow-overlap", "--out", "guarded.onnx");
    expect(fitted.stdout).toMatch(/OVERLAP {4}12 of the inputs for the threshold/);
    const args = ["--detector", "guarded.onnx", "--data", "npz:cut.npz", "--samples", "10", "--no-probe", "--quiet"];
    const evaluate = ["detect", "evaluate", "--model", "model.onnx", ...args];
    expect((await blindspot(...evaluate)).stderr).toMatch(/E_DATA_OVERLAP npz:cut\.npz: .*got 8 inputs that it was/);
    const allowed = await blindspot(...evaluate, "--allow-overlap");
    expect(allowed.stdout).toMatch(/^.*an attacker who knows it\nOVERLAP: the detector has seen 8 of these inputs/);
  }, 300_000);

  it("a loss that is no number ends the training, and is said; what was good is kept", async () => {
    const diverging = ["--optimizer", "sgd", "--schedule", "constant", "--lr", "1e30", "--out", "diverged.onnx"];
    const { code, stderr } = await blindspot(...HARDEN, ...diverging);
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/E_HARDEN_NOTHING.*a loss of .* in epoch \d.*lower --lr/),
    ]);
    const log = JSON.parse(readFileSync(join(folder, "diverged.training.json"), "utf8"));
    expect(trainingLogSchema.parse(log).stopped!.reason).toBe("diverged");
    expect(existsSync(join(folder, "diverged.onnx"))).toBe(false);
  }, 180_000);
});
