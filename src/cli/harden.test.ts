import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../data/index.ts";
import { trainingLogSchema } from "../defenses/index.ts";
import { toyArrays, toyData, toyNetwork } from "../defenses/toy.test.fixture.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { writeFiles } from "./halves.test.fixture.ts";

let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

const DATA = ["--data", "npz:train.npz", "--validate", "npz:choose.npz", "--threat", "linf:0.1"];
const QUICK = ["--epochs", "3", "--batch", "32", "--lr", "0.02", "--no-probe"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-harden-"));
  writeFiles(folder, {
    "natural.onnx": toyNetwork(),
    "train.npz": await toyArrays(toyData(1, 256)),
    "choose.npz": await toyArrays(toyData(2, 100)),
    "classify.mjs": "export const classify = (rows) => rows.map((row) => [1 - row[0], row[0]]);",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("blindspot harden", () => {
  it("writes the model, its log and the hashes of what it was trained on, and nothing else", async () => {
    const out = ["--out", "hardened.onnx"];
    const { code, stdout, stderr } = await blindspot(
      "harden",
      "--model",
      "natural.onnx",
      ...DATA,
      ...QUICK,
      "--method",
      "pgd",
      ...out,
    );
    expect(stderr).toMatch(/pgd: 194 weights, start: on validation/);
    expect(stdout).toMatch(/after .* under the watch \(epoch \d\)\n {2}written {2}hardened.onnx/);
    expect(code).toBe(0);
    const made = readdirSync(folder).filter((name) => name.startsWith("hardened"));
    expect(made.sort()).toEqual(["hardened.onnx", "hardened.trained-on.txt", "hardened.training.json"]);
    const log = trainingLogSchema.parse(JSON.parse(readFileSync(join(folder, "hardened.training.json"), "utf8")));
    expect(log.status).toBe("complete");
    const hashes = readFileSync(join(folder, "hardened.trained-on.txt"), "utf8").trim().split("\n");
    expect(hashes).toHaveLength(log.trainedOn.inputs);
    const data = await openDataset(`npz:${join(folder, "train.npz")}`);
    expect(log.data.train).toMatchObject({ rows: 256, sha256: data.sha256 });
  });

  it("--json prints the log alone", async () => {
    const args = [...DATA, ...QUICK, "--regularize", "input-gradient=0.1", "--json", "--quiet", "--out", "alone.onnx"];
    const { stdout, stderr } = await blindspot("harden", "--model", "natural.onnx", ...args);
    expect(trainingLogSchema.parse(JSON.parse(stdout))).toMatchObject({ method: "none" });
    expect(stderr).toBe("");
  });

  it("nothing gained is exit 3, with a log and without a file", async () => {
    const args = [...DATA, "--method", "pgd", "--epochs", "1", "--lr", "1e-9", "--no-probe", "--quiet"];
    const { code, stderr } = await blindspot("harden", "--model", "natural.onnx", ...args, "--out", "none.onnx");
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^E_HARDEN_NOTHING natural.onnx/)]);
    expect([existsSync(join(folder, "none.onnx")), existsSync(join(folder, "none.training.json"))]).toEqual([
      false,
      true,
    ]);
  });

  it.each(["http://127.0.0.1:9/v2/models/signs", "classify.mjs#classify", "cmd:classify"])(
    "%s can't be trained: what helps instead is said, and works",
    async (model) => {
      const args = [...DATA, "--method", "pgd", "--out", "x.onnx", "--quiet"];
      const { code, stderr } = await blindspot("harden", "--model", model, ...args);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/E_UNTRAINABLE .*attack NAME .* --save DIR.*corpus export/),
      ]);
      if (!model.startsWith("classify")) return;
      const attack = ["attack", "square", "--model", model, "--data", "npz:choose.npz", "--threat", "linf:0.4"];
      const saved = await blindspot(
        ...attack,
        "--samples",
        "8",
        "--queries",
        "200",
        "--save",
        "asked",
        "--no-probe",
        "--quiet",
      );
      expect(saved.stdout).toMatch(/adversarial.npz .* still fool the model/);
      const { labels } = await openDataset(`npz:${join(folder, "asked", "adversarial.npz")}`);
      expect(labels.length).toBeGreaterThan(0);
    },
  );

  it.each([
    [["--method", "pgd", "--out", "natural.onnx"], "E_OUT"],
    [["--out", "x.onnx"], "E_OPTION_MISSING"],
    [["--method", "newton", "--out", "x.onnx"], "E_OPTION"],
    [["--method", "pgd", "--validate", "npz:train.npz", "--out", "x.onnx"], "E_DATA_OVERLAP"],
    [["--method", "corpus", "--out", "x.onnx"], "E_HARDEN_BOUNDARY"],
    [["--method", "pgd", "--freeze", "conv", "--out", "x.onnx"], "E_FREEZE"],
    [["--regularize", "jacobian=1", "--out", "x.onnx"], "E_REGULARIZER"],
    [["--method", "pgd", "--augment", "shift=1", "--out", "x.onnx"], "E_AUGMENT"],
  ])("%j is exit 2: %s", async (more, code) => {
    const { code: exit, stderr } = await blindspot(
      "harden",
      "--model",
      "natural.onnx",
      ...DATA,
      ...more,
      "--no-probe",
      "--quiet",
    );
    expect([exit, stderr]).toEqual([2, expect.stringContaining(code)]);
    expect(existsSync(join(folder, "x.onnx"))).toBe(false);
  });
});
