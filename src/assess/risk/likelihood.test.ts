import { describe, expect, it } from "vitest";
import { bandsByIndex, profileRisk, queryStep } from "./likelihood.ts";
import { basisOf, DECLARED, fooled, RESISTED, type Sample, times } from "./run.test.fixture.ts";

const riskOf = (knowledge: "white-box" | "score" | "label" | "transfer", samples: Sample[], declared = DECLARED) => {
  const { samples: lines, findings } = basisOf(samples);
  return profileRisk(knowledge, lines, bandsByIndex(findings), declared);
};

describe("queryStep", () => {
  it.each([
    [0, 1],
    [100, 1],
    [101, 0.9],
    [1_000, 0.9],
    [1_001, 0.7],
    [10_000, 0.7],
    [10_001, 0.4],
    [100_000, 0.4],
    [100_001, 0.2],
  ])("a median of %i queries is %f", (median, step) => expect(queryStep(median)).toBe(step));
});

describe("profileRisk", () => {
  // Wilson's upper bound by hand: z = 1.96 (1.959964), (p + z^2/2n + z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
  it.each([
    [0, 10, 0.27753],
    [0, 200, 0.01885],
    [1, 100, 0.05449],
    [8, 60, 0.24165],
    [50, 100, 0.59617],
    [168, 198, 0.89176],
    [10, 10, 1],
  ])("%i fooled of %i: at most %f", (broken, of, high) => {
    const samples = [
      ...times(broken, { profiles: { "white-box": fooled() } }),
      ...times(of - broken, { profiles: { "white-box": RESISTED } }),
    ];
    const risk = riskOf("white-box", samples);
    expect(risk).toMatchObject({ fooled: broken, of, p: broken / of, medianQueries: null, effort: 1, stealth: 1 });
    expect(risk.pHigh).toBeCloseTo(high, 5);
    expect(risk.likelihoodHigh).toBe(risk.pHigh);
  });

  it.each([
    ["score", [50, 90, 95], 90, 1, 0.9, 0.9],
    ["score", [90, 100, 5_000], 100, 1, 0.9, 0.9],
    ["score", [90, 150, 5_000], 150, 0.9, 0.9, 0.81],
    ["score", [5_000, 5_001, 5_002], 5_001, 0.7, 0.9, 0.63],
    // An even number of samples: the lower of the two in the middle.
    ["label", [100, 20_000], 100, 1, 0.7, 0.7],
    ["label", [900], 900, 0.9, 0.7, 0.63],
    ["label", [9_000], 9_000, 0.7, 0.7, 0.49],
    ["label", [90_000], 90_000, 0.4, 0.7, 0.28],
    ["label", [900_000], 900_000, 0.2, 0.7, 0.14],
    ["transfer", [900_000], null, 1, 1, 1],
    ["white-box", [900_000], null, 1, 1, 1],
  ] as const)("%s with %j queries: effort", (knowledge, queries, medianQueries, step, access, effort) => {
    const samples: Sample[] = [
      ...queries.map((one) => ({ profiles: { [knowledge]: fooled(one) } })),
      // Failures are in p already: their queries do not count.
      ...times(5, { profiles: { [knowledge]: { outcome: "resisted" as const, queries: 2_000_000 } } }),
    ];
    expect(riskOf(knowledge, samples)).toMatchObject({ medianQueries, queryStep: step, access, effort });
  });

  it("counts the queries of the attack that succeeded, not of those that failed before it", () => {
    const samples = [{ profiles: { score: { ...fooled(60), before: 2_000 } } }];
    expect(riskOf("score", samples)).toMatchObject({ medianQueries: 60, queryStep: 1 });
  });

  it("takes no query step where nothing was fooled, but what access costs", () => {
    const risk = riskOf("label", times(200, { profiles: { label: RESISTED } }));
    expect(risk).toMatchObject({ p: 0, medianQueries: null, queryStep: 1, effort: 0.7, likelihood: 0 });
    expect(risk.likelihoodHigh).toBeCloseTo(0.7 * 0.01885, 5);
  });

  it("leaves out samples that were wrong before, were not attacked or ended in an error; a spent budget stands", () => {
    const samples: Sample[] = [
      null,
      { profiles: { score: { outcome: "error" } } },
      { profiles: { "white-box": fooled() } },
      { profiles: { score: { outcome: "skipped" } } },
      { profiles: { score: RESISTED } },
      { profiles: { score: fooled() } },
    ];
    expect(riskOf("score", samples)).toMatchObject({ fooled: 1, of: 3, p: 1 / 3 });
  });

  it.each([
    ["none", ["obvious"], 1],
    ["machine", ["obvious"], 1],
    ["person", ["obvious"], 0.4],
    ["person", ["visible", "obvious"], 0.7],
    ["person", ["subtle", "obvious", "visible"], 1],
    ["person", ["imperceptible", "obvious"], 1],
    // What is not known may be anything.
    ["person", ["obvious", null], 1],
    ["person", [], 1],
  ] as const)("with %s looking at %j: stealth %f", (viewer, bands, stealth) => {
    const samples: Sample[] = [
      ...bands.map((band) => ({ profiles: { "white-box": fooled() }, band })),
      ...times(10, { profiles: { "white-box": RESISTED } }),
    ];
    const risk = riskOf("white-box", samples, { ...DECLARED, viewer });
    expect(risk.stealth).toBe(stealth);
    expect(risk.likelihood).toBeCloseTo((bands.length / (bands.length + 10)) * stealth, 12);
  });

  it("looks at the findings of the samples that this profile fooled alone", () => {
    const samples: Sample[] = [
      { profiles: { "white-box": fooled(), score: RESISTED }, band: "imperceptible" },
      { profiles: { "white-box": fooled(), score: fooled() }, band: "obvious" },
    ];
    const person = { ...DECLARED, viewer: "person" } as const;
    expect(riskOf("white-box", samples, person).stealthBand).toBe("imperceptible");
    expect(riskOf("score", samples, person)).toMatchObject({ stealthBand: "obvious", stealth: 0.4 });
  });
});
