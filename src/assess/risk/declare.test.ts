import { describe, expect, it } from "vitest";
import type { BlindspotError } from "../../base/errors.ts";
import { declared as schema } from "../schema/risk.ts";
import { declareRisk } from "./declare.ts";
import { Impacts } from "./impact.ts";

const CLASSES = ["stop", "yield", "30", "50", "default"];

describe("declareRisk", () => {
  it("is cautious where nothing is declared, and says so", () => {
    expect(declareRisk({}, CLASSES)).toEqual({
      exposure: "public",
      viewer: "none",
      impact: { default: 3, defaultDeclared: false, pairs: [] },
      assessed: false,
    });
  });

  it("reads rows, pairs and the default", () => {
    const impact = {
      default: 2,
      stop: { "50": 5, "*": 4 },
      "*": { yield: 3 },
      // A class of that name: its row is an object.
      pairs: [{ true: "yield", wrong: "stop", impact: 1 }],
    };
    const declared = declareRisk({ exposure: "internal", viewer: "person", impact }, CLASSES);
    expect(schema.parse(declared)).toEqual(declared);
    expect(declared).toMatchObject({ exposure: "internal", viewer: "person", assessed: true });
    const impacts = new Impacts(declared.impact);
    const of = (from: string, to: string) => impacts.of(from, to).impact;
    // By hand: what names both classes, then the larger of row and column, then the default.
    expect([of("stop", "50"), of("stop", "30"), of("stop", "yield")]).toEqual([5, 4, 4]);
    expect([of("yield", "stop"), of("30", "yield"), of("30", "50")]).toEqual([1, 3, 2]);
    expect(impacts.largest).toEqual({ impact: 5, source: "declared" });
  });

  it("knows a class by name before it knows it by index", () => {
    const { impact } = declareRisk(
      { impact: { "30": { "0": 5 }, pairs: [{ true: 3, wrong: 1, impact: 2 }] } },
      CLASSES,
    );
    expect(impact.pairs).toEqual([
      { true: "30", wrong: "stop", impact: 5 },
      { true: "50", wrong: "yield", impact: 2 },
    ]);
  });

  it("tells a default that was declared from one that was not", () => {
    const row = declareRisk({ impact: { stop: { yield: 1 } } }, CLASSES);
    expect(new Impacts(row.impact).of("yield", "stop")).toEqual({ impact: 3, source: "default" });
    expect(new Impacts(row.impact).largest).toEqual({ impact: 3, source: "default" });
    for (const impact of [{ default: 3 }, { "*": { "*": 3 } }]) {
      const all = declareRisk({ impact }, CLASSES);
      expect(new Impacts(all.impact).of("yield", "stop")).toEqual({ impact: 3, source: "declared" });
    }
  });

  it("takes a class called default by its row", () => {
    expect(declareRisk({ impact: { default: { stop: 4 } } }, CLASSES).impact).toEqual({
      default: 3,
      defaultDeclared: false,
      pairs: [{ true: "default", wrong: "stop", impact: 4 }],
    });
  });

  it("says all that is wrong at once, with what exists", () => {
    const impact = {
      default: 6,
      stap: { yield: 2 },
      stop: { yeld: 2.5, stop: 3, yield: 2 },
      yield: 4,
      "9": { stop: 1 },
      pairs: [{ true: "stop", wrong: "yield", impact: 3 }, "stop", { true: "stop", wrong: "30", impact: "4", note: 1 }],
    };
    const input = { exposure: "everybody", viewer: 1, impacts: {}, impact };
    let thrown: unknown;
    try {
      declareRisk(input, CLASSES);
    } catch (error) {
      thrown = error;
    }
    const { problems, exitCode } = thrown as BlindspotError;
    expect(exitCode).toBe(2);
    expect(problems.map(({ code, where }) => `${code} ${where}`).sort()).toEqual([
      "E_IMPACT pair 1",
      "E_IMPACT pair 2",
      "E_IMPACT yield",
      "E_IMPACT_CLASS 9 > stop",
      "E_IMPACT_CLASS stap > yield",
      "E_IMPACT_CLASS stop > yeld",
      "E_IMPACT_PAIR pair 0",
      "E_IMPACT_PAIR stop > stop",
      "E_IMPACT_VALUE default",
      "E_IMPACT_VALUE stop > yeld",
      "E_RISK_KEY impacts",
      "E_RISK_VALUE exposure",
      "E_RISK_VALUE viewer",
    ]);
    expect(problems.find(({ where }) => where === "stap > yield")).toMatchObject({
      expected: "a class of the model (stop, yield, 30, 50, default) or *",
      got: "'stap'",
    });
  });

  it.each([[null], [[]], ["impact.json"], [7]])("refuses %j", (input) => {
    expect(() => declareRisk(input, CLASSES)).toThrow("E_RISK");
    expect(() => declareRisk({ impact: input }, CLASSES)).toThrow("E_IMPACT");
  });

  it("takes a matrix of a thousand classes", () => {
    const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
    const row = Object.fromEntries(classes.slice(1).map((name) => [name, 4]));
    const impact = Object.fromEntries(classes.slice(0, 200).map((name) => [name, { ...row, [name]: undefined }]));
    for (const [name, cells] of Object.entries(impact)) delete cells[name];
    const { pairs } = declareRisk({ impact }, classes).impact;
    expect(pairs.length).toBe(999 + 199 * 998);
    expect(new Impacts({ default: 3, defaultDeclared: false, pairs }).largest.impact).toBe(4);
  });
});
