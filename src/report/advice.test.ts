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
