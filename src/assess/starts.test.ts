import { describe, expect, it } from "vitest";
import { planProfiles } from "../attacks/plan.ts";
import { runSamples } from "../attacks/runner.ts";
import { randomNet, randomSamples, smallClassifier, streamOf } from "../attacks/small-net.test.fixture.ts";
import { linf } from "../threats/lp.ts";

const net = randomNet(3, 6, 3);
const classifier = smallClassifier(net);
const threat = linf(0.15);
const samples = randomSamples(1, net, 80);
const context = { threat, dims: [6], classes: 3, capabilities: classifier.capabilities, surrogate: false };

async function attacked(names: readonly string[], starts?: ReadonlyMap<number, readonly Float32Array[]>) {
  const { profiles } = planProfiles(names, ["white-box"], {}, { ...context, starts: starts !== undefined });
  const own = starts === undefined ? {} : { starts: ({ index }: { index: number }) => starts.get(index) ?? [] };
  const found = new Map<number, Float32Array>();
  let queries = 0;
  for await (const { index, profiles: outcomes } of runSamples(streamOf(samples), {
    classifier,
    threat,
    profiles,
    ...own,
  })) {
    const attempts = outcomes.flatMap((outcome) => outcome.attempts);
    for (const attempt of attempts) {
      if (attempt.found !== null) found.set(index, attempt.found.point);
      queries += attempt.queries;
    }
  }
  return { found, queries };
}

describe("warm attacks", () => {
  it("find at once what is there already, and lose nothing that a cold attack finds", async () => {
    const cold = await attacked(["apgd-ce", "apgd-margin"]);
    expect(cold.found.size).toBeGreaterThan(10);
    const starts = new Map([...cold.found].map(([index, point]) => [index, [point]]));
    const warm = await attacked(["warm", "apgd-ce", "apgd-margin"], starts);
    expect([...warm.found.keys()].sort()).toEqual([...cold.found.keys()].sort());
    // On the same model the stored input itself is the answer: one query each.
    const resisting = (samples.length - cold.found.size) * (101 + 2 * 101);
    expect(warm.queries).toBeLessThanOrEqual(resisting + cold.found.size);
  });

  it("don't run, and don't count as missing, where there is nothing to start from", () => {
    const { profiles, notRun } = planProfiles(["warm", "apgd-ce"], null, {}, context);
    expect(profiles.flatMap(({ attacks }) => attacks.map(({ definition }) => definition.name))).toEqual(["apgd-ce"]);
    expect(notRun.map(({ reason }) => reason)).toContain("there is nothing to start from (--start-from RUN)");
    expect(() => planProfiles(["apgd-warm"], null, {}, context)).toThrow("nothing to start from");
  });
});
