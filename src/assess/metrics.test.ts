import { describe, expect, it } from "vitest";
import { auditSize, drawAudit } from "./audit.ts";
import { lineOf, profilePlan } from "./lines.test.fixture.ts";
import { againstWhiteBox, cleanMetrics, threatMetrics } from "./metrics.ts";

const PLAN = [profilePlan("white-box", "fgsm", "pgd"), profilePlan("score", "square")];

// Ten samples: one wrong from the start, two fall to FGSM, one to PGD, one to Square alone, one ran out of budget, one broke down.
const LINES = [
  lineOf(0, null),
  lineOf(1, { "white-box": [["fgsm", "fooled", 2]], score: [["square", "fooled", 30]] }),
  lineOf(2, { "white-box": [["fgsm", "fooled", 2]], score: [["square", "resisted", 200]] }),
  lineOf(3, {
    "white-box": [
      ["fgsm", "resisted", 2],
      ["pgd", "fooled", 7],
    ],
    score: [["square", "resisted", 200]],
  }),
  lineOf(4, {
    "white-box": [
      ["fgsm", "resisted", 2],
      ["pgd", "resisted", 20],
    ],
    score: [["square", "fooled", 50]],
  }),
  lineOf(5, {
    "white-box": [
      ["fgsm", "resisted", 2],
      ["pgd", "skipped", 20],
    ],
    score: [["square", "resisted", 200]],
  }),
  lineOf(6, {
    "white-box": [
      ["fgsm", "resisted", 2],
      ["pgd", "error", 3],
    ],
    score: [["square", "resisted", 200]],
  }),
  ...[7, 8, 9].map((index) =>
    lineOf(index, {
      "white-box": [
        ["fgsm", "resisted", 2],
        ["pgd", "resisted", 20],
      ],
      score: [["square", "resisted", 200]],
    }),
  ),
];

describe("threatMetrics", () => {
  it("says what was proved where an attack tried everything, and nothing where none did", () => {
    const proved = LINES.map((line) => {
      const profile = line.profiles.score;
      // The sample that fell to gradients (3) is no proof of anything, whatever a search says of it.
      if (profile === undefined || ![3, 5, 7].includes(line.index)) return line;
      const attempts = profile.attempts.map((attempt) => ({ ...attempt, exhausted: true as const }));
      return { ...line, profiles: { ...line.profiles, score: { ...profile, attempts } } };
    });
    const { bracket } = threatMetrics(PLAN, proved, new Set()).robustAccuracy;
    expect(bracket).toEqual({ certified: 0.2, attacked: 0.4 });
    expect(threatMetrics(PLAN, LINES, new Set()).robustAccuracy.bracket).toBeUndefined();
  });

  const metrics = threatMetrics(PLAN, LINES, new Set());

  it("counts a sample as standing only under every profile, over all samples", () => {
    expect(metrics.statuses).toEqual({ misclassified: 1, fooled: 4, resisted: 3, skipped: 1, error: 1 });
    // 5, 7, 8, 9: the budget is part of the threat; an error shows nothing.
    expect(metrics.robustAccuracy).toMatchObject({ unbroken: 4, of: 10, value: 0.4 });
    expect(metrics.attackSuccess).toMatchObject({ fooled: 4, of: 9 });
  });

  it("takes the worst case inside a profile, and each profile by itself", () => {
    expect(metrics.profiles.map(({ knowledge, robustAccuracy }) => [knowledge, robustAccuracy.unbroken])).toEqual([
      ["white-box", 5],
      ["score", 7],
    ]);
  });

  it("shows the cascade attack by attack", () => {
    const rows = metrics.profiles.flatMap(({ attacks }) =>
      attacks.map(({ name, attempted, succeeded, robustAccuracyAfter, queries }) => [
        name,
        attempted,
        succeeded,
        robustAccuracyAfter,
        queries.total,
      ]),
    );
    expect(rows).toEqual([
      ["fgsm", 9, 2, 0.6, 18],
      ["pgd", 7, 1, 0.5, 110],
      ["square", 9, 2, 0.7, 1480],
    ]);
  });

  it("counts a failure as more queries than the budget", () => {
    const [fgsm] = metrics.profiles[0]!.attacks;
    expect(fgsm!.queries).toEqual({ total: 18, median: null, p95: null });
    const fooled = LINES.slice(1, 3);
    expect(threatMetrics(PLAN, fooled, new Set()).profiles[0]!.attacks[0]!.queries.median).toBe(2);
  });

  it("compares attacks on the audit subset, each from scratch", () => {
    const lines = [
      lineOf(0, null, true),
      lineOf(
        1,
        {
          "white-box": [
            ["fgsm", "fooled", 2],
            ["pgd", "fooled", 4],
          ],
        },
        true,
      ),
      lineOf(
        2,
        {
          "white-box": [
            ["fgsm", "resisted", 2],
            ["pgd", "fooled", 6],
          ],
        },
        true,
      ),
      lineOf(3, { "white-box": [["fgsm", "fooled", 2]] }),
    ];
    const { audit } = threatMetrics(PLAN, lines, new Set([0, 1, 2]));
    expect(audit.samples).toBe(3);
    expect(
      audit.attacks.map(({ name, attempted, succeeded, robustAccuracyAfter }) => [
        name,
        attempted,
        succeeded,
        robustAccuracyAfter,
      ]),
    ).toEqual([
      ["fgsm", 2, 1, 1 / 3],
      ["pgd", 2, 2, 0],
      ["square", 0, 0, 0],
    ]);
  });

  it("compares what stands under gradients with what stands under scores", () => {
    expect(againstWhiteBox(LINES, "score")).toEqual({ whiteBox: 5, other: 7, both: 4, of: 10 });
    expect(againstWhiteBox(LINES.slice(0, 1), "score")).toBeNull();
  });
});

describe("cleanMetrics", () => {
  it("counts a sample once, under however many threats", () => {
    const twice = [...LINES, ...LINES.map((line) => ({ ...line, threat: "l2:1;none;untargeted" }))];
    const { clean, naturalErrors } = cleanMetrics(twice);
    expect(clean).toMatchObject({ correct: 9, of: 10, accuracy: 0.9 });
    expect(naturalErrors).toEqual([{ sample: "s0", index: 0, label: 0, predicted: 1 }]);
  });
});

describe("the audit subset", () => {
  it.each([
    [5, 5],
    [20, 20],
    [60, 20],
    [250, 50],
    [1000, 200],
    [10_000, 200],
  ])("of %i samples has %i", (samples, size) => expect(auditSize(samples)).toBe(size));

  it("depends on the seed and the samples, not on their order", () => {
    const indices = Array.from({ length: 300 }, (_, i) => 3 * i);
    const drawn = drawAudit(indices, 7);
    expect(drawn.size).toBe(60);
    expect([...drawAudit([...indices].reverse(), 7)].sort()).toEqual([...drawn].sort());
    expect([...drawAudit(indices, 8)].sort()).not.toEqual([...drawn].sort());
  });
});
