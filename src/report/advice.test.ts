import { expect, it } from "vitest";
import type { Result } from "../assess/schema.ts";
import { verdict } from "./advice.ts";

/** Of 100 samples that the model gets right. */
function standing(unbroken: number): Result {
  const robustAccuracy = { value: unbroken / 100, unbroken, of: 100 };
  const profiles = [{ knowledge: "score", robustAccuracy }];
  const threat = { id: "linf:0.1", robustAccuracy, profiles, attackSuccess: { fooled: 100 - unbroken, of: 100 } };
  return { threats: [threat], checks: [] } as unknown as Result;
}

it.each([
  [100, "It held"],
  [99, "It mostly held"],
  [90, "It mostly held"],
  [89, "Trust it with care"],
  [49, "Trust it only with inputs that nobody can alter"],
  [0, "Do not trust it with inputs that anybody can alter"],
])("%i of 100 that stand: %s", (unbroken, words) => {
  expect(verdict(standing(unbroken)).short).toBe(words);
});

it("says which class falls while the whole stands, unless chance explains it", () => {
  const of = (spam: { correct: number; unbroken: number }) => {
    const result = standing(94);
    const [threat] = result.threats;
    const classes = [
      { label: 0, correct: 100 - spam.correct, unbroken: 94 - spam.unbroken },
      { label: 1, ...spam },
    ];
    return verdict({
      ...result,
      model: { classes: ["ham", "spam"] },
      threats: [{ ...threat, classes }],
    } as unknown as Result);
  };
  const { short, because } = of({ correct: 12, unbroken: 6 });
  expect(short).toBe("Trust it with care");
  expect(because).toMatch(/Weakest class: spam, of which 6 of 12 stand\.$/);
  expect(of({ correct: 3, unbroken: 2 })).toMatchObject({
    short: "It mostly held",
    because: expect.not.stringMatching(/spam/),
  });
});
