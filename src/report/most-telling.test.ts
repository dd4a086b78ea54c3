import { describe, expect, it } from "vitest";
import type { Finding } from "../assess/schema.ts";
import { mostTelling } from "./most-telling.ts";
import { RESULT, riskOf, storedRun } from "./stored-run.test.fixture.ts";

const { findings } = storedRun({ findings: 12, classes: ["a", "b", "c"] });

function changed(
  finding: Finding,
  { band, confidence }: { band?: Finding["perturbation"]["perceptibility"]["band"]; confidence?: number },
): Finding {
  const { perturbation, outputChange } = finding;
  return {
    ...finding,
    perturbation: {
      ...perturbation,
      perceptibility: { ...perturbation.perceptibility, band: band ?? perturbation.perceptibility.band },
    },
    outputChange: {
      ...outputChange,
      after: { ...outputChange.after, confidence: confidence ?? outputChange.after.confidence },
    },
  };
}

const pairOf = ({ outputChange }: Finding) => `${outputChange.trueLabel}>${outputChange.after.label}`;

describe("mostTelling", () => {
  it("deals in rounds over the pairs of classes", () => {
    const pairs = mostTelling(RESULT, findings, 6).map(pairOf);
    expect(pairs.slice(0, 3).sort()).toEqual(["0>1", "1>2", "2>0"]);
    expect(pairs.slice(3)).toEqual(pairs.slice(0, 3));
  });

  it("does not depend on the order of the findings", () => {
    const ids = (list: readonly Finding[]) => mostTelling(RESULT, list, 7).map(({ id }) => id);
    expect(ids([...findings].reverse())).toEqual(ids(findings));
  });

  it("prefers sure answers, then unseen changes, then surer answers", () => {
    const [one, , , two, , , three, , , four] = findings as [Finding, ...Finding[]];
    const wavering = changed(one, { band: "imperceptible", confidence: 0.5 });
    const plain = changed(two!, { band: "visible", confidence: 0.99 });
    const unseen = changed(three!, { band: "subtle", confidence: 0.95 });
    const surest = changed(four!, { band: "visible", confidence: 0.999 });
    expect(mostTelling(RESULT, [wavering, plain, unseen, surest], 9)).toEqual([unseen, surest, plain, wavering]);
  });

  it("puts costly pairs first", () => {
    const result = { ...RESULT, risk: riskOf({ assessed: true }) };
    expect(pairOf(mostTelling(result, findings, 1)[0]!)).toBe("0>1");
  });

  it.each([0, 1, 12, 100])("gives at most %i, and each once", (count) => {
    const chosen = mostTelling(RESULT, findings, count);
    expect(chosen).toHaveLength(Math.min(count, findings.length));
    expect(new Set(chosen).size).toBe(chosen.length);
  });
});
