import { describe, expect, it } from "vitest";
import { MITIGATIONS } from "../../assess/mappings.ts";
import type { Result } from "../../assess/schema.ts";
import { RESULT, riskOf, THREAT } from "../stored-run.test.fixture.ts";
import { actions } from "./actions.ts";

const risk = { ...riskOf({ assessed: true }), mitigations: MITIGATIONS };
const commands = (result: Result) =>
  Array.from(actions(result).text.matchAll(/<code>([^<]*)<\/code>/g), ([, line]) => line!);

describe("actions", () => {
  it("groups measures by who got through, with what to type", () => {
    const { text } = actions({ ...RESULT, risk });
    expect(Array.from(text.matchAll(/<h3>([^<]*)<\/h3>/g), ([, title]) => title)).toEqual([
      "Whoever attacks at linf:8/255",
      "Against an attacker who has the model",
      "Against an attacker who only sees its scores",
      "Wrong without any attack",
      "Next",
    ]);
    expect(text).toContain("108 of 198 fooled. A median of 1,210 queries was enough (audit subset).");
    expect(text).toContain('a limit of queries for each client <span class="muted small">AML.M0004');
    const base = "--model signs.onnx --data npz:test.npz --threat linf:8/255";
    expect(commands({ ...RESULT, risk })).toEqual(
      expect.arrayContaining([
        "npx blindspot harden --model signs.onnx --data TRAIN --validate VAL --threat linf:8/255 --method pgd --out hardened.onnx",
        `npx blindspot assess ${base} --profile label`,
        `npx blindspot assess ${base} --profile score --queries 121`,
      ]),
    );
  });

  it.each([
    ["a model without gradients", { ...RESULT, risk, model: { ...RESULT.model, gradient: false } }],
    ["a norm that training has no step in", { ...RESULT, risk, threats: [{ ...THREAT, norm: "l0" as const }] }],
  ])("promises no training for %s", (_, result) => {
    expect(commands(result).filter((line) => line.includes("harden"))).toEqual([]);
  });

  it("asks nothing where nothing was found", () => {
    const none = { ...THREAT, attackSuccess: { ...THREAT.attackSuccess, fooled: 0 } };
    const clean = { ...RESULT.clean, correct: 200 };
    expect(actions({ ...RESULT, risk, threats: [none], clean }).text).not.toContain("Whoever attacks");
  });
});
