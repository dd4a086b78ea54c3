import { describe, expect, it } from "vitest";
import { assessRisk } from "../assess/risk/assess-risk.ts";
import { declareRisk } from "../assess/risk/declare.ts";
import { basisOf, CLASSES, fooled, RESISTED, times } from "../assess/risk/run.test.fixture.ts";
import { riskPage } from "./risk-page.ts";
import { findingSeverity } from "./severity.ts";
import { HOSTILE, RESULT } from "./stored-run.test.fixture.ts";

const SAMPLES = [
  ...times(6, { label: 0, profiles: { "white-box": fooled(9, 1), label: fooled(400, 2) } }),
  ...times(14, { label: 1, profiles: { "white-box": RESISTED, label: RESISTED } }),
];
const declared = declareRisk({ exposure: "api-labels", impact: { stop: { "*": 4, "limit 50": 5 } } }, CLASSES);

describe("riskPage", () => {
  it("shows what was declared, each attacker, the arithmetic and the costliest mistakes", () => {
    expect(riskPage(RESULT, assessRisk(basisOf(SAMPLES), declared))).toMatchInlineSnapshot(`
      "Risk of signs.onnx on npz:test.npz (blindspot-risk/1, badge E1)

      Exposure   labels by query (api-labels)
      Viewer     nobody looks at the inputs (none)
      Impact     2 declared impacts; else 3 (not assessed); at most 5

      Under linf:8/255;uint8;untargeted: High
                   in reach   fooled       p  at most  median queries  effort  stealth      L  at most
        white-box        no  6 of 20  30.0 %   51.9 %               -       1        1  0.300    0.519
        label           yes  6 of 20  30.0 %   51.9 %             400    0.63        1  0.189    0.327
        label: L = p × effort × stealth = 0.3 (6 of 20) × 0.63 (0.9 for a median of 400 queries × 0.7 for labels) × 1 = 0.189 (possible); with the upper 95 % bound of p: 0.519 × 0.63 (0.9 for a median of 400 queries × 0.7 for labels) × 1 = 0.327 (likely). Impact 5 (stop taken for limit 50; declared). Severity High.

        mistake                  samples  impact  severity
        stop taken for limit 50        6  5       High
        stop taken for yield           6  4       Medium to High

      Mapped to  AML.T0015, AML.T0043.000, AML.T0043.001, ML01:2023, NISTAML.022, NISTAML.025, CWE-1039
                 evidence toward EU AI Act Article 15(5); not a statement of compliance
                 MITRE ATLAS 5.6.1; OWASP Machine Learning Security Top 10 2023; NIST AI 100-2 E2025; CWE 4.17; EU AI Act Regulation (EU) 2024/1689
      "
    `);
  });

  it("stamps an impact that nobody declared", () => {
    const page = riskPage(RESULT, assessRisk(basisOf(SAMPLES), declareRisk({}, CLASSES)));
    expect(page).toContain("Impact     not assessed: 3 of 5 for every mistake");
    expect(page).toMatch(/stop taken for yield +6 +3 \(not assessed\)/);
  });

  it("shows hostile names as text", () => {
    const basis = basisOf(SAMPLES);
    const model = { ...basis.result.model, classes: [...HOSTILE] };
    const risk = assessRisk({ ...basis, result: { ...basis.result, model } }, declareRisk({}, HOSTILE));
    const page = riskPage(RESULT, risk);
    expect(page.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe("findingSeverity", () => {
  it("is that of the mistake, under the threat of the finding", () => {
    const { findings, ...basis } = basisOf(SAMPLES);
    const risk = assessRisk({ ...basis, findings }, declared);
    expect(findingSeverity(risk, findings[0]!)).toMatchObject({ true: "stop", wrong: "yield", impact: 4 });
    const other = { ...findings[0]!, constraints: { ...findings[0]!.constraints, threat: "l2:1;none;untargeted" } };
    expect(findingSeverity(risk, other)).toBeUndefined();
    expect(findingSeverity(undefined, findings[0]!)).toBeUndefined();
  });
});
