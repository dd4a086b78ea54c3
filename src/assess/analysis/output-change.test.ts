import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ScoreMeaning } from "../../models/classifier.ts";
import { predictedClass } from "../../threats/goal.ts";
import { outputChange } from "./output-change.ts";

function change(label: number, before: readonly number[], after: readonly number[], meaning?: ScoreMeaning) {
  const side = (scores: readonly number[]) => {
    const all = Float32Array.from(scores);
    return { scores: all, predicted: predictedClass(all) };
  };
  return outputChange({ label, clean: side(before) }, side(after), meaning);
}

describe("the change of the answer", () => {
  it("of logits, by hand", () => {
    // Shares 3/4, 1/4 become 1/4, 3/4.
    const result = change(0, [Math.log(3), 0], [0, Math.log(3)]);
    expect(result.before).toMatchObject({ label: 0, confidence: expect.closeTo(0.75, 6) });
    expect(result.after).toMatchObject({ label: 1, confidenceInTrue: expect.closeTo(0.25, 6) });
    expect(result.before.margin).toBeCloseTo(Math.log(3), 6);
    expect(result.after.margin).toBeCloseTo(-Math.log(3), 6);
    // 3/4 log 3 - 1/4 log 3; and with the mean 1/2, 3/4 log 3/2 + 1/4 log 1/2.
    expect(result.kl).toBeCloseTo(Math.log(3) / 2, 6);
    expect(result.js).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 6);
    expect(result.scoreDeltaL2).toBeCloseTo(Math.SQRT2 * Math.log(3), 6);
    expect(result.rankOfTrueAfter).toBe(2);
    expect(result.meaning).toBe("logits");
  });

  it.each<[string, ScoreMeaning | undefined]>([
    ["as the classifier says", "probabilities"],
    ["as their values tell", undefined],
  ])("probabilities are not put through a softmax again, %s", (_, meaning) => {
    const { before, after, kl, ...rest } = change(1, [0.25, 0.5, 0.25], [0.5, 0.25, 0.25], meaning);
    expect([before.confidence, after.confidence, after.confidenceInTrue]).toEqual([0.5, 0.5, 0.25]);
    expect(kl).toBeCloseTo(0.25 * Math.log(2), 6);
    expect(rest.meaning).toBe("probabilities");
  });

  it("independent probabilities keep their own confidence; divergences are of their shares", () => {
    const { after, js, kl } = change(0, [0.9, 0.6], [0.3, 0.6], "independent-probabilities");
    expect(after.confidence).toBeCloseTo(0.6, 6);
    expect(kl).toBeCloseTo(0.6 * Math.log(0.6 / (1 / 3)) + 0.4 * Math.log(0.4 / (2 / 3)), 6);
    expect(js).toBeGreaterThan(0);
  });

  it("a label is certain of itself, and its divergence infinite", () =>
    expect(change(0, [1, 0, 0], [0, 1, 0], "label")).toMatchObject({
      before: { confidence: 1 },
      after: { confidence: 1, confidenceInTrue: 0 },
      kl: null,
      js: expect.closeTo(Math.LN2, 12),
      rankOfTrueAfter: 2,
    }));

  it("a probability that underflowed to 0 leaves an infinite divergence; the logits behind it do not", () => {
    expect(change(0, [1, 0], [0, 1], "probabilities").kl).toBeNull();
    expect(change(0, [200, 0], [0, 200]).kl).toBeCloseTo(200, 6);
  });

  it("rounding of float32 leaves no confidence above 1", () =>
    expect(change(0, [1 + 2 ** -23, 0], [0, 1], "probabilities").before.confidence).toBe(1));

  it("names the five likeliest classes, ties in the order of the classes", () =>
    expect(change(6, [0, 0, 0, 0, 0, 0, 9], [1, 3, 2, 3, 0, 0, 0]).after.top!.map(({ label }) => label)).toEqual([
      1, 3, 2, 0, 4,
    ]));

  it("scores that JSON can't hold become numbers, ordered as before", () => {
    const result = change(0, [1, -Infinity, Number.NaN], [-Infinity, Infinity, Number.NaN]);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result.after).toMatchObject({ label: 1, confidence: 1 });
  });
});

describe("for any logits", () => {
  const logits = fc.integer({ min: 2, max: 12 }).chain((classes) => {
    const scores = fc.array(fc.double({ min: -60, max: 60, noNaN: true }), { minLength: classes, maxLength: classes });
    return fc.record({ label: fc.integer({ min: 0, max: classes - 1 }), before: scores, after: scores });
  });

  it("divergences, confidences and ranks are what they must be", () => {
    fc.assert(
      fc.property(logits, ({ label, before, after }) => {
        const result = change(label, before, after);
        const back = change(label, after, before);
        expect(result.kl).toBeGreaterThanOrEqual(0);
        expect(result.js).toBeCloseTo(back.js!, 10);
        // Half of the divergence bounds that from the mean: Lin 1991, theorem 1.
        expect(result.js).toBeLessThanOrEqual((result.kl! + back.kl!) / 4 + 1e-9);
        expect(result.after.confidence).toBe(result.after.top![0]!.confidence);
        expect(result.after.confidence).toBeGreaterThanOrEqual(1 / before.length - 1e-12);
        expect(result.rankOfTrueAfter === 1).toBe(result.after.margin >= 0);
        expect(change(label, before, before)).toMatchObject({ kl: expect.closeTo(0, 9), js: expect.closeTo(0, 9) });
      }),
    );
  });
});
