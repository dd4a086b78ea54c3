import { describe, expect, it } from "vitest";
import { linf } from "../threats/lp.ts";
import { curveOf, curveThreats } from "./curve.ts";
import { lineOf } from "./lines.test.fixture.ts";

const fooled = (index: number) => lineOf(index, { "white-box": [["pgd", "fooled"]] });
const stands = (index: number) => lineOf(index, { "white-box": [["pgd", "resisted"]] });

describe("the curve", () => {
  it("compares raw counts before it reuses inputs of smaller epsilons", () => {
    const { points, violations } = curveOf([
      { epsilon: 0.1, lines: [fooled(0), stands(1), stands(2), lineOf(3, null)] },
      // Sample 0 was broken at 0.1 and stands here: the attack has not converged.
      { epsilon: 0.2, lines: [stands(0), fooled(1), stands(2), lineOf(3, null)] },
    ]);
    expect(points).toEqual([
      { epsilon: 0, accuracy: 0.75, unbroken: 3, of: 4, raw: 3 },
      { epsilon: 0.1, accuracy: 0.5, unbroken: 2, of: 4, raw: 2 },
      { epsilon: 0.2, accuracy: 0.25, unbroken: 1, of: 4, raw: 2 },
    ]);
    expect(violations).toEqual([{ index: 0, brokenAt: 0.1, standsAt: 0.2 }]);
  });

  it.each([
    ["8-bit values tell the sizes apart", linf(8 / 255, { quantize: "uint8" }), [2, 4, 8, 16, 32]],
    ["those below one grey level are left out", linf(1 / 255, { quantize: "uint8" }), [1, 2, 4]],
    ["the box ends at 1", linf(0.5), [0.125, 0.25, 0.5, 1].map((epsilon) => epsilon * 255)],
  ])("%s", (_name, threat, levels) => {
    const epsilons = curveThreats(threat).map(({ effectiveEpsilon }) => 255 * effectiveEpsilon);
    expect(epsilons).toHaveLength(levels.length);
    epsilons.forEach((epsilon, i) => {
      expect(epsilon).toBeCloseTo(levels[i]!, 6);
    });
  });
});
