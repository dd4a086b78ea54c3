import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { randomNet, randomSamples, type SmallNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import type { BlindspotError } from "../base/errors.ts";
import type { DataSample, Dataset } from "../data/dataset.ts";
import { vectorCodec } from "../inputs/vector-codec.ts";
import type { Classifier } from "../models/classifier.ts";
import { stepNotes } from "../models/step-notes.ts";
import { linf } from "../threats/lp.ts";
import { type AssessOptions, assess, requireEvaluated } from "./assess.ts";
import { openRunDirectory } from "./files.ts";
import { type Check, findingSchema, type Result, resultSchema, sampleLineSchema } from "./schema.ts";

/** A plane through the middle of a box of four features: z1 - z0 = 2 w (x - 1/2). */
const W = [1, -0.5, 0.25, 0.75];
const PLANE: SmallNet = {
  inputs: 4,
  classes: 2,
  hidden: null,
  weights: [...W.map((w) => -w), ...W],
  bias: [0.75, -0.75],
};

function datasetOf(samples: readonly DataSample[]): Dataset {
  return {
    spec: "test:points",
    sha256: "0".repeat(64),
    length: samples.length,
    modality: "vector",
    dims: [samples[0]!.point.length],
    naturalQuantize: "none",
    classes: null,
    labels: Int32Array.from(samples, (sample) => sample.label),
    groups: null,
    sample: async (index) => samples[index]!,
  };
}

const SAMPLES = randomSamples(3, PLANE, 80);
const EPSILON = 0.1;

function options(overrides: Partial<AssessOptions> = {}): AssessOptions {
  return {
    model: smallClassifier(PLANE),
    data: datasetOf(SAMPLES),
    threats: [linf(EPSILON)],
    attacks: ["quick"],
    samples: "all",
    now: () => new Date(0),
    ...overrides,
  };
}

const check = (result: Result, id: string): Check => result.checks.find((one) => one.id === id)!;

describe("assess", () => {
  it("finds what can be computed by hand for a plane", async () => {
    const { result } = await assess(options());
    // A box clips a step, so a sample's reach is the sum of |w_i| times the room that coordinate has.
    const standing = SAMPLES.filter(({ point, label }) => {
      const toward = label === 1 ? -1 : 1;
      const margin = Math.abs(W.reduce((sum, w, i) => sum + w * point[i]!, -0.75));
      const reach = W.reduce((sum, w, i) => {
        const room = Math.sign(w) * toward > 0 ? 1 - point[i]! : point[i]!;
        return sum + Math.abs(w) * Math.min(EPSILON, room);
      }, 0);
      return margin > reach;
    });
    expect(result.threats[0]!.profiles[0]!.robustAccuracy.unbroken).toBe(standing.length);
    expect(result.status).toBe("complete");
    expect(result.clean).toMatchObject({ correct: 80, of: 80 });
    expect(result.badge).toBe("E1");
    expect(result.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(resultSchema.parse(result)).toEqual(result);
  });

  it("gives the same figures whatever the order of work and the size of batches", async () => {
    const figures = async (overrides: Partial<AssessOptions>) => {
      const { result } = await assess(options(overrides));
      return result.threats.map((threat) => ({
        ...threat,
        profiles: threat.profiles.map((profile) => profile.robustAccuracy),
        audit: threat.audit.attacks.map(({ seconds: _seconds, ...attack }) => attack),
      }));
    };
    const one = await figures({});
    const delayMs = (pass: number) => (7 * pass) % 3;
    expect(await figures({ model: smallClassifier(PLANE, { maxBatch: 3, concurrency: 3, delayMs }) })).toEqual(one);
  });

  it("lists natural errors apart and never attacks them", async () => {
    const wrong = SAMPLES.map((sample, i) => (i < 5 ? { ...sample, label: 1 - sample.label } : sample));
    const { result } = await assess(options({ data: datasetOf(wrong) }));
    expect(result.naturalErrors.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(result.threats[0]!.statuses.misclassified).toBe(5);
    expect(result.threats[0]!.robustAccuracy.of).toBe(80);
  });

  it("fails by name where gradients are zero but scores are not, and earns no badge", async () => {
    const net = randomNet(5, 4, 3);
    const honest = smallClassifier(net);
    const masked: Classifier = {
      ...honest,
      gradient: async (rows, loss, labels, targets) => {
        const result = await honest.gradient(rows, loss, labels, targets);
        return { ...result, gradients: new Float32Array(result.gradients.length) };
      },
    };
    const data = datasetOf(randomSamples(4, net, 60));
    const { result } = await assess(options({ model: masked, data, attacks: ["fgsm", "bim", "square"] }));
    expect(check(result, "gradients-zero").status).toBe("fail");
    expect(check(result, "unbounded-reaches-zero").status).toBe("fail");
    const score = check(result, "score-vs-white-box");
    expect(score.status).toBe("fail");
    expect(score.detail).toContain("the score profile beats each gradient attack");
    expect(result.badge).toBe("E0");
  });

  it("sees a model that answers at random", async () => {
    const honest = smallClassifier(PLANE);
    let calls = 0;
    const noisy: Classifier = {
      ...honest,
      scores: async (rows) => (await honest.scores(rows)).map((score) => score + 0.01 * (calls++ % 7)),
    };
    const { result } = await assess(options({ model: noisy }));
    expect(check(result, "determinism").status).toBe("fail");
  });

  it("calls the unbounded test void for a constant classifier", async () => {
    const constant: SmallNet = { inputs: 4, classes: 2, hidden: null, weights: new Array(8).fill(0), bias: [1, 0] };
    const data = datasetOf(SAMPLES.map((sample) => ({ ...sample, label: 0 })));
    const { result } = await assess(options({ model: smallClassifier(constant), data }));
    expect(check(result, "unbounded-reaches-zero")).toMatchObject({ status: "skipped" });
    expect(check(result, "gradients-zero").status).toBe("fail");
  });

  it("does not count samples of the targeted class against the unbounded test, and says that they were not attacked", async () => {
    const { result } = await assess(options({ threats: ["linf:0.1"], goal: "targeted:1" }));
    const ofTarget = SAMPLES.filter(({ label }) => label === 1).length;
    expect(result.threats[0]!.statuses.skipped).toBe(ofTarget);
    expect(check(result, "unbounded-reaches-zero").status).toBe("pass");
    expect(check(result, "every-sample-evaluated")).toMatchObject({
      status: "pass",
      detail: expect.stringContaining(`${ofTarget} belong to the goal's only class`),
    });
  });

  it("calls the unbounded test void behind a mask", async () => {
    const { result } = await assess(options({ threats: ["linf:0.1"], mask: Uint8Array.of(0, 0, 0, 0) }));
    expect(result.threats[0]!.robustAccuracy.value).toBe(1);
    expect(check(result, "unbounded-reaches-zero").status).toBe("skipped");
    expect(result.checks.filter(({ status }) => status === "fail")).toEqual([]);
  });

  it("warns of each kind of step function that the classifier names", async () => {
    const steps = { straightThrough: ["QuantizeLinear 'q'"], flat: ["Floor 'f'"] };
    const { result } = await assess(options({ model: { ...smallClassifier(PLANE), steps } }));
    const warned = result.checks.filter(({ id }) => id === "step-functions");
    expect(warned.map(({ status, detail }) => `${status} ${detail}`)).toEqual(
      stepNotes(steps).map((note) => `warn ${note}`),
    );
  });

  it("says that a budget ran out", async () => {
    const { result } = await assess(options({ attacks: ["pgd"], overrides: { queries: 3 } }));
    expect(result.threats[0]!.statuses.skipped).toBeGreaterThan(0);
    expect(check(result, "every-sample-evaluated").status).toBe("warn");
  });

  it("refuses labels that do not fit, all at once, and threats given twice", async () => {
    const labels = SAMPLES.map((sample, i) => ({ ...sample, label: i < 3 ? 5 + i : sample.label }));
    await expect(assess(options({ data: datasetOf(labels) }))).rejects.toThrow(/label/i);
    await expect(assess(options({ threats: [linf(0.1), linf(0.1)] }))).rejects.toThrow("E_THREAT_TWICE");
  });

  it("says all that is wrong with a plan at once", async () => {
    const wrong = { threats: ["linf:0.1", "linf:2", "lp:1"], goal: "win", attacks: ["fgsm", "pdg"] };
    const error = await assess(options(wrong)).catch((thrown: unknown) => thrown);
    expect((error as BlindspotError).problems.map(({ code }) => code)).toEqual([
      "E_GOAL",
      "E_THREAT_EPSILON",
      "E_THREAT_KIND",
      "E_ATTACK_UNKNOWN",
    ]);
  });

  it("ends with exit code 3 when nothing was evaluated", async () => {
    const signal = AbortSignal.abort();
    const assessment = await assess(options({ signal }));
    expect(assessment.result).toMatchObject({ status: "partial", badge: "E0" });
    expect(() => requireEvaluated(assessment)).toThrow(expect.objectContaining({ exitCode: 3 }));
  });
});

describe("a run on disk", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "blindspot-assess-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const stored = (name: string, overrides: Partial<AssessOptions> = {}) =>
    options({
      codec: () => vectorCodec([4]),
      store: (identity) => openRunDirectory(join(folder, name), identity),
      ...overrides,
    });
  const read = (name: string, file: string) => readFile(join(folder, name, file), "utf8");
  const jsonLines = async (name: string, file: string) =>
    (await read(name, file))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  /** Without what the clock says. */
  const timeless = (text: string) => text.replaceAll(/"seconds":[\d.e-]+/g, '"seconds":0');

  it("writes files that their schemas describe, and a blob for each side of each finding", async () => {
    const { result } = await assess(stored("run"));
    expect(JSON.parse(await read("run", "result.json"))).toEqual(JSON.parse(JSON.stringify(result)));
    const samples = await jsonLines("run", "samples.jsonl");
    expect(samples.map((line) => sampleLineSchema.parse(line))).toEqual(samples);
    expect(samples.map((line) => line["index"])).toEqual(SAMPLES.map(({ index }) => index));
    const findings = (await jsonLines("run", "findings.jsonl")).map((line) => findingSchema.parse(line));
    expect(findings).toHaveLength(result.findings);
    expect(findings).toHaveLength(result.threats[0]!.statuses.fooled);
    const blobs = new Set((await readdir(join(folder, "run", "blobs"))).map((name) => `blobs/${name}`));
    for (const { perturbation, verification, outputChange } of findings) {
      expect(blobs).toContain(perturbation.blob!.adversarial);
      expect(blobs).toContain(perturbation.blob!.original);
      expect(perturbation.magnitude.linf).toBeLessThanOrEqual(EPSILON + 1e-6);
      expect(verification).toMatchObject({ agrees: true, inBox: true, inNorm: true });
      expect(outputChange.after.margin).toBeLessThanOrEqual(0);
    }
    expect((await readdir(join(folder, "run"))).sort()).toEqual([
      "blobs",
      "findings.jsonl",
      "result.json",
      "run.json",
      "samples.jsonl",
    ]);
  });

  it("resumes an interrupted run, and ends as if it had not been interrupted", async () => {
    await assess(stored("whole"));
    const controller = new AbortController();
    let seen = 0;
    const first = await assess(
      stored("run", {
        model: smallClassifier(PLANE, { maxBatch: 2, delayMs: () => 1 }),
        signal: controller.signal,
        onEvent: ({ kind }) => {
          if (kind === "sample" && ++seen === 9) controller.abort();
        },
      }),
    );
    expect(first.result.status).toBe("partial");
    expect(first.samples.length).toBeGreaterThanOrEqual(9);
    expect(first.samples.length).toBeLessThan(80);
    const left = 80 - first.samples.length;
    expect(first.result.checks[0]).toMatchObject({
      id: "all-samples-finished",
      status: "warn",
      detail: expect.stringContaining(`${left} of 80 samples are not finished`),
    });
    const events: number[] = [];
    const second = await assess(
      stored("run", { onEvent: (event) => void (event.kind === "plan" && events.push(event.resumed)) }),
    );
    expect(events).toEqual([first.samples.length]);
    expect(second.result.status).toBe("complete");
    for (const file of ["samples.jsonl", "findings.jsonl"])
      expect(timeless(await read("run", file))).toBe(timeless(await read("whole", file)));
  });

  it("goes on after a crash that cut a line short", async () => {
    await assess(stored("whole"));
    await assess(stored("run"));
    const path = join(folder, "run", "samples.jsonl");
    const text = await readFile(path, "utf8");
    await writeFile(`${path}.partial`, text);
    await truncate(`${path}.partial`, text.length - 100);
    const { result } = await assess(stored("run"));
    expect(result.status).toBe("complete");
    expect(timeless(await read("run", "samples.jsonl"))).toBe(timeless(await read("whole", "samples.jsonl")));
    expect(timeless(await read("run", "findings.jsonl"))).toBe(timeless(await read("whole", "findings.jsonl")));
  });

  it("refuses to resume with other options, and names each", async () => {
    await assess(stored("run"));
    const other = stored("run", { seed: 1, attacks: ["fgsm"] });
    await expect(assess(other)).rejects.toThrow(/E_RUN_OPTIONS.*threats[\s\S]*E_RUN_OPTIONS|E_RUN_OPTIONS.*seed/);
    const fewer = assess(stored("run", { samples: 79 }));
    await expect(fewer).rejects.toThrow(/^E_RUN_OPTIONS \S*, indices: expected .{1,120}, got .{1,100}\. Give another/);
  });

  it("refuses a folder that holds something else", async () => {
    await mkdir(join(folder, "run"));
    await writeFile(join(folder, "run", "thesis.tex"), "");
    await expect(assess(stored("run"))).rejects.toThrow("E_OUT_NOT_EMPTY");
    expect(await readdir(join(folder, "run"))).toEqual(["thesis.tex"]);
  });

  it.skipIf(process.platform !== "linux")(
    "says so when the disk is full, and leaves no half-written result",
    async () => {
      const controller = new AbortController();
      controller.abort();
      await assess(stored("run", { signal: controller.signal }));
      await rm(join(folder, "run", "result.json"));
      // /dev/full answers every write with ENOSPC.
      await symlink("/dev/full", join(folder, "run", "result.json.tmp"));
      await expect(assess(stored("run"))).rejects.toThrow(/E_DISK_FULL.*--out/);
      expect(await readdir(join(folder, "run"))).not.toContain("result.json");
    },
  );
});
