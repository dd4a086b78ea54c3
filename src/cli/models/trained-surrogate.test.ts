import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assess } from "../../assess/assess.ts";
import { startServer, type TestServer } from "../../models/queried/server.test.fixture.ts";
import { MAIN, requireBuilt } from "../built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "../halves.test.fixture.ts";
import type { Target } from "../open.ts";
import type { Given } from "../options.ts";
import { planOptions } from "../plan-options.ts";
import { openAttacked } from "./open-attacked.ts";
import type { Sitting } from "./sitting.ts";

let folder: string;
let server: TestServer;
beforeAll(async () => {
  requireBuilt();
  folder = mkdtempSync(join(tmpdir(), "blindspot-surrogate-"));
  writeFiles(folder, {
    "model.onnx": halvesModel(),
    "data.npz": halvesData(),
    "label.json": JSON.stringify({ request: { x: "$input" }, label: "$.result.label", classes: ["left", "right"] }),
  });
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const PLAN: Given = { attacks: ["mi-fgsm"], samples: 10, layout: "nchw", classes: "left,right" };
const givenFor = (more: Given): Given & { model: string; data: string; threat: readonly string[] } => ({
  model: `${server.url}/label`,
  adapter: `json:${join(folder, "label.json")}`,
  data: `npz:${join(folder, "data.npz")}`,
  threat: ["linf:0.3"],
  ...PLAN,
  ...more,
});
const sittingIn = (name: string | null, more: Partial<Sitting> = {}): Sitting => ({
  journal: name === null ? null : join(folder, name, "journal.jsonl"),
  folder: name === null ? null : join(folder, name),
  signal: new AbortController().signal,
  dryRun: false,
  ...more,
});

async function using<T>(given: ReturnType<typeof givenFor>, sitting: Sitting, work: (target: Target) => Promise<T>) {
  const target = await openAttacked(given, sitting);
  try {
    return await work(target);
  } finally {
    await target.close();
  }
}

const PROBES = 16;

describe("--surrogate train:N", () => {
  it.each<[string, readonly string[]]>([
    ["harden", ["--model", "m.onnx", "--data", "npz:x", "--validate", "npz:x", "--threat", "linf:0.1", "--out", "h"]],
    ["exercise", ["transfer"]],
  ])("'%s' says where to get one: it trains none", (command, rest) => {
    const args = [MAIN, command, ...rest, "--surrogate", "train:100"];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^E_SURROGATE --surrogate train:100: expected an \.onnx file.*assess --surrogate train:100/);
  });

  it("of texts is none: they are edited", async () => {
    const given = givenFor({ surrogate: "train:40" });
    const texts = Array.from({ length: 40 }, (_, i) => JSON.stringify({ t: `text ${i}`, y: ["left", "right"][i % 2] }));
    writeFiles(folder, {
      "texts.jsonl": texts.join("\n"),
      "texts.mjs": "export const f = (rows) => rows.map(() => [1, 0]);",
    });
    const { adapter: _, layout: __, attacks: ___, ...rest } = given;
    const spec = {
      model: `${join(folder, "texts.mjs")}#f`,
      data: `jsonl:${join(folder, "texts.jsonl")}?text=t&label=y`,
    };
    await expect(openAttacked({ ...rest, ...spec, threat: ["text:invisible=1"] }, sittingIn(null))).rejects.toThrow(
      /E_SURROGATE --surrogate train:40: expected an attack that uses a surrogate.*got texts.*by scores and labels/,
    );
  });

  it("asks the target for N rows, the held-out ones and the probes: all counted, the transfer attack works", async () => {
    const given = givenFor({ surrogate: "train:48" });
    const before = server.rowsAsked();
    const result = await using(given, sittingIn("counted"), async (target) => {
      expect(server.rowsAsked() - before).toBe(PROBES + 48 + 10);
      const options = { ...planOptions(target, given), facts: target.facts, checks: false };
      return (await assess(options)).result;
    });
    const { surrogate, surrogateSha256 } = result.model;
    expect(surrogate).toMatchObject({ queries: 48, start: 20, rounds: 2, architecture: "cnn", file: "surrogate.onnx" });
    expect(surrogate!.agreement.of).toBe(10);
    expect(surrogateSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(result.asked!.queries).toBe(server.rowsAsked() - before);
    expect(result.threats[0]!.profiles.map(({ knowledge }) => knowledge)).toEqual(["transfer"]);
    expect(result.threats[0]!.statuses.fooled).toBeGreaterThan(5);
  });

  it("pays nothing twice: resumed after the training, and in the middle of it", async () => {
    const given = givenFor({ surrogate: "train:40" });
    const whole = await using(given, sittingIn("resumed"), async ({ facts }) => facts);
    const file = readFileSync(join(folder, "resumed", "surrogate.onnx"));
    let before = server.rowsAsked();
    const again = await using(given, sittingIn("resumed"), async ({ facts }) => facts);
    expect(server.rowsAsked() - before).toBe(PROBES);
    expect(again).toEqual(whole);
    // As if it had been killed before the file was written: the journal answers.
    rmSync(join(folder, "resumed", "surrogate.onnx"));
    before = server.rowsAsked();
    await using(given, sittingIn("resumed"), async ({ facts }) => expect(facts).toEqual(whole));
    expect(server.rowsAsked() - before).toBe(PROBES);
    expect(readFileSync(join(folder, "resumed", "surrogate.onnx"))).toEqual(file);
  });

  it("stops when it is told to, and goes on from its journal", async () => {
    const given = givenFor({ surrogate: "train:60" });
    const stop = new AbortController();
    const stopped = sittingIn("stopped", {
      signal: stop.signal,
      tell: (text) => /round 1/.test(text()) && stop.abort(),
    });
    await expect(openAttacked(given, stopped)).rejects.toThrow(/E_TRAIN_INTERRUPTED|E_STOPPED/);
    expect(existsSync(join(folder, "stopped", "surrogate.onnx"))).toBe(false);
    const before = server.rowsAsked();
    await using(given, sittingIn("stopped"), async () => {});
    expect(server.rowsAsked() - before).toBeLessThan(PROBES + 60);
  });

  it("trains against a file too, and its own file serves as any surrogate", async () => {
    const { adapter: _, ...file } = givenFor({ model: join(folder, "model.onnx"), surrogate: "train:40" });
    const { queries } = await using(file, sittingIn("file"), async ({ facts }) => facts.surrogate!);
    expect(queries).toBe(40);
    const named = { ...file, surrogate: join(folder, "file", "surrogate.onnx") };
    await using(named, sittingIn(null), async ({ surrogate, facts }) => {
      expect(facts.surrogate).toMatchObject({ queries: 40 });
      expect(surrogate!.dims).toEqual([4, 4, 1]);
    });
  });

  it("is planned without asking anything", async () => {
    const before = server.rowsAsked();
    const planned = await using(
      givenFor({ surrogate: "train:48" }),
      sittingIn(null, { dryRun: true }),
      async (target) => target,
    );
    expect(planned.training).toEqual({ queries: 48, start: 20, rounds: 2 });
    expect(server.rowsAsked()).toBe(before);
  });

  it.each<[string, Given, RegExp]>([
    ["no number", { surrogate: "train:many" }, /E_SURROGATE --surrogate train:many: expected train:N/],
    ["no queries", { surrogate: "train:0" }, /E_SURROGATE/],
    [
      "no sample left",
      { surrogate: "train:40", samples: "all" },
      /samples that are not attacked.*got 0 of 60.*--samples/,
    ],
    [
      "no attack for it",
      { surrogate: "train:40", attacks: ["rays"] },
      /an attack that uses a surrogate.*got none in this plan/,
    ],
    ["more than the budget", { surrogate: "train:40", maxQueries: 35 }, /expected at most 35: the budget/],
    ["more than the money", { surrogate: "train:40", costPerQuery: 1, maxCost: 39 }, /expected at most 39: the budget/],
  ])("%s is an error before anything is paid for it", async (_, more, message) => {
    const before = server.rowsAsked();
    await expect(openAttacked(givenFor(more), sittingIn(null))).rejects.toThrow(message);
    expect(server.rowsAsked() - before).toBeLessThanOrEqual(PROBES);
  });
});
