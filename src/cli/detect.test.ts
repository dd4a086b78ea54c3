import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectionResultSchema } from "../defenses/detectors/index.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

/** Rows from..to of the data. */
function part({ x, y }: { x: Tensor; y: Tensor }, from: number, to: number): { x: Tensor; y: Tensor } {
  return {
    x: float32([to - from, 4, 4], (x.data as Float32Array).slice(from * 16, to * 16)),
    y: int64([to - from], Array.from((y.data as BigInt64Array).slice(from, to), Number)),
  };
}

const FIT = ["detect", "fit", "--model", "model.onnx", "--data", "npz:fit.npz", "--threat", "linf:0.2"];
const EVALUATE = ["detect", "evaluate", "--model", "model.onnx", "--data", "npz:test.npz", "--samples", "20"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-detect-"));
  const data = halvesData(160);
  writeFiles(folder, {
    "model.onnx": halvesModel(),
    "other.onnx": halvesModel((op, logits) => op.Mul(logits, float32([1], [3]))),
    "fit.npz": part(data, 0, 60),
    "choose.npz": part(data, 60, 120),
    "test.npz": part(data, 120, 160),
  });
  const fitted = await blindspot(
    ...FIT,
    "--validate",
    "npz:choose.npz",
    "--detector",
    "mahalanobis",
    "--out",
    "g.onnx",
  );
  expect(fitted.stderr).toBe("");
  expect(fitted.code).toBe(0);
  expect(fitted.stdout).toMatch(/rejects [0-3] of 60 clean inputs .*budget 5\.0 %/);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("detect", () => {
  it("evaluates against an attacker who knows the detector; the threat is the one it was fitted for", async () => {
    const { code, stdout, stderr } = await blindspot(...EVALUATE, "--detector", "g.onnx", "--out", "d.json", "--json");
    expect(stderr).toContain("static: 20 samples");
    expect(code).toBe(0);
    const result = detectionResultSchema.parse(JSON.parse(stdout));
    expect(readFileSync(join(folder, "d.json"), "utf8")).toBe(stdout);
    expect(result.threat.id).toBe("linf:0.2;none;untargeted");
    expect(result.data.samples).toBe(20);
    expect(result.bypass.value).toBeGreaterThan(0.5);
  });

  it("prints the headline before the side figure", async () => {
    const { stdout } = await blindspot(...EVALUATE, "--detector", "g.onnx", "--quiet");
    const order = ["accuracy with rejection", "bypassed", "clean inputs rejected", "AUROC"].map((text) =>
      stdout.indexOf(text),
    );
    expect(order.every((at, i) => at > (order[i - 1] ?? 0))).toBe(true);
  });

  it.each<[string, string[], string]>([
    ["another model", ["--model", "other.onnx", "--detector", "g.onnx"], "E_DETECTOR_MODEL"],
    ["another threat", ["--detector", "g.onnx", "--threat", "linf:0.1"], "E_DETECTOR_THREAT"],
    ["the same epsilon, rounded otherwise", ["--detector", "g.onnx", "--quantize", "uint8"], "E_DETECTOR_THREAT"],
    ["a file without a detector", ["--detector", "model.onnx"], "E_DETECTOR_FILE"],
    ["data that it has seen", ["--detector", "g.onnx", "--data", "npz:choose.npz"], "E_DATA_OVERLAP"],
    ["no detector", [], "E_OPTION_MISSING"],
  ])("evaluate refuses %s", async (_, args, code) => {
    const ended = await blindspot(...EVALUATE, ...args, "--no-probe");
    expect(ended.stderr).toContain(code);
    expect(ended.code).toBe(2);
  });

  it("evaluate refuses a list of hashes that is not the detector's", async () => {
    const list = join(folder, "g.fitted-on.txt");
    const text = readFileSync(list, "utf8");
    expect(text.trim().split("\n")).toHaveLength(120);
    writeFileSync(list, text.split("\n").slice(1).join("\n"));
    const ended = await blindspot(...EVALUATE, "--detector", "g.onnx");
    writeFileSync(list, text);
    expect(ended.stderr).toContain("E_DETECTOR_SEEN");
    expect(ended.code).toBe(2);
  });

  it.each<[string, string[], string]>([
    ["an unknown detector", ["--detector", "magnet"], "squeezing, mahalanobis, binary, energy"],
    ["squeezers that don't exist", ["--detector", "squeezing", "--squeezers", "jpeg=75"], "E_SQUEEZERS"],
    ["a budget of everything", ["--detector", "energy", "--false-positives", "1"], "a share above 0 and below 1"],
    ["a budget below the data", ["--detector", "energy", "--false-positives", "0.001"], "E_DETECTOR_BUDGET"],
    ["a layer that is no feature", ["--detector", "mahalanobis", "--layer", "nothing"], "E_DETECTOR_LAYER"],
    ["the same data twice", ["--detector", "energy", "--validate", "npz:fit.npz"], "E_DATA_OVERLAP"],
    ["two threats", ["--detector", "energy", "--threat", "l2:1"], "--threat"],
    ["to overwrite the model", ["--detector", "energy", "--out", "model.onnx"], "E_OUT"],
  ])("fit refuses %s", async (_, args, text) => {
    const ended = await blindspot(...FIT, "--validate", "npz:choose.npz", "--out", "x.onnx", ...args);
    expect(ended.stderr).toContain(text);
    expect(ended.code).toBe(2);
    expect(existsSync(join(folder, "x.onnx"))).toBe(false);
  });

  it("knows two steps", async () => {
    const ended = await blindspot("detect", "train");
    expect(ended.stderr).toContain("detect fit or detect evaluate");
    expect(ended.code).toBe(2);
  });
});
