import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { baselineSchema } from "../regression/baseline.ts";
import { type GateResult, gateSchema } from "../regression/schema.ts";
import { float32 } from "../tensor/tensor.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

/** Four versions of a small classifier in a git repository, from the first attack to a merge of two branches. */

const THREAT = ["--threat", "linf:0.05", "--samples", "all"];
const DATA = ["--data", "npz:data.npz", "--corpus", "boundary"];
/** The suite is another test's; here two attacks with gradients are enough. */
const EFFORT = ["--attacks", "apgd-ce,apgd-margin", "--profile", "white-box", "--json"];
let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args, { ...process.env, CI: "" });
const git = (...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: folder, encoding: "utf8" });

/** Which half is brighter, by these pixels of the upper row alone: right on the data, and easily fooled. */
function twoPixels(left: number, right: number, scale = 1) {
  const weights = Array.from({ length: 16 }, (_, i) => (i === left ? 5 : i === right ? -5 : 0) * scale);
  return halvesModel((op, _logits, x) =>
    op.MatMul(
      op.Flatten(x),
      float32(
        [16, 2],
        weights.flatMap((weight) => [weight, -weight]),
      ),
    ),
  );
}

async function gate(model: string, against: string, ...more: string[]): Promise<{ code: number; result: GateResult }> {
  const { code, stdout, stderr } = await blindspot("gate", "--model", model, "--against", against, ...EFFORT, ...more);
  if (stdout === "") throw new Error(stderr);
  return { code, result: gateSchema.parse(JSON.parse(stdout)) };
}

const tally = ({ counts }: GateResult) =>
  Object.fromEntries(counts.filter(({ cases }) => cases > 0).map(({ outcome, cases }) => [outcome, cases]));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-gate-cli-"));
  writeFiles(folder, {
    "v1.onnx": twoPixels(0, 2),
    // All sixteen pixels: within the threat nothing fools it.
    "v2.onnx": halvesModel(),
    // Weights rounded: nothing is fixed by that.
    "v3.onnx": twoPixels(0, 2, 1.01),
    // As good, and as weak, at other pixels.
    "v4.onnx": twoPixels(1, 3),
    "data.npz": halvesData(30),
  });
  git("init", "-q", "-b", "main");
  await blindspot("assess", "--model", "v1.onnx", ...DATA, ...THREAT, "--attacks", "fgsm", "--out", "run-1");
  git("add", "boundary");
  git("commit", "-qm", "what version 1 gets wrong");
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("four versions in a repository", () => {
  let broken = 0;

  it("passes the hardened one, names what it withstood, and leaves reports", async () => {
    const { code, result } = await gate("v2.onnx", "v1.onnx", "--report", "html,junit,sarif,markdown");
    const counts = tally(result);
    broken = result.corpus.samples;
    expect(counts["fixed"]).toBeGreaterThan(0);
    // What v1 got wrong without attack has no threat to withstand.
    expect((counts["fixed"] ?? 0) + (counts["not-reproduced"] ?? 0)).toBe(broken);
    expect([code, result.verdict.exitCode]).toEqual([0, 0]);
    for (const name of ["gate.json", "boundary-report.html", "junit.xml", "boundary.sarif", "summary.md"])
      expect(existsSync(join(folder, ".blindspot/gate", name))).toBe(true);
    const junit = await blindspot("report", ".blindspot/gate", "--format", "junit", "--out", "-");
    expect(junit.stdout).toBe(readFileSync(join(folder, ".blindspot/gate/junit.xml"), "utf8"));
    expect((await blindspot("diff", ".blindspot/gate", ".blindspot/gate", "--json")).stdout).toBe("[]\n");
    // Nothing moved, so nothing was stored; and asked again it costs nothing.
    expect(git("status", "--porcelain", "boundary")).toBe("");
    const again = await gate("v2.onnx", "v1.onnx");
    expect(again.result.cost).toMatchObject({ queries: 0, replayed: 0 });
    expect(again.result.cases).toEqual(result.cases);
  }, 180_000);

  it("sees through the rounded one and the retrained one", async () => {
    const rounded = await gate("v3.onnx", "v1.onnx");
    expect(tally(rounded.result)["fixed"]).toBeUndefined();
    expect(rounded.code).toBe(0);
    const other = await gate("v4.onnx", "v1.onnx");
    expect(tally(other.result)["moved"]).toBeGreaterThan(0);
    const children = other.result.cases.flatMap(({ attacked }) => attacked?.child ?? []);
    // Each moved sample came as new files of the corpus, and as nothing else.
    const status = git("status", "--porcelain", "-uall", "boundary").trim().split("\n");
    expect(status.filter((line) => line.includes("/samples/"))).toHaveLength(new Set(children).size);
    expect(status.every((line) => line.startsWith("??"))).toBe(true);
  }, 180_000);

  it("stops the way back, and bisect names the version that broke a sample", async () => {
    const { code, result } = await gate("v1.onnx", "v2.onnx");
    expect(code).toBe(1);
    const newly = result.cases.filter(({ outcome }) => outcome === "newly-broken");
    expect(newly.length).toBeGreaterThan(0);
    const models = ["--models", "v2.onnx", "v1.onnx", "v3.onnx"];
    const found = await blindspot("bisect", newly[0]!.sample.slice(0, 12), ...models, "--json");
    expect(JSON.parse(found.stdout)).toMatchObject({ broke: "v1.onnx", sample: newly[0]!.sample });
  }, 180_000);

  it("compares both on a fresh random set, attacked afresh, as the distances to their planes say", async () => {
    const { x, y } = halvesData(80);
    writeFiles(folder, { "fresh.npz": { x, y } });
    // Both are planes through the middle: what is nearer to one than the threat falls, and nothing else.
    const standing = (weights: readonly number[]) =>
      Array.from({ length: 80 }, (_, i) => {
        const row = Array.from((x.data as Float32Array).subarray(16 * i, 16 * (i + 1)));
        const margin = row.reduce((sum, value, j) => sum + weights[j]! * value, 0) * (i % 2 === 0 ? 1 : -1);
        return margin > 0.05 * weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
      });
    const weak = standing(Array.from({ length: 16 }, (_, j) => (j === 0 ? 1 : j === 2 ? -1 : 0)));
    const strong = standing(Array.from({ length: 16 }, (_, j) => (j % 4 < 2 ? 1 : -1)));
    const count = (values: readonly boolean[]) => values.filter(Boolean).length;
    expect(count(strong)).toBeGreaterThan(count(weak));
    const fresh = ["--data", "npz:fresh.npz", "--samples", "all", "--fail-on", "drop"];
    const better = await gate("v2.onnx", "v1.onnx", ...fresh);
    const lost = weak.filter((stands, i) => stands && !strong[i]).length;
    expect(better.result.fresh!.threats).toMatchObject([
      { of: 80, before: count(weak), after: count(strong), lost, gained: lost + count(strong) - count(weak) },
    ]);
    expect([better.code, better.result.status]).toEqual([0, "complete"]);
    const worse = await gate("v1.onnx", "v2.onnx", ...fresh);
    expect(worse.result.fresh!.threats[0]).toMatchObject({ before: count(strong), after: count(weak) });
    expect([worse.code, worse.result.verdict.failed.map(({ rule }) => rule)]).toEqual([1, ["drop"]]);
    // A drop of a fifth would have shown: they differ by more.
    expect(worse.result.fresh!.threats[0]!.leastDrop).toBeLessThan((count(strong) - count(weak)) / 80);
    // Both runs are kept: the same set costs nothing a second time, and where time is over there is no answer.
    expect(readdirSync(join(folder, ".blindspot/fresh"))).toHaveLength(2);
    const late = await gate("v2.onnx", "v1.onnx", ...fresh, "--seed", "5", "--time", "0.001");
    expect([late.code, late.result.fresh, late.result.freshProblem]).toEqual([
      3,
      null,
      expect.stringContaining("time"),
    ]);
  }, 240_000);

  it("lets a waived sample pass until its day, and blesses only what a person saw whole", async () => {
    const { result } = await gate("v2.onnx", "v1.onnx");
    expect(result.baseline).toBeNull();
    const inCi = await runBuilt(folder, ["bless", "--reason", "x"], { ...process.env, CI: "true" });
    expect([inCi.code, inCi.stderr]).toEqual([2, expect.stringContaining("E_BLESS_CI")]);
    expect((await blindspot("bless", "--reason", "reviewed", "--by", "ann")).code).toBe(0);
    const text = readFileSync(join(folder, "boundary/baselines/main.json"), "utf8");
    expect(baselineSchema.parse(JSON.parse(text))).toMatchObject({ by: "ann", model: { name: "v2.onnx" }, broken: [] });
    const ratchet = await gate("v3.onnx", "v1.onnx", "--fail-on", "ratchet");
    expect([ratchet.code, ratchet.result.verdict.failed[0]!.rule]).toEqual([1, "ratchet"]);

    const back = await gate("v1.onnx", "v2.onnx");
    const newly = back.result.cases.filter(({ outcome }) => ["newly-broken", "clean-regression"].includes(outcome));
    for (const { sample } of newly)
      await blindspot("corpus", "waive", sample.slice(0, 16), "--reason", "next release", "--until", "2999-01-01");
    expect((await gate("v1.onnx", "v2.onnx")).code).toBe(0);
    await blindspot("corpus", "waive", newly[0]!.sample.slice(0, 16), "--reason", "late", "--until", "2020-01-01");
    const expired = await gate("v1.onnx", "v2.onnx", "--fail-on", "drop");
    expect([expired.code, expired.result.verdict.failed]).toEqual([1, [{ rule: "expired-waiver", cases: 1 }]]);
    git("add", "boundary");
    git("commit", "-qm", "waived and blessed");
  }, 240_000);

  it("merges the finds of two branches without a conflict", async () => {
    for (const [branch, seed] of [
      ["one", "1"],
      ["two", "2"],
    ] as const) {
      git("switch", "-qc", branch, "main");
      const run = ["assess", "--model", "v4.onnx", ...DATA, ...THREAT, "--attacks", "pgd", "--seed", seed];
      await blindspot(...run, "--out", `run-${branch}`);
      git("add", "boundary");
      git("commit", "-qm", branch);
    }
    git("merge", "-q", "--no-edit", "one");
    const verified = await blindspot("corpus", "verify", "--json");
    expect(verified.code).toBe(0);
    const { result } = await gate("v2.onnx", "v4.onnx");
    expect(result.corpus.samples).toBeGreaterThan(broken);
    expect(result.verdict.exitCode).toBe(0);
  }, 180_000);
});
