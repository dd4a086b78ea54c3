import { expect, it } from "vitest";
import { checkpoints } from "./apgd.ts";

it.each([
  [100, [22, 41, 57, 70, 80, 87, 93, 99]],
  [50, [11, 21, 30, 38, 45]],
  [10, [2, 3, 4, 5, 6, 7, 8, 9, 10]],
  [1, [1]],
])("AutoPGD of %i steps looks at its step size after %o", (steps, expected) => {
  expect(checkpoints(steps)).toEqual(expected);
});
