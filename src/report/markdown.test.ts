import { describe, expect, it } from "vitest";
import type { Check, Result } from "../assess/schema.ts";
import { code, markdownReporter, sentence } from "./markdown.ts";
import { HOSTILE, RESULT, riskOf, storedRun, THREAT } from "./stored-run.test.fixture.ts";

const render = (run: ReturnType<typeof storedRun>) => markdownReporter.render(run, {});
/** What is left of a text when its code spans are taken out: what a host would read as markup. */
const outside = (markdown: string) => markdown.replaceAll(/(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g, "");
/** What a comment may hold where people review code. */
const LIMIT = 65_000;

describe("markdownReporter", () => {
  it("says what a reviewer must know", async () => {
    const run = storedRun({ findings: 2, result: { risk: riskOf({ assessed: false }) } });
    expect(await render(run)).toMatchInlineSnapshot(`
      "## Blindspot: \`signs.onnx\`

      **Trust it only with inputs that nobody can alter.** At linf:8/255, of the samples that it gets right, an attacker who has the model misleads it on 83.8 %, an attacker who only sees its scores misleads it on 54.5 %.

      On \`npz:test.npz\` (seeded draw of 200 of 1000, stratified by class; seed 0). Without any attack 99.0 % are right, 95 % interval [96.4, 99.7], 198 of 200.

      ### Under \`linf:8/255;uint8;untargeted\`

      Severity **High**: likelihood very likely, impact 3 of 5; **impact not assessed**. L = 0.84 x 1 x 1 = 0.84

      | attacker | robust accuracy | 95 % | stand | broken by |
      | --- | ---: | ---: | ---: | ---: |
      | **all together** | **15.0 %** | [10.7, 20.6] | 30 of 200 |  |
      | white-box | 16.0 % | [11.6, 21.7] | 32 of 200 | apgd-ce 160, apgd-t 6 |
      | score | 45.0 % | [38.3, 51.9] | 90 of 200 | square 108 |

      ### Findings (2)

      | sample | is a | taken for | sure | threat | attack | queries | distance | to the eye |
      | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
      | 0 | \`stop\` | \`yield\` | 88.0 % | \`linf:8/255\` | pgd (white-box) | 12 | 8/255 | visible |
      | 1 | \`yield\` | \`stop\` | 88.0 % | \`linf:8/255\` | pgd (white-box) | 12 | 8/255 | visible |

      ### Checks (badge E1): 1 of 2 passed

      - **warn** \`monotone-epsilon\` (\`linf:8/255\`): pgd has not converged

      <details><summary>Passed and skipped</summary>

      - **pass** \`determinism\`: the same outputs

      </details>

      ### Not tested

      - attackers with labels alone

      ### Next

      - Audit the figure: \`npx blindspot assess --model signs.onnx --data npz:test.npz --threat linf:8/255 --audit\`
      - Take one finding apart, step by step: \`npx blindspot exercise\`
      - Make this run again: \`npx blindspot assess --model signs.onnx --data npz:test.npz\`

      Blindspot \`0.1.0\`. An attack that fails proves nothing, so every robust accuracy is an upper bound.
      "
    `);
  });

  it("strikes a withdrawn figure through, with the reason", async () => {
    const checks: Check[] = [{ id: "gradients-zero", status: "fail", detail: "39 of 39", try: "a score attack" }];
    const text = await render(storedRun({ result: { checks } }));
    expect(text).toContain("~~15.0 %~~ withdrawn");
    expect(text).toContain("- withdrawn: **fail** `gradients-zero`: 39 of 39 Try: a score attack");
  });

  it("says what is missing, and what was not evaluated", async () => {
    const none = { ...THREAT, robustAccuracy: { ...THREAT.robustAccuracy, of: 0, unbroken: 0 } };
    const run = {
      ...storedRun({ findings: 0, result: { threats: [none], status: "partial" } }),
      problems: ["a *blob* is missing"],
    };
    const text = await render(run);
    expect(text).toContain("Nothing was evaluated");
    expect(text).toContain("No verified misclassification.");
    expect(text).toContain("### Incomplete\n\n- a \\*blob\\* is missing");
  });

  it("lets no name become markup, a link, a mention or a reference", async () => {
    const hostile = HOSTILE.join(" ");
    const result: Partial<Result> = {
      model: { ...RESULT.model, name: hostile, classes: [...HOSTILE] },
      data: { ...RESULT.data, spec: hostile, draw: hostile },
      notTested: [...HOSTILE, "see https://evil.example or www.evil.example"],
      checks: [{ id: "batch", status: "fail", detail: hostile, try: hostile }],
    };
    const text = outside(await render(storedRun({ findings: 12, classes: HOSTILE, result })));
    for (const active of ["<script", "<img", "</td", "](", "@octocat", "#1", "://", "www.", "|b"])
      expect(text.replaceAll("\\<", "&lt;").replaceAll("\\]", "&rsqb;").replaceAll("\\|", "&vert;")).not.toContain(
        active,
      );
    for (const unseen of ["\u202e", "\u0000", "\t"]) expect(text).not.toContain(unseen);
  });

  it.each([0, 1, 1000])("stays short with %i findings", async (findings) => {
    expect((await render(storedRun({ findings }))).length).toBeLessThan(LIMIT);
  });

  it("stays short whatever a run holds", async () => {
    const long = "`|*<&@".repeat(500);
    const risk = riskOf({ assessed: true });
    const threats = Array.from({ length: 300 }, (_, i) => ({ ...THREAT, id: `${i} ${long}` }));
    const result: Partial<Result> = {
      options: { model: long, data: long, classes: long, threat: [long], out: long },
      model: { ...RESULT.model, name: long, classes: [long, `${long}!`] },
      data: { ...RESULT.data, spec: long, draw: long },
      threats: threats.map((threat) => ({ ...threat, profiles: Array(4).fill(THREAT.profiles[0]) })),
      checks: threats.map(({ id }) => ({ id: long, status: "warn" as const, detail: long, try: long, threat: id })),
      notTested: threats.map(({ id }) => id),
      risk: { ...risk, threats: threats.map(({ id }) => ({ ...risk.threats[0]!, threat: id, arithmetic: long })) },
    };
    const run = storedRun({ findings: 30, classes: [long, `${long}!`], sampleName: () => long, result });
    const text = await render({ ...run, problems: threats.map(({ id }) => id) });
    expect(text.length).toBeLessThan(LIMIT);
    expect(text.length).toBeGreaterThan(20_000);
    expect(text).toContain("And 292 more threats");
  });
});

describe("code", () => {
  it.each([
    ["stop", "`stop`"],
    ["a`b``c", "```a`b``c```"],
    ["`", "`` ` ``"],
    ["a|b", "`a¦b`"],
    ["", "`  `"],
    ["a\nb", "`a[U+000A]b`"],
  ])("writes %j as %s", (text, written) => expect(code(text)).toBe(written));
  it("cuts what is long", () => expect(code("x".repeat(100))).toHaveLength(50));
});

describe("sentence", () => {
  it.each([
    ["a * b", "a \\* b"],
    ["ask @octocat about #1", "ask @<!-- -->octocat about #<!-- -->1"],
    ["https://a.b", "https:<!-- -->//a.b"],
    ["www.a.b", "www<!-- -->.a.b"],
    ["15.0 % at linf:8/255", "15.0 % at linf:8/255"],
  ])("writes %j as %j", (text, written) => expect(sentence(text)).toBe(written));
});
