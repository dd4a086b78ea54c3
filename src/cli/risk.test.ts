import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { riskSchema } from "../assess/schema/risk.ts";
import { type Result, resultSchema } from "../assess/schema.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

const ASSESS = ["assess", "--model", "model.onnx", "--data", "npz:data.npz", "--classes", "left,right"];
const GOOD = [...ASSESS, "--threat", "linf:0.2", "--attacks", "fgsm,square", "--queries", "100"];
let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

const resultOf = (run: string): Result =>
  resultSchema.parse(JSON.parse(readFileSync(join(folder, run, "result.json"), "utf8")));
const json = async (...args: string[]) => riskSchema.parse(JSON.parse((await blindspot(...args, "--json")).stdout));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-risk-"));
  const risk = { exposure: "api-scores", impact: { left: { right: 5 }, default: 2 } };
  writeFiles(folder, {
    "model.onnx": halvesModel(),
    "data.npz": halvesData(),
    "declared.json": JSON.stringify({ samples: "all", risk }),
    "declared.mjs": `export default ${JSON.stringify({ risk })};`,
    "impact.json": JSON.stringify({ right: { "*": 4 }, pairs: [{ true: "left", wrong: "right", impact: 1 }] }),
    "wrong.json": JSON.stringify({ risk: { exposed: true, impact: { up: { down: 7 }, default: 0 } } }),
    "broken.json": "{",
  });
  const { code, stderr } = await blindspot(...GOOD, "--out", "run", "--quiet");
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("assess", () => {
  it("declares cautiously, and stamps the impact as not assessed", () => {
    const { risk } = resultOf("run");
    expect(risk!.declared).toMatchObject({ exposure: "public", viewer: "none", assessed: false });
    expect(risk!.threats[0]!.impact).toMatchObject({ value: 3, source: "default" });
    expect(risk!.threats[0]!.profiles.map(({ inReach }) => inReach)).not.toContain(false);
  });

  it("takes the declaration of a config file, and an option before it", async () => {
    const { code, stderr } = await blindspot(
      ...GOOD,
      ...["--config", "declared.json", "--viewer", "person", "--out", "config", "--quiet"],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(resultOf("config").risk!.declared).toEqual({
      exposure: "api-scores",
      viewer: "person",
      impact: { default: 2, defaultDeclared: true, pairs: [{ true: "left", wrong: "right", impact: 5 }] },
      assessed: true,
    });
  });

  it.each([
    ["to attack", []],
    ["a plan", ["--dry-run"]],
  ])("refuses a declaration that does not fit the model before there is %s", async (_name, more) => {
    const { code, stdout, stderr } = await blindspot(...GOOD, "--config", "wrong.json", "--out", "refused", ...more);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("E_RISK_KEY risk, exposed: expected one of exposure, viewer, impact");
    expect(stderr).toContain("a class of the model (left, right) or *, got 'up'");
    expect(stderr).toContain("E_IMPACT_VALUE risk.impact, default: expected a whole number from 1");
    expect(existsSync(join(folder, "refused"))).toBe(false);
  });
});

describe("risk", () => {
  it("gives what the run holds, where nothing else is declared; writes nothing", async () => {
    const before = readFileSync(join(folder, "run", "result.json"));
    expect(await json("risk", "run")).toEqual(resultOf("run").risk);
    expect((await blindspot("risk", "run")).stdout).toMatch(
      /^Risk of model\.onnx[\s\S]*Under linf:0\.2[\s\S]*L = p × effort × stealth/,
    );
    expect(readFileSync(join(folder, "run", "result.json"))).toEqual(before);
  });

  it.each(["declared.json", "declared.mjs"])("recomputes it under another declaration: %s", async (config) => {
    const risk = await json("risk", "run", "--config", config);
    expect(risk.declared).toMatchObject({ exposure: "api-scores", assessed: true });
    const [threat] = risk.threats;
    expect(threat!.profiles.find(({ knowledge }) => knowledge === "white-box")!.inReach).toBe(false);
    expect(threat!.profile).toBe("score");
    expect(threat!.impact).toEqual({ value: 5, source: "declared", pair: { true: "left", wrong: "right" } });
    // The same figures, weighed otherwise.
    const before = resultOf("run").risk!.threats[0]!;
    expect(threat!.profiles.map(({ p }) => p)).toEqual(before.profiles.map(({ p }) => p));
  });

  it("keeps it with --write: reports made from now on show it, and the run is still whole", async () => {
    const args = ["risk", "run", "--impact", "impact.json", "--write"];
    expect((await blindspot(...args)).stderr).toMatch(/^Written to run.result\.json/);
    expect(resultOf("run").risk!.declared.impact.pairs).toEqual([
      { true: "right", wrong: "*", impact: 4 },
      { true: "left", wrong: "right", impact: 1 },
    ]);
    const again = await blindspot("risk", "run", "--json");
    expect(again.stderr).toBe("");
    expect(riskSchema.parse(JSON.parse(again.stdout))).toEqual(resultOf("run").risk);
  });

  it("says what was edited by hand, and gives it no new hash", async () => {
    await blindspot(...GOOD, "--out", "edited", "--quiet");
    const path = join(folder, "edited", "samples.jsonl");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll('"fooled"', '"resisted"'));
    const shown = await blindspot("risk", "edited");
    expect(shown).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("samples.jsonl was changed after the run"),
    });
    const written = await blindspot("risk", "edited", "--write");
    expect(written).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("E_RUN_CHANGED") });
  });

  it.each<[string, string[], RegExp]>([
    ["no folder", ["risk"], /missing required argument 'dir'|E_/],
    ["a folder that is not there", ["risk", "nowhere"], /E_RUN_MISSING nowhere.*no such folder/],
    ["a folder of something else", ["risk", "."], /E_RUN_MISSING .*with result\.json/],
    ["an interrupted run", ["risk", "interrupted"], /E_RUN_INCOMPLETE interrupted.*same --out/],
    ["classes that the model does not have", ["risk", "run", "--config", "wrong.json"], /E_IMPACT_CLASS.*left, right/],
    ["a matrix that is no JSON", ["risk", "run", "--impact", "broken.json"], /E_CONFIG broken\.json/],
    ["an exposure that does not exist", ["risk", "run", "--exposure", "all"], /--exposure.*api-labels/],
  ])("refuses %s", async (_name, args, message) => {
    mkdirSync(join(folder, "interrupted"), { recursive: true });
    writeFileSync(join(folder, "interrupted", "run.json"), "{}");
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await blindspot(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual(before);
  });
});
