import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlindspotError } from "../../base/errors.ts";
import { RESULT, THREAT } from "../../report/stored-run.test.fixture.ts";
import { comparisonSchema, type PairedRate, type Result, type SampleLine } from "../schema.ts";
import type { StoredRun } from "../store.ts";
import { compareRuns } from "./compare.ts";
import { AFTER, HARDENED, runOf, THREATS, TRAINING } from "./two-runs.test.fixture.ts";

const inputOf = (index: number) => index.toString(16).padStart(64, "0");
const known = { training: TRAINING, trainedOn: new Set<string>() };

/** The counts of a rate alone. */
const counts = ({ of, before, after, gained, lost }: PairedRate) => [before.right, after.right, of, gained, lost];

describe("compareRuns, against tables made by hand", () => {
  //                     0123456789
  const before = runOf("bbbbbbww.x");
  const after = runOf("....bsw.bx", AFTER);
  const comparison = compareRuns(before, after, known);
  const [threat] = comparison.threats;

  it("counts pairs for clean inputs, all attackers and each of them", () => {
    expect(counts(comparison.clean)).toEqual([9, 9, 10, 0, 0]);
    // Stands before: 8. After: 0, 1, 2, 3, 7.
    expect(counts(threat!.overall)).toEqual([1, 5, 10, 5, 1]);
    // White-box before: 8. After: also 5, which scores alone broke.
    expect(counts(threat!.profiles[0]!)).toEqual([1, 6, 10, 6, 1]);
    // Scores before: 6, 7, 8. After: 0, 1, 2, 3, 6, 7.
    expect(counts(threat!.profiles[1]!)).toEqual([3, 6, 10, 4, 1]);
  });

  it("gives the difference with its interval and McNemar's p", () => {
    const { difference, p } = threat!.overall;
    expect(difference.value).toBeCloseTo(0.4, 12);
    // Newcombe's method 10 of (0, 5, 1, 4), by a second implementation in Python.
    expect(difference.low).toBeCloseTo(-0.064005, 5);
    expect(difference.high).toBeCloseTo(0.700913, 5);
    // C(6,0) + C(6,1)/2 = 4, twice, of 64.
    expect(p).toBeCloseTo(8 / 64, 12);
  });

  it("names the samples that changed, with what broke them", () => {
    const { gained, lost } = threat!.changes;
    expect(gained.map(({ index, broken }) => [index, broken?.attack])).toEqual(
      [0, 1, 2, 3].map((i) => [i, "pgd"]).concat([[7, "pgd"]]),
    );
    expect(lost).toEqual([{ sample: "img-8", index: 8, label: 0, broken: { knowledge: "white-box", attack: "pgd" } }]);
  });

  it("compares single attacks on the audit subset, and says which ones trained", () => {
    expect(threat!.attacks.map(({ name, usedInTraining }) => [name, usedInTraining])).toEqual([
      ["pgd", true],
      ["square", false],
    ]);
    // With ten samples the audit subset is all of them.
    expect(counts(threat!.attacks[0]!)).toEqual([1, 6, 10, 6, 1]);
    expect(threat!.usedInTraining).toBe(true);
  });

  it("fits the published schema, as JSON", () => {
    const text = JSON.stringify(comparison);
    expect(comparisonSchema.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  it("counts an error as not standing", () => {
    const { threats } = compareRuns(runOf("..b"), runOf(".e.", AFTER), known);
    expect(counts(threats[0]!.overall)).toEqual([2, 2, 3, 1, 1]);
    expect(threats[0]!.changes.lost[0]!.broken).toBeNull();
  });

  it("withdraws what a failed check withdraws in either run", () => {
    const failed = { id: "gradient-check", status: "fail" as const, detail: "gradients are zero", threat: THREAT.id };
    const other = { ...failed, threat: "l2:1;uint8;untargeted" };
    const { threats } = compareRuns(runOf(".b"), runOf("..", { ...AFTER, checks: [failed, other] }), known);
    expect(threats[0]!.withdrawn).toEqual([
      { version: "after", check: "gradient-check", detail: "gradients are zero" },
    ]);
  });
});

describe("properties", () => {
  const fates = fc.array(fc.constantFrom("x", "w", "s", "b", "."), { minLength: 1, maxLength: 60 });

  it("swapping before and after flips every difference, gains and losses", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(...[0, 1].map(() => fc.constantFrom("x", "w", "s", "b", "."))), {
          minLength: 1,
          maxLength: 60,
        }),
        (pairs) => {
          const [one, other] = [runOf(pairs.map(([a]) => a).join("")), runOf(pairs.map(([, b]) => b).join(""))];
          const [there, back] = [compareRuns(one, other), compareRuns(other, one)];
          for (const rate of ["clean", "overall"] as const) {
            const of = (comparison: typeof there) =>
              rate === "clean" ? comparison.clean : comparison.threats[0]!.overall;
            const [a, b] = [of(there), of(back)];
            expect(b.difference.value).toBeCloseTo(-a.difference.value, 12);
            expect(b.difference.low).toBeCloseTo(-a.difference.high, 10);
            expect([b.gained, b.lost, b.p]).toEqual([a.lost, a.gained, a.p]);
            expect(b.before).toEqual(a.after);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("a run compared with itself shows no difference", () => {
    fc.assert(
      fc.property(fates, (list) => {
        const run = runOf(list.join(""));
        const { clean, threats } = compareRuns(run, run);
        for (const { difference, gained, lost, p } of [clean, threats[0]!.overall, ...threats[0]!.attacks])
          expect([difference.value, gained, lost, p]).toEqual([0, 0, 0, 1]);
        expect(threats[0]!.changes).toEqual({ gained: [], lost: [] });
      }),
      { numRuns: 30 },
    );
  });

  it("does not depend on the order of lines", () => {
    const [before, after] = [runOf("bb.xw"), runOf("..bxw", AFTER)];
    const turned = { ...after, samples: [...after.samples].reverse() };
    expect(compareRuns(before, turned, known)).toEqual(compareRuns(before, after, known));
  });
});

describe("samples that were trained on", () => {
  const before = runOf("bbbb....");
  const after = runOf("..b.....", AFTER);
  const trainedOn = new Set([inputOf(0), inputOf(3)]);

  it("are refused", () => {
    expect(() => compareRuns(before, after, { training: TRAINING, trainedOn })).toThrow(
      /E_DATA_OVERLAP npz:test\.npz: expected data that took no part in the training, got samples that were trained on, .*: 2 of 8/,
    );
  });

  it("with --allow-overlap stand in a column of their own, never in a rate, and the headline says so", () => {
    const { threats, samples, headlineNotes, clean } = compareRuns(before, after, {
      training: TRAINING,
      trainedOn,
      allowOverlap: true,
    });
    expect(samples).toEqual({ compared: 6, units: 6, trainedOn: 2 });
    expect(counts(threats[0]!.overall)).toEqual([4, 5, 6, 1, 0]);
    expect(threats[0]!.overall.trainedOn).toEqual({ of: 2, before: 0, after: 2 });
    expect(threats[0]!.changes.gained.map(({ index }) => index)).toEqual([1]);
    expect(clean.trainedOn).toEqual({ of: 2, before: 2, after: 2 });
    expect(headlineNotes).toEqual([expect.stringMatching(/^Overlap: samples that were trained on, .*: 2 of 8/)]);
  });

  it("take the samples of their group, and equal inputs, with them", () => {
    const more = (index: number): Partial<SampleLine> => ({
      ...(index < 3 ? { group: "track-1" } : {}),
      // Sample 4 is the same picture as sample 2.
      ...(index === 4 ? { input: inputOf(2) } : {}),
    });
    const [one, other] = [runOf("bbbb....", {}, more), runOf("........", AFTER, more)];
    const comparison = compareRuns(one, other, {
      training: TRAINING,
      trainedOn: new Set([inputOf(0)]),
      allowOverlap: true,
    });
    expect(comparison.samples).toEqual({ compared: 4, units: 4, trainedOn: 4 });
    expect(comparison.intervals).toBe("group-bootstrap");
  });

  it("that are all there is leave nothing to say", () => {
    const all = new Set(Array.from({ length: 8 }, (_, index) => inputOf(index)));
    const options = { training: TRAINING, trainedOn: all, allowOverlap: true };
    expect(() => compareRuns(before, after, options)).toThrow(/E_NOT_EVALUATED/);
    expect(codeOf(() => compareRuns(before, after, options))).toBe(3);
  });

  it("data by which the epoch was chosen is refused too", () => {
    const training = { ...TRAINING, validate: { ...TRAINING.validate, sha256: RESULT.data.sha256 } };
    expect(() => compareRuns(before, after, { training, trainedOn: new Set() })).toThrow(
      /the epoch was chosen on this same data/,
    );
  });

  it.each([
    ["without a log", {}, /No training log was given/],
    ["without the list", { training: TRAINING }, /can't be told/],
    [
      "of another start",
      { training: { ...TRAINING, model: "9".repeat(64) }, trainedOn: new Set<string>() },
      /did not start from the model/,
    ],
  ])("%s: the headline says what is not known", (_, options, note) => {
    expect(compareRuns(before, after, options).headlineNotes).toEqual([expect.stringMatching(note)]);
  });

  it("a log of another model is refused", () => {
    expect(HARDENED).not.toBe(RESULT.model.sha256);
    expect(() => compareRuns(before, before, known)).toThrow(/E_TRAINING_LOG signs\.onnx/);
  });
});

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as BlindspotError).exitCode;
  }
  return null;
};

describe("groups", () => {
  it("widen intervals: ten pictures of one thing are not ten things", () => {
    const fates = ["bbbbbbbbbb", "..........", "bbbbbbbbbb", "bbbbbbbbbb"].join("");
    const later = ["..........", "..........", "..........", "bbbbbbbbbb"].join("");
    const grouped = (index: number) => ({ group: `g${Math.floor(index / 10)}` });
    const alone = compareRuns(runOf(fates), runOf(later)).threats[0]!.overall;
    const together = compareRuns(runOf(fates, {}, grouped), runOf(later, {}, grouped)).threats[0]!.overall;
    expect(together.difference.value).toBe(alone.difference.value);
    const width = ({ difference: { low, high } }: PairedRate) => high - low;
    expect(width(together)).toBeGreaterThan(1.5 * width(alone));
  });

  it("are never narrower than single samples, even where nothing differs", () => {
    const grouped = () => ({ group: "all" });
    const { difference } = compareRuns(runOf("....", {}, grouped), runOf("....", {}, grouped)).clean;
    expect(difference.high - difference.low).toBeGreaterThan(0.5);
  });
});

describe("what can't be compared", () => {
  const before = runOf("bb..");
  const changed = (result: Partial<Result>): StoredRun => runOf("....", { ...AFTER, ...result });
  const [threat] = THREATS;
  const profiles = (change: (profile: Result["threats"][0]["profiles"][0]) => typeof profile) =>
    changed({ threats: [{ ...threat!, profiles: threat!.profiles.map(change) }] });

  it.each<[string, StoredRun, RegExp]>([
    [
      "other data",
      changed({ data: { ...RESULT.data, sha256: "7".repeat(64) } }),
      /the second run, data: expected .*, got .*7{12}/,
    ],
    ["another seed", changed({ seed: 1 }), /draw: expected .*seed 0, as in the first, got .*seed 1/],
    [
      "other classes",
      changed({ model: { ...RESULT.model, classes: ["yield", "stop"] } }),
      /classes: expected stop, yield/,
    ],
    ["another input size", changed({ model: { ...RESULT.model, dims: [64, 64, 3] } }), /input: expected 32x32x3/],
    [
      "another budget",
      changed({ options: { queries: 100 } }),
      /--queries: expected no limit, as in the first, got 100/,
    ],
    ["another threat", changed({ threats: [{ ...threat!, id: "l2:1;uint8;untargeted" }] }), /threats: expected linf/],
    [
      "other settings",
      profiles((one) => ({
        ...one,
        attacks: one.attacks.map((attack) => ({ ...attack, settings: { steps: 10, restarts: 1 } })),
      })),
      /white-box under linf.*: expected pgd\(restarts=1 steps=20\), as in the first, got pgd\(restarts=1 steps=10\)/,
    ],
    [
      "another surrogate",
      changed({
        threats: [{ ...threat!, profiles: [{ ...threat!.profiles[0]!, knowledge: "transfer" }] }],
        model: { ...RESULT.model, surrogateSha256: "1".repeat(64) },
      }),
      /surrogate: expected an unknown one, as in the first, got 1{12}/,
    ],
    [
      "fewer samples",
      runOf("...", AFTER),
      /samples: expected the same samples, all finished, as in the first, got 1 that it lacks/,
    ],
    [
      "other labels",
      runOf("....", AFTER, (index) => ({ label: index === 0 ? 1 : index % 2 })),
      /labels: .*1 samples with another label/,
    ],
    ["other inputs", runOf("....", AFTER, (index) => ({ input: inputOf(index + 9) })), /inputs: .*4 samples/],
  ])("%s", (name, after, message) => {
    const base = name === "another surrogate" ? runOf("bb..", { threats: after.result.threats }) : before;
    expect(() => compareRuns(base, after)).toThrow(message);
    expect(codeOf(() => compareRuns(base, after))).toBe(3);
  });

  it("says every reason at once", () => {
    const after = changed({ seed: 1, options: { queries: 100 } });
    expect(() => compareRuns(before, after)).toThrow(/draw: [\s\S]*--queries: /);
  });

  it("leaves out, by name, what only one run has", () => {
    const second = { ...threat!, id: "l2:1;uint8;untargeted", norm: "l2" as const };
    const after = changed({ threats: [{ ...threat!, profiles: [threat!.profiles[0]!] }, second] });
    const { threats, notCompared } = compareRuns(before, after);
    expect(threats.map(({ profiles }) => profiles.map(({ knowledge }) => knowledge))).toEqual([["white-box"]]);
    expect(notCompared).toEqual([
      `score under ${THREAT.id}: only the first version was attacked so`,
      "l2:1;uint8;untargeted: only the second version was attacked so",
    ]);
  });
});
