import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Comparison, comparisonSchema, type Result } from "../assess/schema.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";
import { otherNorm } from "./before-after.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

const TRAIN = ["--data", "npz:train.npz", "--validate", "npz:choose.npz", "--threat", "linf:0.06"];
const METHOD = ["--method", "n-fgsm", "--epochs", "6", "--lr", "0.2", "--batch", "20"];
const MEASURE = ["--samples", "40", "--attacks", "quick"];
let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");

/** Rows `from` to `to` of the halves: no row stands in two parts. */
function part(from: number, to: number): Record<string, Tensor> {
  const { x, y } = halvesData(to);
  return {
    x: float32([to - from, 4, 4], (x.data as Float32Array).subarray(16 * from)),
    y: int64(
      [to - from],
      Array.from({ length: to - from }, (_, i) => Number((y.data as BigInt64Array)[from + i])),
    ),
  };
}

/** Looks at a checkerboard too, which says nothing of the class: an attacker's way in. */
const distracted = () =>
  halvesModel((op, logits, x) => {
    const board = Array.from({ length: 16 }, (_, i) => ((i + Math.floor(i / 4)) % 2 === 0 ? 1.5 : -1.5));
    const weights = float32(
      [16, 2],
      board.flatMap((value) => [value, -value]),
    );
    return op.Add(logits, op.MatMul(op.Flatten(x), op.initializer("board", weights)));
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-diff-"));
  writeFiles(folder, {
    "model.onnx": distracted(),
    "train.npz": part(0, 160),
    "choose.npz": part(160, 200),
    "test.npz": part(200, 280),
    "leaking.npz": part(150, 230),
  });
  const ended = await blindspot(
    "harden",
    "--model",
    "model.onnx",
    ...TRAIN,
    ...METHOD,
    "--test",
    "npz:test.npz",
    ...MEASURE,
    "--out",
    "hardened.onnx",
    "--quiet",
  );
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toContain(`Page       ${join("hardened.before-after", "comparison.html")}`);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stored = () => comparisonSchema.parse(JSON.parse(read("hardened.before-after", "comparison.json")));
const runs = [join("hardened.before-after", "before"), join("hardened.before-after", "after")] as const;

describe("harden --test", () => {
  it("leaves both runs, the comparison and its page in one folder", () => {
    expect(readdirSync(join(folder, "hardened.before-after")).sort()).toEqual([
      "after",
      "before",
      "comparison.html",
      "comparison.json",
    ]);
  });

  it("gains on held-out data under its threat, and loses nothing under another norm that training did not use", () => {
    const { threats, samples, training, cost, headlineNotes } = stored();
    expect(threats.map(({ norm, usedInTraining }) => [norm, usedInTraining])).toEqual([
      ["linf", true],
      ["l2", false],
    ]);
    expect(threats[0]!.overall.difference.low).toBeGreaterThan(0);
    expect(threats[1]!.overall.difference.value).toBeGreaterThanOrEqual(0);
    expect(samples).toEqual({ compared: 40, units: 40, trainedOn: 0 });
    expect(training).toMatchObject({
      method: "n-fgsm",
      crafting: ["fgsm"],
      train: { spec: "npz:train.npz", rows: 160 },
    });
    expect(cost!.latency.before.single).toBeGreaterThan(0);
    expect(headlineNotes).toEqual([]);
  });

  it("refuses held-out data that the training sees, before it trains", async () => {
    const args = [
      "harden",
      "--model",
      "model.onnx",
      ...TRAIN,
      ...METHOD,
      "--test",
      "npz:leaking.npz",
      "--samples",
      "all",
      "--out",
      "leak.onnx",
    ];
    const { code, stderr } = await blindspot(...args);
    expect(stderr).toMatch(
      /E_DATA_OVERLAP npz:leaking\.npz: expected data that takes no part in the training, got 10 of its inputs are trained on; 40 of its inputs choose the epoch/,
    );
    expect(code).toBe(2);
    expect(existsSync(join(folder, "leak.onnx"))).toBe(false);
  });

  it("with --allow-overlap sets them aside, and the headline says so", async () => {
    const args = [
      "harden",
      "--model",
      "model.onnx",
      ...TRAIN,
      ...METHOD,
      "--test",
      "npz:leaking.npz",
      "--samples",
      "all",
      "--attacks",
      "quick",
    ];
    const { code, stdout } = await blindspot(
      ...args,
      "--also",
      "l2:0.2",
      "--allow-overlap",
      "--json",
      "--out",
      "leak.onnx",
    );
    expect(code).toBe(0);
    const { samples, headlineNotes, threats } = JSON.parse(stdout) as Comparison;
    expect(samples).toEqual({ compared: 70, units: 70, trainedOn: 10 });
    expect(threats[0]!.overall.trainedOn!.of).toBe(10);
    expect(headlineNotes).toEqual([
      "Overlap: 40 of its inputs choose the epoch",
      "Overlap: samples that were trained on, or belong to a group that was: 10 of 80; they are in no rate",
    ]);
  }, 30_000);
});

describe("assess of a hardened model", () => {
  const assess = (data: string, ...more: string[]) => {
    const how = ["--threat", "linf:0.06", "--attacks", "fgsm", "--samples", "40", "--no-probe", "--json", "--quiet"];
    return blindspot(
      "assess",
      "--model",
      "hardened.onnx",
      "--data",
      data,
      ...how,
      ...more,
      "--out",
      `seen-${more.length}`,
    );
  };
  const check = (stdout: string) => (JSON.parse(stdout) as Result).checks.find(({ id }) => id === "not-trained-on");

  it("refuses data that it was trained on, or was chosen by", async () => {
    const { code, stderr } = await assess("npz:leaking.npz");
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/E_DATA_OVERLAP .*got \d+ of 40 samples .* were trained on/),
    ]);
    expect((await assess("npz:choose.npz")).stderr).toMatch(/E_DATA_OVERLAP .*chosen on this same data/);
    expect(existsSync(join(folder, "seen-0"))).toBe(false);
  });

  it("with --allow-overlap withdraws the headline; held-out data pass", async () => {
    const { stdout } = await assess("npz:leaking.npz", "--allow-overlap");
    expect(check(stdout)).toMatchObject({ status: "fail", detail: expect.stringContaining("the figures flatter") });
    expect(read("seen-1", "report.html")).toMatch(/is withdrawn.*not-trained-on/s);
    expect(check((await assess("npz:test.npz")).stdout)).toMatchObject({ status: "pass" });
  });
});

describe("diff", () => {
  it("compares stored runs, and finds the training log beside the model", async () => {
    const { code, stdout, stderr } = await blindspot("diff", ...runs, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { cost, ...rest } = JSON.parse(stdout) as Comparison;
    const { cost: _, ...measured } = stored();
    expect(cost).toBeNull();
    expect(rest).toEqual(measured);
  });

  it("writes the comparison, of which every report can be made again", async () => {
    const { stdout } = await blindspot("diff", ...runs, "--out", "cmp");
    expect(stdout).toContain(`Page: ${join("cmp", "comparison.html")}`);
    const again = await blindspot("report", "cmp", "--out", "-");
    expect(again.stdout).toBe(read("cmp", "comparison.html"));
    for (const [format, name] of [
      ["one-page", "comparison-one-page.html"],
      ["markdown", "comparison.md"],
    ] as const) {
      expect(await blindspot("report", "cmp", "--format", format)).toMatchObject({
        code: 0,
        stdout: `${join("cmp", name)}\n`,
      });
      expect(read("cmp", name)).toContain("model.onnx");
    }
    expect(await blindspot("report", "cmp", "--format", "csv")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("E_OPTION --format"),
    });
  });

  it("a run compared with itself shows no difference", async () => {
    const { stdout } = await blindspot("diff", runs[0], runs[0], "--json");
    const { clean, threats } = JSON.parse(stdout) as Comparison;
    for (const { gained, lost, p } of [clean, ...threats.map(({ overall }) => overall)])
      expect([gained, lost, p]).toEqual([0, 0, 1]);
  });

  it("runs that differ in more than the model: exit code 3, with the reasons", async () => {
    const args = [
      "--data",
      "npz:test.npz",
      "--threat",
      "linf:0.06",
      "--attacks",
      "fgsm",
      "--samples",
      "20",
      "--seed",
      "1",
    ];
    await blindspot("assess", "--model", "hardened.onnx", ...args, "--out", "other");
    const { code, stdout, stderr } = await blindspot("diff", runs[0], "other");
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/E_INCOMPARABLE the second run, draw: expected seeded draw of 40/);
    expect(stderr).toContain("white-box under linf:0.06");
    expect(stderr).not.toContain("    at ");
  });

  it("a list of hashes that was changed is refused", async () => {
    for (const name of ["hardened.training.json", "hardened.trained-on.txt"])
      cpSync(join(folder, name), join(folder, name.replace("hardened", "copy")));
    writeFileSync(join(folder, "copy.trained-on.txt"), "");
    const { code, stderr } = await blindspot("diff", ...runs, "--training", "copy.training.json");
    expect(stderr).toMatch(/E_TRAINING_LOG copy\.trained-on\.txt: expected the list that copy\.training\.json names/);
    expect(code).toBe(2);
  });

  it.each([
    ["no second run", () => ["diff", runs[0]], /E_USAGE/],
    ["a folder that is none", () => ["diff", runs[0], "nowhere"], /E_RUN_MISSING nowhere/],
    ["a log that is none", () => ["diff", ...runs, "--training", "train.npz"], /E_TRAINING_LOG train\.npz/],
    [
      "no log",
      () => ["diff", ...runs, "--training", "no.training.json"],
      /E_TRAINING_LOG no\.training\.json: .*no such file/,
    ],
    [
      "the log of another model",
      () => ["diff", runs[1], runs[0], "--training", "hardened.training.json"],
      /E_TRAINING_LOG model\.onnx/,
    ],
    ["a detection that is none", () => ["diff", ...runs, "--detection", "train.npz"], /E_DETECTION_FILE train\.npz/],
    ["the folder of a run to write to", () => ["diff", ...runs, "--out", runs[0]], /E_OUT --out/],
  ])("refuses %s", async (_, args, message) => {
    const { code, stdout, stderr } = await blindspot(...args());
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

describe("otherNorm", () => {
  it.each([
    ["linf:8/255", [32, 32, 3], "l2:0.43"],
    ["linf:0.3", [28, 28, 1], "l2:2.1"],
    ["l2:0.5", [32, 32, 3], "linf:0.036"],
  ])("of %s on %j is %s", (spec, dims, other) => expect(otherNorm(spec, { dims })).toBe(other));
});
