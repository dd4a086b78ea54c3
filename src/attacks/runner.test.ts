import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import type { DataSample } from "../data/dataset.ts";
import { predictedClass } from "../threats/goal.ts";
import { l2, linf } from "../threats/lp.ts";
import { defineAttack } from "./attack.ts";
import type { AttemptBudget } from "./attempt.ts";
import { planProfiles } from "./plan.ts";
import type { AttemptRecord, ProfilePlan, SampleRecord } from "./record.ts";
import { type RunOptions, type RunProgress, runSamples } from "./runner.ts";
import { randomNet, randomSamples, smallClassifier, streamOf } from "./small-net.test.fixture.ts";

const net = randomNet(1, 12, 4);
const surrogateNet = randomNet(2, 12, 4);
const classifier = smallClassifier(net);
const threat = linf(0.1);

function plan(names: readonly string[], set: readonly string[] = [], surrogate = false): readonly ProfilePlan[] {
  const { dims, classes, capabilities } = classifier;
  const context = { threat, dims, classes: classes.length, capabilities, surrogate };
  return planProfiles(names, null, { set }, context).profiles;
}

async function run(samples: readonly DataSample[], options: Partial<RunOptions> = {}): Promise<SampleRecord[]> {
  const records: SampleRecord[] = [];
  const profiles = options.profiles ?? plan(["quick"]);
  for await (const record of runSamples(streamOf(samples), { classifier, threat, profiles, ...options }))
    records.push(record);
  return records.sort((a, b) => a.index - b.index);
}

/** Records without what may differ between runs. */
function timeless(records: readonly SampleRecord[]): unknown {
  const attempt = ({ seconds: _, ...rest }: AttemptRecord): unknown => rest;
  return records.map((record) => ({
    ...record,
    profiles: record.profiles.map((profile) => ({ ...profile, attempts: profile.attempts.map(attempt) })),
    audit: record.audit?.map(attempt) ?? null,
  }));
}

const samples = randomSamples(3, net, 60);
const mislabelled = { ...samples[0]!, index: 60, id: "wrong", label: (samples[0]!.label + 1) % 4 };

describe("a sample's fate", () => {
  const profiles = plan(["standard"], ["square.queries=60", "apgd-margin.steps=40", "apgd-t.steps=20"], true);
  const audit = new Set([1, 5, 8]);
  const few = samples.slice(0, 16);
  const reference = run(few, { profiles, audit, surrogate: smallClassifier(surrogateNet) });

  it.each([
    ["batches of 2", 2, 1, false],
    ["batches of 7, two at once", 7, 2, false],
    ["batches of 64, three at once, shuffled", 64, 3, true],
    ["row by row", 1, 1, false],
  ] as const)("does not depend on its company: %s", async (_, maxBatch, concurrency, shuffled) => {
    const rng = Rng.of(11);
    const options = { maxBatch, concurrency, delayMs: () => rng.integer(2) };
    const order = shuffled ? Rng.of(5).shuffle(few) : few;
    const records = await run(order, {
      classifier: smallClassifier(net, options),
      surrogate: smallClassifier(surrogateNet, options),
      profiles,
      audit,
      inFlight: maxBatch * 2,
    });
    expect(timeless(records)).toEqual(timeless(await reference));
  });

  it("does depend on the seed", async () => {
    const other = await run(few, { profiles, audit, surrogate: smallClassifier(surrogateNet), seed: 1 });
    expect(timeless(other)).not.toEqual(timeless(await reference));
  });

  it("in the audit subset is read off the attempts of the audit", async () => {
    for (const record of await reference) {
      if (!audit.has(record.index)) {
        expect(record.audit).toBeNull();
        continue;
      }
      expect(record.audit).toHaveLength(profiles.flatMap(({ attacks }) => attacks).length);
      for (const { attempts, knowledge } of record.profiles) {
        const all = record.audit!.filter((attempt) => attempt.knowledge === knowledge);
        expect(attempts).toEqual(all.slice(0, attempts.length));
        expect(attempts.slice(0, -1).every(({ outcome }) => outcome !== "fooled")).toBe(true);
        if (attempts.length < all.length) expect(attempts.at(-1)!.outcome).toBe("fooled");
      }
    }
    const without = await run(few, { profiles, surrogate: smallClassifier(surrogateNet) });
    const cascades = (records: readonly SampleRecord[]): unknown =>
      timeless(records.map((r) => ({ ...r, audit: null })));
    expect(cascades(without)).toEqual(cascades(await reference));
  });
});

describe("counting", () => {
  it("agrees with the rows that went through the model", async () => {
    const counted = smallClassifier(net, { maxBatch: 1 });
    let progress: RunProgress | undefined;
    const records = await run([...samples, mislabelled], {
      classifier: counted,
      onProgress: (now) => {
        progress = now;
      },
    });
    const attempts = records.flatMap(({ profiles }) => profiles.flatMap((profile) => profile.attempts));
    const total = (of: (attempt: AttemptRecord) => number): number => attempts.reduce((sum, a) => sum + of(a), 0);
    const standing = records.filter(({ status }) => status !== "misclassified").length;
    const found = attempts.filter((attempt) => attempt.found !== null).length;
    expect(counted.rows.gradient).toBe(total((a) => a.gradients));
    // One clean row for each that is attacked. Without rounding a candidate is the point that was asked about.
    expect(counted.rows.forward).toBe(total((a) => a.queries - a.gradients) + standing);
    expect(counted.rows.verify).toBe(records.length + total((a) => a.verifications));
    expect(total((a) => a.verifications)).toBe(found);
    expect(progress).toMatchObject({
      done: 61,
      started: 61,
      misclassified: 1,
      forwardRows: counted.rows.forward + counted.rows.gradient,
      gradientRows: counted.rows.gradient,
      verifications: counted.rows.verify,
    });
    expect(progress!.fooled + progress!.resisted).toBe(60);
    expect(progress!.fooled).toBeGreaterThan(0);
    expect(progress!.resisted).toBeGreaterThan(0);
  });

  it("gives each row its share of the time", async () => {
    const records = await run(samples.slice(0, 4), { classifier: smallClassifier(net, { delayMs: () => 3 }) });
    for (const { profiles } of records)
      for (const attempt of profiles.flatMap((profile) => profile.attempts)) expect(attempt.seconds).toBeGreaterThan(0);
  });

  it("never lets a batch of one through where batches can be had", async () => {
    const counted = smallClassifier(net, { maxBatch: 16 });
    await run(samples.slice(0, 1), { classifier: counted });
    expect(counted.rows.smallest).toBe(2);
  });

  it("fills batches although each attack asks for one row", async () => {
    const counted = smallClassifier(net, { maxBatch: 16, delayMs: () => 1 });
    const records = await run(samples, { classifier: counted, profiles: plan(["noise"]) });
    const rows = records
      .flatMap(({ profiles }) => profiles[0]!.attempts)
      .reduce((sum, { queries }) => sum + queries, 0);
    expect(counted.rows.passes).toBeLessThan((1.5 * rows) / 16);
  });
});

describe("limits", () => {
  it.each([
    [{ queries: 10 }, "square"],
    [{ queries: 10 }, "pgd"],
    [{ gradients: 7 }, "apgd-t"],
  ] as [AttemptBudget, string][])("%o are never passed by %s", async (budget, name) => {
    const records = await run(samples, { profiles: plan([name]), budget });
    const attempts = records.flatMap(({ profiles }) => profiles[0]!.attempts);
    for (const { queries, gradients, outcome } of attempts) {
      expect(queries).toBeLessThanOrEqual(budget.queries ?? Infinity);
      expect(gradients).toBeLessThanOrEqual(budget.gradients ?? Infinity);
      expect(outcome).not.toBe("resisted");
    }
    expect(records.some(({ status }) => status === "skipped")).toBe(true);
  });

  it("a stopped run ends soon and reports only what is finished", async () => {
    const controller = new AbortController();
    const slow = smallClassifier(net, { delayMs: () => 2, maxBatch: 4 });
    const records: SampleRecord[] = [];
    const options = { classifier: slow, threat, profiles: plan(["standard"], [], true), signal: controller.signal };
    const begin = performance.now();
    for await (const record of runSamples(streamOf(samples), { ...options, surrogate: slow })) {
      records.push(record);
      if (records.length === 3) controller.abort();
    }
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(records.length).toBeLessThan(60);
    expect(records.every(({ status }) => status === "fooled" || status === "resisted")).toBe(true);
    const { passes } = slow.rows;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(slow.rows.passes).toBe(passes);
  });

  it("leaves nothing behind at the signals of many runs", async () => {
    const [stop, end] = [new AbortController(), new AbortController()];
    const ending = Object.assign(smallClassifier(net), { ended: end.signal });
    await run(samples.slice(0, 1), { classifier: ending, signal: stop.signal, profiles: plan(["fgsm"]) });
    for (const { signal } of [stop, end]) expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("a consumer that stops asking stops the run", async () => {
    const counted = smallClassifier(net);
    for await (const record of runSamples(streamOf(samples), { classifier: counted, threat, profiles: plan(["pgd"]) }))
      if (record.index >= 0) break;
    const { passes } = counted.rows;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(counted.rows.passes).toBe(passes);
  });

  it("keeps a bounded number of samples under way", async () => {
    let started = 0;
    let most = 0;
    async function* source(): AsyncGenerator<DataSample> {
      for (let index = 0; index < 2000; index++) {
        started++;
        yield { ...samples[index % 60]!, index };
      }
    }
    let done = 0;
    for await (const _ of runSamples(source(), { classifier, threat, profiles: plan(["fgsm"]) })) {
      done++;
      most = Math.max(most, started - done);
    }
    expect(done).toBe(2000);
    // 16 rows, two passes and one batch that waits.
    expect(most).toBeLessThanOrEqual(16 * 3);
  });
});

describe("verification", () => {
  it("decides whether a clean sample is right, and never calls a wrong one fooled", async () => {
    const [record] = await run([mislabelled]);
    expect(record).toMatchObject({ status: "misclassified", profiles: [], audit: null });
  });

  it("turns down what the original model gets right, and the attack goes on", async () => {
    // The original model differs from the attacked one: it yields only in half of the box.
    const stubborn = smallClassifier(net, {
      verify: (row, scores) => (row[0]! < 0.5 ? scores.map(() => Number.NaN) : scores),
    });
    const half = samples.filter(({ point }) => point[0]! >= 0.5);
    for (const record of await run(half, { classifier: stubborn, profiles: plan(["pgd"], ["pgd.restarts=5"]) })) {
      for (const { found, verifications, rejected } of record.profiles.flatMap(({ attempts }) => attempts)) {
        expect(verifications).toBe(rejected + (found === null ? 0 : 1));
        if (found !== null) expect(found.point[0]).toBeGreaterThanOrEqual(0.5);
      }
    }
  });

  it("does not ask twice about the same point", async () => {
    const ask = defineAttack({
      name: "ask",
      knowledge: "score",
      summary: "",
      source: "",
      defaults: {},
      norms: ["linf"],
      cost: () => ({ queries: 3, gradients: 0 }),
      async run(sample) {
        const x = sample.x0.map((value) => Math.min(1, value + 0.05));
        for (let i = 0; i < 3; i++) await sample.scores(x);
      },
    });
    const never = smallClassifier(net, {
      verify: (_, scores) => scores.map((_, i) => (i === samples[0]!.label ? 1 : 0)),
    });
    const flipped = {
      ...never,
      scores: async () => Float32Array.from({ length: 8 }, (_, i) => (i % 4 === samples[0]!.label ? 0 : 1)),
    };
    const profiles = [{ knowledge: "score" as const, attacks: [{ definition: ask, settings: {} }] }];
    const [record] = await run(samples.slice(0, 1), { classifier: flipped, profiles });
    expect(record!.profiles[0]!.attempts[0]).toMatchObject({
      queries: 3,
      verifications: 1,
      rejected: 1,
      outcome: "resisted",
    });
  });

  it.each([linf(4 / 255, { quantize: "uint8" }), l2(0.2, { quantize: "uint8" }), linf(0.1), l2(0.3)])(
    "finds only what is allowed and wrong: $id",
    async (chosen) => {
      const grid = randomSamples(8, net, 60, true);
      const records = await run(grid, { threat: chosen });
      expect(records.some(({ status }) => status === "fooled")).toBe(true);
      for (const { index, label, profiles } of records)
        for (const { found } of profiles.flatMap(({ attempts }) => attempts)) {
          if (found === null) continue;
          const { point, scores, predicted, distance } = found;
          expect(chosen.violation(point, grid[index]!.point)).toBeNull();
          expect(distance).toBeLessThanOrEqual(chosen.effectiveEpsilon * (1 + 1e-5) + 1e-6);
          expect(predictedClass(await classifier.verify(point))).toBe(predicted);
          expect(scores).toEqual(await classifier.verify(point));
          expect(predicted).not.toBe(label);
        }
    },
  );

  it.each([
    [{ kind: "targeted", target: 2 }, (label: number) => (label === 2 ? [] : [2])],
    [{ kind: "targeted", target: "next" }, (label: number) => [(label + 1) % 4]],
    [{ kind: "set", classes: [0, 1] }, (label: number) => [0, 1].filter((index) => index !== label)],
  ] as const)("holds an attack to its goal: %o", async (goal, allowed) => {
    const records = await run(samples, { threat: linf(0.2, { goal }), profiles: plan(["pgd", "apgd-t", "square"]) });
    expect(records.some(({ status }) => status === "fooled")).toBe(true);
    for (const { label, status, profiles } of records) {
      if (allowed(label).length === 0) expect(status).toBe("skipped");
      for (const { found } of profiles.flatMap(({ attempts }) => attempts))
        if (found !== null) expect(allowed(label)).toContain(found.predicted);
    }
  });
});

describe("trouble", () => {
  const broken = defineAttack({
    name: "broken",
    knowledge: "white-box",
    summary: "",
    source: "",
    defaults: {},
    norms: ["linf"],
    cost: () => ({ queries: 1, gradients: 1 }),
    async run(sample) {
      await sample.scores(sample.x0);
      throw new Error("out of order");
    },
  });

  it("in one attack is that attempt's, and the next goes on", async () => {
    const profiles = [
      {
        knowledge: "white-box" as const,
        attacks: [{ definition: broken, settings: {} }, ...plan(["pgd"])[0]!.attacks],
      },
    ];
    const records = await run(samples, { profiles });
    for (const { status, profiles: outcomes } of records) {
      expect(outcomes[0]!.attempts[0]).toMatchObject({ outcome: "error", detail: "out of order", queries: 1 });
      expect(["fooled", "error"]).toContain(status);
    }
    expect(records.some(({ status }) => status === "fooled")).toBe(true);
  });

  it("in a pass reaches the attempts that asked for it", async () => {
    const failing = { ...smallClassifier(net), gradient: () => Promise.reject(new Error("out of memory")) };
    const records = await run(samples.slice(0, 5), { classifier: failing, profiles: plan(["pgd", "noise"]) });
    for (const { profiles } of records) {
      expect(profiles[0]!.attempts[0]).toMatchObject({ outcome: "error", detail: "out of memory" });
      expect(profiles[1]!.attempts[0]!.outcome).not.toBe("error");
    }
  });

  it.each([
    [{ ...samples[0]!, label: 4 }, "E_SAMPLE_LABEL"],
    [{ ...samples[0]!, point: new Float32Array(3) }, "E_SAMPLE_SIZE"],
  ])("in a sample ends the run with its name (%#)", async (sample, code) => {
    const failure = await run([samples[1]!, sample]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BlindspotError);
    expect((failure as BlindspotError).code).toBe(code);
    expect((failure as BlindspotError).message).toContain("sample-0");
  });

  it("a surrogate of another shape is refused", async () => {
    const other = smallClassifier(randomNet(1, 12, 5));
    await expect(run(samples, { surrogate: other })).rejects.toThrow("E_SURROGATE_SHAPE");
  });
});
