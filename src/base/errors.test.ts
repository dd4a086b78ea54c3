import { expect, it } from "vitest";
import { BlindspotError, describeProblem, groupProblems, ProblemList } from "./errors.ts";

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

it("says once what many things have in common, and counts what no one would read", () => {
  const nodes = Array.from({ length: 30 }, (_, i) => ({
    code: "E_OP_NO_GRADIENT",
    subject: `Det 'd${i}'`,
    got: "none",
  }));
  const other = { code: "E_OTHER", subject: "x", where: "line 1" };
  const error = new BlindspotError([...nodes, other]);
  expect(error.problems).toHaveLength(31);
  expect(error.message).toMatch(
    /^E_OP_NO_GRADIENT Det 'd0'; Det 'd1'; .*; Det 'd9' and 20 more: got none\nE_OTHER x, line 1$/,
  );
  expect(groupProblems([other, { ...other, where: "line 2" }])).toEqual([
    { code: "E_OTHER", subject: "x", where: "line 1; line 2" },
  ]);
  const hinted = groupProblems([other, { ...other, where: "line 2", hint: "Mend it" }]);
  expect(hinted).toEqual([{ code: "E_OTHER", subject: "x", where: "line 1; line 2", hint: "Mend it" }]);
  const apart = groupProblems(["This", "That"].map((hint) => ({ code: "E_A", subject: hint, hint })));
  expect(apart).toHaveLength(2);
  const lines = new BlindspotError(Array.from({ length: 100 }, (_, i) => ({ code: "E_A", subject: "a", got: `${i}` })));
  expect(lines.message.split("\n")).toHaveLength(21);
  expect(lines.message).toContain("and 80 more problems");
});
