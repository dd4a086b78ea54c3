import { expect, it } from "vitest";
import { BlindspotError, describeProblem, ProblemList } from "./errors.ts";

it("says what, where, expected, got and what to do", () => {
  const text = describeProblem({
    code: "E_SHAPE_UNKNOWN",
    subject: "Conv 'layer1.0.conv1'",
    where: "input 0",
    expected: "a known spatial size",
    got: "'h'",
    hint: "Fix it with --shape input=1,3,224,224",
  });
  expect(text).toBe(
    "E_SHAPE_UNKNOWN Conv 'layer1.0.conv1', input 0: expected a known spatial size, got 'h'. Fix it with --shape input=1,3,224,224",
  );
});

it("reports all problems of an input at once", () => {
  const list = new ProblemList();
  list.throwIfAny();
  list.add({ code: "E_A", subject: "a" });
  list.add({ code: "E_B", subject: "b", got: "nothing" });
  expect(() => list.throwIfAny(3)).toThrow("E_A a\nE_B b: got nothing");
  try {
    list.throwIfAny(3);
  } catch (error) {
    expect(error).toBeInstanceOf(BlindspotError);
    expect((error as BlindspotError).exitCode).toBe(3);
    expect((error as BlindspotError).code).toBe("E_A");
  }
});
