import { describe, expect, it } from "vitest";
import { randomNet, randomSamples, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import type { Dataset } from "../data/dataset.ts";
import { linf } from "../threats/lp.ts";
import { aboutTime, auditCost, auditedSamples, estimate, secondsLeft } from "./estimate.ts";
import { makePlan } from "./plan.ts";

const SPEED = { forward: 0.001, gradient: 0.003 };
const cost = (queries: number, gradients: number) => ({ queries, gradients });

describe("the time left", () => {
  it.each([
    // 10 samples of 100 gradients: 3 s of model time, at twice the time on the clock.
    ["half done on the clock's pace", 5, cost(500, 500), cost(500, 500), 3, 3],
    ["rows under way count as done", 5, cost(750, 750), cost(500, 500), 4.5, 1.5],
    ["never below nothing", 1, cost(2000, 2000), cost(500, 500), 5, 0],
    ["nothing spent yet: by the measured speed", 10, cost(0, 0), cost(0, 0), 0, 3],
  ])("%s", (_name, unfinished, spent, finished, elapsed, seconds) => {
    const run = { perSample: cost(100, 100), unfinished, spent, finished, elapsed };
    expect(secondsLeft(SPEED, run)).toBeCloseTo(seconds, 10);
  });
});

describe("the estimate", () => {
  const net = randomNet(1, 4, 3);
  const samples = randomSamples(1, net, 1000);
  const data: Dataset = {
    spec: "test:points",
    sha256: "0".repeat(64),
    length: samples.length,
    modality: "vector",
    dims: [4],
    naturalQuantize: "none",
    classes: null,
    labels: Int32Array.from(samples, ({ label }) => label),
    groups: null,
    sample: async (index) => samples[index]!,
  };
  const options = { model: smallClassifier(net), data, threats: [linf(0.1)] };

  it("is the most that the plan can take, with cheaper plans beside it", () => {
    const made = estimate({ ...options, attacks: ["square"] }, makePlan({ ...options, attacks: ["square"] }), SPEED);
    expect(made).toMatchObject({ queries: 2_000_000, gradients: 0 });
    expect(made.seconds).toBeCloseTo(2000);
    expect(made.alternatives.map(({ option }) => option)).toEqual(["--attacks quick", "--samples 200"]);
    expect(made.alternatives[1]!.seconds).toBeCloseTo(400);
  });

  it("knows the hard limit of queries", () => {
    const limited = { ...options, attacks: ["pgd", "square"], overrides: { queries: 10 } };
    // PGD would take 41 queries, 40 of them with gradients.
    expect(estimate(limited, makePlan(limited), SPEED)).toMatchObject({ queries: 20_000, gradients: 10_000 });
  });

  it.each([10, 20, 200])("leaves the larger part of a budget of %i samples to the attacks", (samples) => {
    const toll = { secondsPerQuery: null, costPerQuery: 0.001 };
    const asked = { ...smallClassifier(net), toll, capabilities: { output: "scores", gradient: false } } as const;
    const paid = { ...options, model: asked, samples, attacks: ["square"], overrides: { queries: 100 } };
    const plan = makePlan(paid);
    expect(auditCost(paid, plan)).toBeLessThan(estimate(paid, plan, SPEED).queries);
    // Where nothing is paid, curve and check see all that they are meant to.
    const free = { ...paid, model: { ...asked, toll: { ...toll, costPerQuery: 0 } } };
    expect(auditedSamples(free, plan)[0]).toMatchObject({ curve: plan.audit.size, unbounded: Math.min(20, samples) });
  });

  it("names no alternative that is not cheaper", () => {
    const few = { ...options, attacks: ["quick"], samples: 100 };
    expect(estimate(few, makePlan(few), SPEED).alternatives).toEqual([]);
  });

  it.each([
    [0.2, "about 1 s"],
    [80, "about 80 s"],
    [360, "about 6 min"],
    [14_400, "about 4 h"],
    [9_000, "about 2.5 h"],
    [90_000, "about 25 h"],
  ])("%f seconds are %s", (seconds, text) => expect(aboutTime(seconds)).toBe(text));
});
