import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { riskSchema } from "../schema/risk.ts";
import type { Declared, Result, Risk, ThreatRisk } from "../schema.ts";
import { assessRisk, type RiskBasis } from "./assess-risk.ts";
import { declareRisk } from "./declare.ts";
import { REACH } from "./likelihood.ts";
import { basisOf, CLASSES, DECLARED, fooled, RESISTED, type Reached, type Sample, times } from "./run.test.fixture.ts";
import { NOT_ENOUGH } from "./severity.ts";

const only = (risk: Risk): ThreatRisk => risk.threats[0]!;
const riskOf = (basis: RiskBasis, declared: Declared = DECLARED) => only(assessRisk(basis, declared));

/** 40 samples: gradients fool 12, scores 5 (median 640 queries), labels none. */
const SAMPLES: Sample[] = [
  ...times(3, {
    label: 0,
    profiles: { "white-box": fooled(9, 2), score: fooled(640, 1), label: RESISTED },
    band: "subtle",
  }),
  ...times(2, { label: 1, profiles: { "white-box": fooled(9, 0), score: fooled(900, 0), label: RESISTED } }),
  ...times(7, { label: 1, profiles: { "white-box": fooled(9, 0), score: RESISTED, label: RESISTED } }),
  ...times(28, { label: 2, profiles: { "white-box": RESISTED, score: RESISTED, label: RESISTED } }),
];

describe("assessRisk", () => {
  it("is what can be computed by hand", () => {
    const risk = riskOf(basisOf(SAMPLES));
    // 12 of 40 = .3: likely; at most .45430: likely; impact 3: Medium.
    expect(risk).toMatchObject({
      profile: "white-box",
      enough: true,
      likelihood: { value: 0.3, band: "likely", bandHigh: "likely" },
      impact: { value: 3, source: "default" },
      severity: { value: "Medium", high: "Medium", shown: "Medium" },
    });
    expect(risk.likelihood.high).toBeCloseTo(0.4543, 5);
    expect(riskSchema.parse(assessRisk(basisOf(SAMPLES), DECLARED)).threats).toHaveLength(1);
  });

  it("takes the strongest attacker in reach of the exposure", () => {
    const of = (exposure: Declared["exposure"]) => riskOf(basisOf(SAMPLES), { ...DECLARED, exposure });
    expect(of("internal").likelihood.value).toBe(0.3);
    // 5 of 40 x .9 (640 queries) x .9 (scores).
    expect(of("api-scores")).toMatchObject({ profile: "score", likelihood: { band: "possible", bandHigh: "likely" } });
    expect(of("api-scores").likelihood.value).toBeCloseTo(0.125 * 0.81, 12);
    expect(of("api-scores").likelihood.high).toBeCloseTo(0.26112 * 0.81, 5);
    // 0 of 40: nothing observed, at most .08762 x .7.
    expect(of("api-labels")).toMatchObject({ profile: "label", likelihood: { value: 0, band: "not observed" } });
    expect(of("api-labels").likelihood.high).toBeCloseTo(0.08762 * 0.7, 5);
    expect(of("api-labels").profiles.map(({ inReach }) => inReach)).toEqual([false, false, true]);
  });

  it("takes the costliest mistake observed, and lists each with its severity", () => {
    const declared = declareRisk({ impact: { default: 1, stop: { "limit 50": 5 }, yield: { "*": 2 } } }, CLASSES);
    const risk = riskOf(basisOf(SAMPLES), declared);
    expect(risk.impact).toEqual({ value: 5, source: "declared", pair: { true: "stop", wrong: "limit 50" } });
    expect(risk.severity.shown).toBe("High");
    const seen = risk.pairs.map((pair) => [
      pair.true,
      pair.wrong,
      pair.samples,
      pair.findings,
      pair.impact,
      pair.shown,
    ]);
    expect(seen).toEqual([
      // Its finding is the nearest one of either attacker: here that of the white box.
      ["stop", "limit 50", 3, 3, 5, "High"],
      ["yield", "stop", 9, 9, 2, "Medium"],
      ["stop", "yield", 3, 0, 1, "Low"],
    ]);
  });

  it("takes the costliest of the whole matrix where no mistake was observed", () => {
    const resisted = times(200, { profiles: { "white-box": RESISTED } });
    const declared = declareRisk({ impact: { default: 2, stop: { yield: 5 } } }, CLASSES);
    // At most .01885: unlikely; impact 5: Low, at most Medium.
    expect(riskOf(basisOf(resisted), declared)).toMatchObject({
      impact: { value: 5, pair: null },
      severity: { value: "Low", high: "Medium", shown: "Low to Medium" },
      pairs: [],
    });
    expect(riskOf(basisOf(resisted)).impact).toEqual({ value: 3, source: "default", pair: null });
  });

  it.each([
    ["E0", NOT_ENOUGH],
    ["E1", NOT_ENOUGH],
    ["E2", "Medium"],
    ["E3", "Medium"],
    ["E4", "Medium"],
  ] as const)("shows a Medium at badge %s as %s", (badge, shown) =>
    expect(riskOf(basisOf(SAMPLES, badge)).severity).toEqual({ value: "Medium", high: "Medium", shown }),
  );

  it("shows what is High whatever the badge: it was observed", () => {
    const broken = times(10, { profiles: { "white-box": fooled() } });
    expect(riskOf(basisOf(broken, "E0")).severity.shown).toBe("High");
  });

  it("claims nothing below High where the strongest attacker of the exposure did not run", () => {
    const blackBox = times(200, { profiles: { score: RESISTED } });
    expect(riskOf(basisOf(blackBox, "E2", ["score"])).severity.shown).toBe(NOT_ENOUGH);
    const apiScores = { ...DECLARED, exposure: "api-scores" } as const;
    expect(riskOf(basisOf(blackBox, "E2", ["score"]), apiScores).severity.shown).toBe("Info to Low");
  });

  it("excludes nothing where no attacker in reach ran", () => {
    const risk = riskOf(basisOf(times(20, { profiles: { "white-box": fooled() } })), {
      ...DECLARED,
      exposure: "api-labels",
    });
    expect(risk).toMatchObject({
      profile: null,
      likelihood: { value: 0, high: 1, band: "not observed", bandHigh: "very likely" },
      severity: { shown: NOT_ENOUGH },
    });
    expect(risk.arithmetic).toMatch(/^No attacker in reach was evaluated: L = 0 \(not observed\), at most 1/);
  });

  it("says excluded only where every correct sample is proved, whatever the badge", () => {
    const basis = basisOf([null, ...times(199, { profiles: { "white-box": RESISTED } })], "E1");
    const proved = (certified: number): RiskBasis => ({
      ...basis,
      result: {
        ...basis.result,
        threats: basis.result.threats.map((threat) => ({
          ...threat,
          robustAccuracy: { ...threat.robustAccuracy, of: 200, bracket: { certified, attacked: 0.995 } },
        })),
      },
    });
    // Another draw of samples may hold one that is not proved.
    expect(riskOf(proved(0.995))).toMatchObject({
      likelihood: { value: 0, band: "excluded within epsilon", bandHigh: "unlikely" },
      severity: { value: "Info", shown: "Info to Low" },
    });
    expect(riskOf(proved(0.99))).toMatchObject({
      likelihood: { band: "not observed" },
      severity: { shown: NOT_ENOUGH },
    });
  });

  it("prints the formula with its numbers", () => {
    expect(riskOf(basisOf(SAMPLES)).arithmetic).toMatchInlineSnapshot(
      `"white-box: L = p × effort × stealth = 0.3 (12 of 40) × 1 × 1 = 0.3 (likely); with the upper 95 % bound of p: 0.454 × 1 × 1 = 0.454 (likely). Impact 3 (yield taken for stop; not assessed). Severity Medium."`,
    );
    const apiScores = { ...DECLARED, exposure: "api-scores", viewer: "person" } as const;
    expect(riskOf(basisOf(SAMPLES.slice(3)), apiScores).arithmetic).toMatchInlineSnapshot(
      `"score: L = p × effort × stealth = 0.0541 (2 of 37) × 0.81 (0.9 for a median of 900 queries × 0.9 for scores) × 0.7 (visible) = 0.0306 (unlikely); with the upper 95 % bound of p: 0.177 × 0.81 (0.9 for a median of 900 queries × 0.9 for scores) × 0.7 (visible) = 0.1 (possible). Impact 3 (yield taken for stop; not assessed). Severity Low to Medium."`,
    );
    expect(riskOf(basisOf(times(50, { profiles: { "white-box": RESISTED } }), "E1")).arithmetic).toMatchInlineSnapshot(
      `"white-box: L = p × effort × stealth = 0 (0 of 50) × 1 × 1 = 0 (not observed); with the upper 95 % bound of p: 0.0713 × 1 × 1 = 0.0713 (possible). Impact 3 (no mistake was observed: the costliest of all; not assessed). Severity Info to Medium, but too little was evaluated to claim less than High."`,
    );
  });
});

const RANK = ["Info", "Low", "Medium", "High", "Critical"];
/** What is unknown may be anything: no severity is higher. */
const shownRank = (shown: string) => (shown === NOT_ENOUGH ? RANK.length : RANK.indexOf(shown.split(" to ").at(-1)!));
const EXPOSURES = ["api-labels", "api-scores", "internal", "public"] as const;
const BANDS = ["imperceptible", "subtle", "visible", "obvious"] as const;

const reached: fc.Arbitrary<Reached> = fc.record({
  outcome: fc.constantFrom("fooled", "fooled", "resisted", "skipped", "error"),
  queries: fc.constantFrom(5, 90, 500, 5_000, 50_000, 500_000),
  wrong: fc.constantFrom(1, 2),
});
const sample: fc.Arbitrary<Sample> = fc.option(
  fc.record({
    profiles: fc.record(
      { "white-box": reached, score: reached, label: reached, transfer: reached },
      { requiredKeys: ["white-box", "score"] },
    ),
    band: fc.option(fc.constantFrom(...BANDS), { freq: 9, nil: null }),
  }),
  { freq: 9, nil: null },
);
const samples = fc.array(sample, { minLength: 1, maxLength: 40 });
const declaration: fc.Arbitrary<Declared> = fc
  .record({
    exposure: fc.constantFrom(...EXPOSURES),
    viewer: fc.constantFrom("none", "machine", "person"),
    impact: fc.record({
      default: fc.integer({ min: 1, max: 5 }),
      stop: fc.record({ yield: fc.integer({ min: 1, max: 5 }) }),
    }),
  })
  .map((input) => declareRisk(input, CLASSES));
const badges = ["E0", "E1", "E2", "E3", "E4"] as const satisfies readonly Result["badge"][];
const badge = fc.constantFrom(...badges);

describe("laws of the formula", () => {
  it("more exposure never lowers likelihood, nor severity as it is shown", () => {
    fc.assert(
      fc.property(samples, declaration, badge, (drawn, declared, earned) => {
        const risks = EXPOSURES.map((exposure) => riskOf(basisOf(drawn, earned), { ...declared, exposure }));
        for (let i = 1; i < risks.length; i++) {
          const [less, more] = [risks[i - 1]!, risks[i]!];
          expect(more.likelihood.value).toBeGreaterThanOrEqual(less.likelihood.value);
          expect(RANK.indexOf(more.severity.value)).toBeGreaterThanOrEqual(RANK.indexOf(less.severity.value));
          // Where no attacker in reach ran at all, the bound is 1 and the severity unknown.
          if (less.profile !== null) expect(more.likelihood.high).toBeGreaterThanOrEqual(less.likelihood.high);
          // An unknown severity may become a known one: the stronger attacker ran.
          if (less.severity.shown !== NOT_ENOUGH)
            expect(shownRank(more.severity.shown)).toBeGreaterThanOrEqual(shownRank(less.severity.shown));
        }
      }),
    );
  });

  it("one more sample fooled, by no more queries than the others took, lowers nothing", () => {
    const untouched = fc.constant<Sample>({ profiles: { "white-box": RESISTED, score: RESISTED, label: RESISTED } });
    fc.assert(
      fc.property(
        samples,
        untouched,
        declaration,
        fc.option(fc.constantFrom(...BANDS)),
        (drawn, one, declared, band) => {
          const before = riskOf(basisOf([...drawn, one]), declared);
          // From the first finding on: before it, the costliest mistake of the whole matrix is feared.
          fc.pre(before.pairs.length > 0);
          const broken = { profiles: { "white-box": fooled(1, 2), score: fooled(1, 2), label: fooled(1, 2) }, band };
          const after = riskOf(basisOf([...drawn, broken]), declared);
          expect(after.likelihood.value).toBeGreaterThanOrEqual(before.likelihood.value);
          expect(RANK.indexOf(after.severity.value)).toBeGreaterThanOrEqual(RANK.indexOf(before.severity.value));
        },
      ),
    );
  });

  it("the same rates from fewer samples, or with a lower badge, never lower what is shown", () => {
    fc.assert(
      fc.property(
        samples,
        declaration,
        badge,
        badge,
        fc.integer({ min: 2, max: 4 }),
        (drawn, declared, one, two, fold) => {
          const [lower, higher] = [one, two].sort() as [Result["badge"], Result["badge"]];
          const many = Array.from({ length: fold }, () => drawn).flat();
          const tested = riskOf(basisOf(many, higher), declared);
          const less = riskOf(basisOf(drawn, lower), declared);
          expect(less.likelihood.value).toBeCloseTo(tested.likelihood.value, 12);
          expect(less.likelihood.high).toBeGreaterThanOrEqual(tested.likelihood.high - 1e-12);
          expect(shownRank(less.severity.shown)).toBeGreaterThanOrEqual(shownRank(tested.severity.shown));
        },
      ),
    );
  });

  it("leaving out the strongest attacker leaves a severity that was observed, or an unknown one", () => {
    fc.assert(
      fc.property(samples, declaration, (drawn, declared) => {
        const strongest = REACH[declared.exposure][0];
        const without = drawn.map((one): Sample => {
          if (one === null) return null;
          const { [strongest]: _, ...profiles } = one.profiles;
          return { ...one, profiles };
        });
        const { severity } = riskOf(basisOf(without), declared);
        if (severity.shown !== NOT_ENOUGH) expect(["High", "Critical"]).toContain(severity.value);
      }),
    );
  });

  it("does not depend on the order of samples and findings", () => {
    fc.assert(
      fc.property(samples, declaration, (drawn, declared) => {
        const basis = basisOf(drawn);
        const turned = { ...basis, samples: basis.samples.toReversed(), findings: basis.findings.toReversed() };
        expect(assessRisk(turned, declared)).toEqual(assessRisk(basis, declared));
      }),
    );
  });
});
