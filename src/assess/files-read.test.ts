import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { randomSamples, type SmallNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import type { Dataset } from "../data/dataset.ts";
import { vectorCodec } from "../inputs/vector-codec.ts";
import { assess } from "./assess.ts";
import { openRunDirectory, storeRisk } from "./files.ts";
import { readRun } from "./files-read.ts";
import { assessRisk } from "./risk/assess-risk.ts";
import { declareRisk } from "./risk/declare.ts";
import type { Result } from "./schema.ts";

const NET: SmallNet = {
  inputs: 4,
  classes: 2,
  hidden: null,
  weights: [-1, 0.5, -0.25, -0.75, 1, -0.5, 0.25, 0.75],
  bias: [0.75, -0.75],
};
const SAMPLES = randomSamples(3, NET, 24);
const DATA: Dataset = {
  spec: "test:points",
  sha256: "0".repeat(64),
  length: SAMPLES.length,
  modality: "vector",
  dims: [4],
  naturalQuantize: "none",
  classes: ["low", "high"],
  labels: Int32Array.from(SAMPLES, ({ label }) => label),
  groups: null,
  sample: async (index) => SAMPLES[index]!,
};

let parent: string;
/** Files of one finished run, each test's to damage. */
let files: Record<string, Uint8Array>;
let result: Result;
let folder: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "blindspot-read-"));
  const whole = join(parent, "whole");
  const assessment = await assess({
    model: { ...smallClassifier(NET), classes: ["low", "high"] },
    data: DATA,
    threats: ["linf:0.2"],
    attacks: ["fgsm", "square"],
    overrides: { queries: 100 },
    samples: "all",
    checks: false,
    codec: () => vectorCodec([4]),
    store: (identity) => openRunDirectory(whole, identity),
  });
  result = assessment.result;
  const blobs = (await readdir(join(whole, "blobs"))).map((name) => `blobs/${name}`);
  const read = ["run.json", "result.json", "samples.jsonl", "findings.jsonl", ...blobs].map(
    async (name) => [name, new Uint8Array(await readFile(join(whole, name)))] as const,
  );
  files = Object.fromEntries(await Promise.all(read));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(parent, "run-"));
  await mkdir(join(folder, "blobs"));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const edit = async (name: string, change: (text: string) => string) => {
  const path = join(folder, name);
  await writeFile(path, change(await readFile(path, "utf8")));
};
const replaceBy = async (path: string, make: () => Promise<unknown>) => {
  await rm(path, { recursive: true });
  await make();
};
const blobsOf = (run: Awaited<ReturnType<typeof readRun>>) =>
  run.findings.flatMap(({ perturbation: { blob } }) => [blob!.original, blob!.adversarial]);

describe("a run read back", () => {
  it("is the run as it was: result, lines, findings and inputs", async () => {
    const run = await readRun(folder);
    expect(run.problems).toEqual([]);
    expect(run.result).toEqual(JSON.parse(JSON.stringify(result)));
    expect(run.samples).toHaveLength(SAMPLES.length);
    expect(run.findings.length).toBeGreaterThan(3);
    expect(run.findings).toHaveLength(result.findings);
    for (const path of blobsOf(run)) expect(await run.blob(path)).toEqual(files[path]);
  });

  it("holds the risk that can be computed from it anew", async () => {
    const run = await readRun(folder);
    expect(assessRisk(run, run.result.risk!.declared)).toEqual(run.result.risk);
  });

  it("keeps another risk, and is still whole", async () => {
    const run = await readRun(folder);
    // What a later version wrote must not be lost.
    await edit("result.json", (text) => text.replace('"schema"', '"later": {"more": 1},\n  "schema"'));
    const declared = declareRisk({ exposure: "api-labels", impact: { low: { high: 5 } } }, run.result.model.classes);
    const risk = assessRisk(run, declared);
    await storeRisk(folder, risk);
    const again = await readRun(folder);
    expect(again.problems).toEqual([]);
    expect(again.result).toEqual({ ...run.result, risk });
    expect(await readFile(join(folder, "result.json"), "utf8")).toContain('"later"');
  });
});

describe("a run that is not whole: what is missing is said", () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "a result edited by hand",
      () => edit("result.json", (text) => text.replace('"seed": 0', '"seed": 1')),
      /^result.json was changed/,
    ],
    [
      "samples edited by hand",
      () => edit("samples.jsonl", (text) => text.replace('"fooled"', '"resisted"')),
      /^samples.jsonl was changed/,
    ],
    [
      "findings edited by hand",
      () => edit("findings.jsonl", (text) => text.replace('"seed":0', '"seed":7')),
      /^findings.jsonl was changed/,
    ],
    ["a byte order mark", () => edit("samples.jsonl", (text) => `\ufeff${text}`), /^samples.jsonl was changed/],
    [
      "fewer samples than the result counts",
      () => edit("samples.jsonl", (text) => text.slice(text.indexOf("\n") + 1)),
      /^samples.jsonl holds 23 samples under linf:0.2;none;untargeted, the result counts 24/,
    ],
    [
      "a resumed run that was interrupted again",
      () => writeFile(join(folder, "samples.jsonl.partial"), ""),
      /^a later sitting of this run was interrupted/,
    ],
    ["no samples", () => rm(join(folder, "samples.jsonl")), /^samples.jsonl is missing/],
    ["no findings", () => rm(join(folder, "findings.jsonl")), /^findings.jsonl is missing/],
    ["no run.json", () => rm(join(folder, "run.json")), /^run.json is missing: whether files were changed/],
    [
      "a run.json without hashes",
      () => edit("run.json", (text) => text.replace('"files"', '"other"')),
      /^run.json holds no hashes/,
    ],
    ["a broken run.json", () => edit("run.json", (text) => text.slice(9)), /^run.json can't be read/],
    ["no blobs", () => rm(join(folder, "blobs"), { recursive: true }), /^\d+ of \d+ stored inputs are missing/],
    [
      "a line cut short",
      () => edit("findings.jsonl", (text) => text.slice(0, -40)),
      /^findings.jsonl: left out line \d+: no JSON/,
    ],
    [
      "a line of another kind",
      () => appendFile(join(folder, "samples.jsonl"), '{"threat":7}\n'),
      /^samples.jsonl: left out line 25: threat: /,
    ],
    [
      "a threat that the result does not have",
      () => edit("samples.jsonl", (text) => text.replace("linf:0.2", "linf:0.3")),
      /^samples.jsonl: left out line 1: a threat that the result does not have/,
    ],
    [
      "a class that the model does not have",
      () => edit("findings.jsonl", (text) => text.replace(/"trueLabel":\d/, '"trueLabel":99')),
      /^findings.jsonl: left out line 1: class 99 of 2/,
    ],
  ])("%s", async (_name, damage, problem) => {
    await damage();
    const run = await readRun(folder);
    expect(run.problems.filter((text) => problem.test(text))).toHaveLength(1);
    expect(run.result.model.classes).toEqual(["low", "high"]);
  });

  it("names few of very many reasons", async () => {
    const lines = Array.from({ length: 2000 }, (_, i) => `{"threat":"t","profiles":{"profile ${i}":1}}\n`);
    await writeFile(join(folder, "samples.jsonl"), lines.join(""));
    const { problems } = await readRun(folder);
    expect(problems.length).toBeLessThan(20);
  });

  it("counts lines that are alike, and keeps control characters out of messages", async () => {
    await writeFile(join(folder, "samples.jsonl"), '{"profiles":{"\u001b[31mred":1}}\n'.repeat(9));
    const { problems } = await readRun(folder);
    expect(problems.find((text) => text.includes("left out"))).toMatch(/left out line 1, 2, 3, 4, 5 and 4 more: /);
    expect(problems.join("")).not.toContain("\u001b");
  });
});

describe("a run that can't be read: one error", () => {
  const expected: [string, () => Promise<unknown>, string][] = [
    ["no folder", () => rm(folder, { recursive: true }), "E_RUN_MISSING"],
    ["a file", () => replaceBy(folder, () => writeFile(folder, "")), "E_RUN_MISSING"],
    ["an empty folder", () => replaceBy(folder, () => mkdir(folder)), "E_RUN_MISSING"],
    ["an interrupted run", () => rm(join(folder, "result.json")), "E_RUN_INCOMPLETE"],
    [
      "another version",
      () => edit("result.json", (text) => text.replace("blindspot-result/1", "blindspot-result/2")),
      "E_RUN_SCHEMA",
    ],
    ["a result that is no JSON", () => edit("result.json", (text) => text.slice(5)), "E_RUN_SCHEMA"],
    [
      "a result without its members",
      () => writeFile(join(folder, "result.json"), '{"schema":"blindspot-result/1"}'),
      "E_RUN_FILE",
    ],
    [
      "a folder called result.json",
      () => replaceBy(join(folder, "result.json"), () => mkdir(join(folder, "result.json"))),
      "E_RUN_FILE",
    ],
  ];
  it.each(expected)("%s", async (_name, damage, code) => {
    await damage();
    await expect(readRun(folder)).rejects.toMatchObject({ name: "BlindspotError", code, exitCode: 2 });
  });

  it.skipIf(process.platform === "win32")("a link that leads out of the folder", async () => {
    await rename(join(folder, "result.json"), join(parent, "elsewhere.json"));
    await symlink(join(parent, "elsewhere.json"), join(folder, "result.json"));
    await expect(readRun(folder)).rejects.toThrow(/E_RUN_FILE.*expected an ordinary file, got a link/);
  });

  it.each([
    ["result.json", { resultBytes: 100 }, /result\.json: expected at most 100 bytes/],
    ["samples.jsonl", { linesBytes: 100 }, /samples\.jsonl: expected at most 100 bytes/],
    ["too many lines", { lines: 10 }, /samples\.jsonl: expected at most 10 lines/],
  ])("beyond the limits: %s", async (_name, limit, message) => {
    const limits = { resultBytes: 1e6, linesBytes: 1e6, lines: 1000, blobBytes: 1e6 };
    await expect(readRun(folder, { ...limits, ...limit })).rejects.toThrow(message);
  });
});

describe("blobs", () => {
  it("are null unless they are what their name says, and lie in the folder", async () => {
    const run = await readRun(folder);
    const [first, second, third] = [...new Set(blobsOf(run))] as [string, string, string];
    await appendFile(join(folder, first), "x");
    expect(await run.blob(first)).toBeNull();
    await rm(join(folder, second));
    expect(await run.blob(second)).toBeNull();
    expect(await run.blob(third)).not.toBeNull();
    await writeFile(join(parent, third.slice(6)), files[third]!);
    for (const path of [
      "result.json",
      "../result.json",
      third.slice(6),
      `blobs/../${third}`,
      `blobs/../../${third.slice(6)}`,
    ])
      expect(await run.blob(path)).toBeNull();
    expect(await readRun(folder).then(({ problems }) => problems)).toEqual([
      expect.stringMatching(/^1 of \d+ stored inputs are missing/),
    ]);
  });

  it.skipIf(process.platform === "win32")("are not read through a link", async () => {
    const run = await readRun(folder);
    const [first, second] = blobsOf(run) as [string, string];
    await rename(join(folder, first), join(parent, "blob"));
    await symlink(join(parent, "blob"), join(folder, first));
    expect(await run.blob(first)).toBeNull();
    await rename(join(folder, "blobs"), join(parent, "blobs"));
    await symlink(join(parent, "blobs"), join(folder, "blobs"));
    expect(await run.blob(second)).toBeNull();
  });
});
