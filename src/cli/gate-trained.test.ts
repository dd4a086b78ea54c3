import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeModel } from "../graph/index.ts";
import { openModel } from "../models/index.ts";
import { type GateResult, gateSchema, type ReplayResult, replaySchema } from "../regression/schema.ts";
import { float32 } from "../tensor/tensor.ts";
import { barImages, barNetwork } from "./bars.test.fixture.ts";
import { type Ended, runBuilt } from "./built.test.fixture.ts";
import { writeFiles } from "./halves.test.fixture.ts";

/**
 * Trained versions of a small net in a git repository: 1 is assessed and committed, 2 is hardened from it, 3 is 1 with 8-bit weights, 4 is trained
 * anew with another seed. Nothing here is made to come out right: training decides.
 */

const THREAT = ["--threat", "linf:0.1"];
const DATA = ["--data", "npz:test.npz", "--samples", "all", "--corpus", "boundary", "--profile", "white-box"];
const TRAINING = ["--data", "npz:train.npz", "--validate", "npz:choose.npz", ...THREAT, "--no-probe"];
const HOW = ["--epochs", "12", "--batch", "32", "--lr", "0.05"];
const EFFORT = ["--attacks", "apgd-ce,apgd-margin", "--profile", "white-box", "--json"];
const MINUTES = 20 * 60_000;
let folder: string;

async function blindspot(...args: string[]): Promise<Ended> {
  const ended = await runBuilt(folder, [...args, "--quiet"], { ...process.env, CI: "" });
  if (ended.stderr.includes("E_")) throw new Error(ended.stderr);
  return ended;
}

const git = (...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: folder, encoding: "utf8" });

function commit(message: string): void {
  git("add", "boundary");
  git("commit", "-qm", message);
}

async function gate(model: string, against: string): Promise<{ code: number; result: GateResult }> {
  const { code, stdout } = await blindspot("gate", "--model", model, "--against", against, ...EFFORT);
  return { code, result: gateSchema.parse(JSON.parse(stdout)) };
}

async function replay(model: string): Promise<ReplayResult> {
  return replaySchema.parse(JSON.parse((await blindspot("replay", "--model", model, "--json")).stdout));
}

const count = ({ cases }: GateResult, ...outcomes: string[]) =>
  cases.filter(({ outcome }) => outcomes.includes(outcome)).length;

/** Every matrix in 255 steps. */
async function inEightBits(path: string): Promise<Uint8Array> {
  const { model } = await openModel(path);
  for (const value of new Set(model.graph.nodes.flatMap(({ inputs }) => inputs))) {
    const weights = value?.constant;
    if (weights == null || weights.dims.length < 2) continue;
    const data = [...(weights.data as Float32Array)];
    const scale = Math.max(...data.map(Math.abs)) / 127;
    value!.constant = float32(
      weights.dims,
      data.map((weight) => scale * Math.round(weight / scale)),
    );
  }
  return writeModel(model);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-gate-trained-"));
  writeFiles(folder, {
    "untrained.onnx": barNetwork(),
    "train.npz": barImages(1, 600),
    "choose.npz": barImages(2, 150),
    "test.npz": barImages(3, 90),
  });
  const plain = ["harden", "--model", "untrained.onnx", ...TRAINING, ...HOW, "--method", "none", "--reinitialize"];
  await blindspot(...plain, "--seed", "1", "--out", "v1.onnx");
  await blindspot("harden", "--model", "v1.onnx", ...TRAINING, ...HOW, "--method", "pgd", "--out", "v2.onnx");
  writeFileSync(join(folder, "v3.onnx"), await inEightBits(join(folder, "v1.onnx")));
  await blindspot(...plain, "--seed", "4", "--out", "v4.onnx");
  git("init", "-q", "-b", "main");
  await blindspot("assess", "--model", "v1.onnx", ...DATA, ...THREAT, "--attacks", "apgd-ce", "--out", "run-1");
  commit("what version 1 gets wrong");
}, MINUTES);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("trained versions in a repository", () => {
  it(
    "are judged by what they withstand: hardening fixes, rounding and retraining do not",
    async () => {
      const hardened = (await gate("v2.onnx", "v1.onnx")).result;
      const { samples } = hardened.corpus;
      expect(samples).toBeGreaterThan(50);
      const rounded = (await gate("v3.onnx", "v1.onnx")).result;
      const retrained = (await gate("v4.onnx", "v1.onnx")).result;
      // What hardening fixes is most of it, with what moved told apart.
      expect(count(hardened, "fixed")).toBeGreaterThan(samples / 3);
      expect(count(hardened, "fixed") + count(hardened, "moved", "still-broken")).toBeGreaterThan(0.9 * samples);
      expect(count(rounded, "fixed")).toBeLessThan(0.05 * samples);
      expect(count(retrained, "fixed")).toBeLessThan(0.05 * samples);
      // Neither broke anything that version 1 withstands.
      for (const { verdict } of [rounded, retrained])
        expect(verdict.failed.filter(({ rule }) => rule === "newly-broken")).toEqual([]);
      commit("what moved");
      // And the way back from the hardened one is closed.
      const back = await gate("v1.onnx", "v2.onnx");
      expect([back.code, count(back.result, "newly-broken")]).toEqual([1, expect.any(Number)]);
      expect(count(back.result, "newly-broken")).toBeGreaterThan(samples / 4);
    },
    MINUTES,
  );

  it(
    "bisect names the version that broke a sample",
    async () => {
      const [second, fourth] = [await replay("v2.onnx"), await replay("v4.onnx")];
      const broken = fourth.cases.find(
        ({ candidate }, i) => candidate.state === "yields" && second.cases[i]!.candidate.state === "resists",
      )!;
      const { stdout } = await blindspot(
        ...["bisect", broken.sample.slice(0, 12), "--models", "v2.onnx", "v4.onnx", "v3.onnx", "--json"],
      );
      expect(JSON.parse(stdout)).toMatchObject({ broke: "v4.onnx", sample: broken.sample });
    },
    MINUTES,
  );

  it(
    "two branches' finds merge without a conflict, and nothing of either is lost",
    async () => {
      const list = async (): Promise<string[]> =>
        JSON.parse((await blindspot("corpus", "ls", "--json")).stdout).map(({ id }: { id: string }) => id);
      const found: string[][] = [];
      for (const [branch, model, seed] of [
        ["one", "v4.onnx", "1"],
        ["two", "v2.onnx", "2"],
      ] as const) {
        git("switch", "-qc", branch, "main");
        await blindspot(...["assess", "--model", model, ...DATA, ...THREAT, "--attacks", "pgd", "--seed", seed]);
        commit(branch);
        found.push(await list());
      }
      git("merge", "-q", "--no-edit", "one");
      expect(new Set(await list())).toEqual(new Set(found.flat()));
      expect(found[0]!.some((id) => !found[1]!.includes(id))).toBe(true);
      expect((await runBuilt(folder, ["corpus", "verify"])).code).toBe(0);
      const { result } = await gate("v2.onnx", "v1.onnx");
      expect(result.corpus.samples).toBe(new Set(found.flat()).size);
    },
    MINUTES,
  );
});
