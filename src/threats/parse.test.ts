import { describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { goalClasses, parseGoal, predictedClass } from "./goal.ts";
import { parseThreat, threatOfId } from "./parse.ts";

function problemsOf(work: () => unknown): readonly { code: string }[] {
  try {
    work();
  } catch (error) {
    if (error instanceof BlindspotError) return error.problems;
    throw error;
  }
  return [];
}

describe("threats by their id", () => {
  const mask = Uint8Array.of(1, 0);
  const known = { classes: 10, mask };

  it.each(["linf:8/255;uint8;targeted:3", "l0:1;none;untargeted"])("%s", (id) => {
    expect(threatOfId(id, { classes: 10 }).id).toBe(id);
  });

  it("need their mask, and take any: its id says whether it is the same", () => {
    const { id } = parseThreat("linf:0.1", { mask });
    expect(threatOfId(id, known).id).toBe(id);
    expect(threatOfId(id, { ...known, mask: Uint8Array.of(0, 1) }).id).not.toBe(id);
    // As ids were before they had the hash.
    expect(threatOfId("linf:0.1;none;untargeted;masked", known).mask).toBe(mask);
    expect(problemsOf(() => threatOfId(id, { classes: 10 }))).toMatchObject([{ code: "E_THREAT_MASK" }]);
  });
});

describe("threats as typed", () => {
  it.each([
    ["linf:8/255", {}, 8 / 255, "linf:8/255;none;untargeted"],
    ["linf:0.3", { quantize: "uint8" }, 0.3, "linf:0.3;uint8;untargeted"],
    ["L2:.5", { goal: { kind: "targeted", target: "next" } }, 0.5, "l2:.5;none;targeted:next"],
    ["l2:2", { goal: { kind: "set", classes: [1, 4] }, mask: Uint8Array.of(1) }, 2, "l2:2;none;set:1,4;mask=4bf5122f"],
    ["linf:1e-2", {}, 0.01, "linf:1e-2;none;untargeted"],
    ["l0:5", { dims: [2, 3, 3], quantize: "uint8" }, 5, "l0:5;uint8;untargeted"],
    ["l0:18?count=channels", { dims: [2, 3, 3] }, 18, "l0:18?count=channels;none;untargeted"],
    ["L0:4", { dims: [4] }, 4, "l0:4;none;untargeted"],
  ] as const)("%s", (spec, options, epsilon, id) => {
    const threat = parseThreat(spec, options);
    expect(threat.epsilon).toBeCloseTo(epsilon, 12);
    expect(threat.id).toBe(id);
  });

  it.each([
    ["linf:0", {}, ["E_THREAT_EPSILON"]],
    ["linf:-1/255", {}, ["E_THREAT_EPSILON"]],
    ["linf:8/0", {}, ["E_THREAT_EPSILON"]],
    ["linf:abc", {}, ["E_THREAT_EPSILON"]],
    ["linf", {}, ["E_THREAT_EPSILON"]],
    ["linf:8", {}, ["E_THREAT_EPSILON"]],
    ["linf:0.003", { quantize: "uint8" }, ["E_THREAT_EMPTY"]],
    ["l1:3", {}, ["E_THREAT_NOT_YET"]],
    ["l0:0", {}, ["E_THREAT_EPSILON"]],
    ["l0:1.5", {}, ["E_THREAT_EPSILON"]],
    ["l0", {}, ["E_THREAT_EPSILON"]],
    ["l0:7", { dims: [2, 3, 3] }, ["E_THREAT_EPSILON"]],
    ["l0:-1?count=all", { dims: [2, 3, 3] }, ["E_THREAT_OPTION", "E_THREAT_EPSILON"]],
    ["text:words=2", {}, ["E_THREAT_KIND"]],
    ["lp:x", {}, ["E_THREAT_KIND", "E_THREAT_EPSILON"]],
    ["toString:1", {}, ["E_THREAT_KIND"]],
  ] as const)("refuses %s", (spec, options, codes) => {
    expect(problemsOf(() => parseThreat(spec, options)).map(({ code }) => code)).toEqual(codes);
  });
});

it.each([
  [{ dims: [2, 3, 3] }, "l0:2", 3],
  [{ dims: [2, 3, 3] }, "l0:2?count=channels", 1],
  [{ dims: [9] }, "l0:2", 1],
  [{}, "l0:2", 1],
])("%o counts %s in units of %i values", (options, spec, unit) => {
  expect(parseThreat(spec, options).unit).toBe(unit);
});

describe("goals as typed", () => {
  const classes = ["stop", "yield", "30", "50"];

  it.each([
    ["untargeted", { kind: "untargeted" }],
    ["targeted:yield", { kind: "targeted", target: 1 }],
    ["targeted:0", { kind: "targeted", target: 0 }],
    ["targeted:30", { kind: "targeted", target: 2 }],
    ["targeted:next", { kind: "targeted", target: "next" }],
    ["targeted:least-likely", { kind: "targeted", target: "least-likely" }],
    ["set:50, stop,3", { kind: "set", classes: [0, 3] }],
  ])("%s", (spec, goal) => {
    expect(parseGoal(spec, classes)).toEqual(goal);
  });

  it.each([
    ["targeted", 1],
    ["untargeted:1", 1],
    ["targeted:9", 1],
    ["set:a,b,1", 2],
    ["win", 1],
  ])("refuses %s", (spec, count) => {
    expect(problemsOf(() => parseGoal(spec, classes))).toHaveLength(count);
  });

  it.each([
    [{ kind: "untargeted" }, 0, [2, 1, 3]],
    [{ kind: "targeted", target: "next" }, 3, [0]],
    [{ kind: "targeted", target: "least-likely" }, 0, [3]],
    [{ kind: "targeted", target: 2 }, 2, []],
    [{ kind: "set", classes: [0, 1, 3] }, 0, [1, 3]],
  ] as const)("%o of a sample of class %i means %o", (goal, label, expected) => {
    expect(goalClasses(goal, label, [5, 2, 3, -1])).toEqual(expected);
  });
});

it.each([
  [[1, 3, 3], 1],
  [[Number.NaN, 1, 2], 2],
  [[-Infinity, -Infinity], 0],
  [[Number.NaN, Number.NaN], -1],
  [[], -1],
])("predicted class of %o is %i", (scores, expected) => {
  expect(predictedClass(scores)).toBe(expected);
});
