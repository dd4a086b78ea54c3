import { describe, expect, it } from "vitest";
import { z } from "zod";
import { OUTCOMES } from "../../regression/schema.ts";
import { gateChanges, gateChangesText } from "./changes.ts";
import { gateText } from "./console.ts";
import { githubAnnotations } from "./github.ts";
import { gateJunit } from "./junit.ts";
import { gateMarkdown } from "./markdown.ts";
import { gatePage } from "./page.ts";
import { caseOf, gateOf, HOSTILE, resultOf } from "./result.test.fixture.ts";
import { gateSarif } from "./sarif.ts";

const all = OUTCOMES.map((outcome) => caseOf(outcome));
const waiver = { by: "ann", reason: "next release", until: "2027-01-01", expired: false };

describe("two gates", () => {
  const [fixed, broken, other] = [caseOf("fixed"), caseOf("still-broken", 1), caseOf("still-broken", 2)];

  it("are told case by case, and nothing of what stayed", () => {
    const before = resultOf([fixed, broken]);
    const after = resultOf([{ ...fixed, outcome: "moved" }, broken, other]);
    expect(gateChanges(before, before)).toEqual([]);
    expect(gateChanges(before, after)).toEqual([
      { sample: other.sample, threat: other.threat, before: null, after: "still-broken" },
      { sample: fixed.sample, threat: fixed.threat, before: "fixed", after: "moved" },
    ]);
    expect(gateChangesText(before, after)).toMatchInlineSnapshot(`
      "v1.onnx -> v2.onnx, then v1.onnx -> v2.onnx: 2 cases changed of 3
        not there -> still broken  1
        fixed -> moved             1
      00001b580000  linf:8/255: fixed -> moved
      "
    `);
  });
});

describe("console", () => {
  it("says what the gate added to the corpus, where it added something; so do the page and the comment", () => {
    const grown = gateOf([caseOf("moved")], { grown: { samples: 5, cells: 1 } });
    for (const text of [gateText(grown), gatePage(grown), gateMarkdown(grown)])
      expect(text).toContain("1 sample, 5 new by the re-attacks (1 new boundary cell)");
    expect(gateText(gateOf([caseOf("moved")], { grown: { samples: 0, cells: 0 } }))).not.toContain("new by");
  });

  it("shows a table, the cases that matter and the verdict", () => {
    expect(
      gateText(gateOf([caseOf("newly-broken"), caseOf("still-broken"), caseOf("fixed"), caseOf("fixed", 1)])),
    ).toMatchInlineSnapshot(`
      "v1.onnx -> v2.onnx   corpus boundary: 4 samples   10 queries   1.5 s

                    NEW-BROKEN  STILL  FIXED
        linf:8/255           1      1      2

      Re-attack  linf:8/255: apgd-warm; at most 103 queries, 100 of them with gradients, a sample
      Fresh set  none (--data): a drop that the corpus does not show would not be noticed
      NEWLY BROKEN       000000000000  stop -> yield  linf:8/255: yields -> yields; base withstood 7 queries
      STILL BROKEN       00000fa00000  stop -> yield  linf:8/255: yields -> yields
      GATE FAILED: 1 newly broken
      "
    `);
  });

  it("says what was changed in a row and in a text, with what can't be seen written out", () => {
    const changes = [
      { what: "income", from: 2400, to: 2650 },
      { what: "employed", from: "no", to: "yes" },
    ];
    const edits = [{ what: "invisible", from: "", to: "\u200b" }];
    const cases = [
      caseOf("still-broken", 0, { modality: "row", threat: "fields:2;none;untargeted;schema=de08aa86", changes }),
      caseOf("still-broken", 1, { modality: "text", threat: "text:invisible=2;none;untargeted", changes: edits }),
    ];
    const lines = gateText(gateOf(cases)).split("\n");
    expect(lines.filter((line) => line.startsWith("STILL")).map((line) => line.slice(48))).toEqual([
      "fields:2 (income 2400 -> 2650, 1 more change): yields -> yields",
      "text:invisible=2 ([U+200B] inserted): yields -> yields",
    ]);
    const page = gatePage(gateOf(cases));
    expect(page).toContain("<bdi>employed no -&gt; yes</bdi>");
    expect(page).toContain("<bdi>[U+200B] inserted</bdi>");
  });

  it.each([
    [[caseOf("fixed")], "GATE PASSED"],
    [[caseOf("newly-broken")], "GATE FAILED: 1 newly broken"],
    [[caseOf("newly-broken", 0, { waiver })], "GATE PASSED"],
    [[caseOf("still-broken", 0, { waiver: { ...waiver, expired: true } })], "GATE FAILED: 1 with an expired waiver"],
    [[caseOf("newly-broken", 0, { trusted: false })], "NOT EVALUATED: the corpus holds nothing that could be replayed"],
    [[caseOf("fixed"), caseOf("incomparable")], "NOT EVALUATED: 1 of 2 without an answer"],
    [[], "NOT EVALUATED: the corpus holds nothing that could be replayed"],
  ])("says the verdict of %#", (cases, verdict) => {
    expect(gateText(gateOf(cases)).trimEnd().split("\n").at(-1)).toBe(verdict);
  });
});

describe("JUnit", () => {
  it("is an XML file whatever classes are called", () => {
    const text = gateJunit(gateOf([caseOf("newly-broken", 0, { label: HOSTILE }), ...all.slice(1)]));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]|\u202e|<\/script>|<b>/);
    const tags = [...text.matchAll(/<(\/?)([a-z-]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>/g)];
    const open: string[] = [];
    for (const [, close, name, , alone] of tags) {
      if (close === "/") expect(open.pop()).toBe(name);
      else if (alone !== "/") open.push(name!);
    }
    expect(open).toEqual([]);
    // Nothing is left between the tags but text without markup.
    const rest = text.replaceAll(/<(\/?)([a-z-]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>|<\?xml[^?]*\?>/g, "");
    expect(rest).not.toMatch(/[<]/);
  });

  it("fails what the policy fails on, and skips what is waived", () => {
    const text = gateJunit(
      gateOf([...all, caseOf("newly-broken", 1, { waiver }), caseOf("newly-broken", 2, { trusted: false })]),
    );
    expect(/<testsuites [^>]*tests="15" failures="2" errors="2" skipped="2"/.test(text)).toBe(true);
    const names = [...text.matchAll(/classname="([^"]*)" name="([^"]*)"/g)].map(([, one, other]) => `${one} ${other}`);
    expect(new Set(names).size).toBe(15);
  });
});

/** What GitHub reads of SARIF 2.1.0, and its limits. The whole schema was run by hand (docs/gate.md). */
const githubSarif = z.object({
  $schema: z.url(),
  version: z.literal("2.1.0"),
  runs: z.tuple([
    z.object({
      tool: z.object({
        driver: z.object({
          name: z.string(),
          semanticVersion: z.string(),
          rules: z.array(
            z.object({
              id: z.string().max(255),
              name: z.string().max(255),
              shortDescription: z.object({ text: z.string().max(1024) }),
              fullDescription: z.object({ text: z.string().max(1024) }),
              help: z.object({ text: z.string() }),
              defaultConfiguration: z.object({ level: z.enum(["note", "warning", "error"]) }),
              properties: z.object({
                tags: z.array(z.string()).max(20),
                "security-severity": z.string().regex(/^\d+\.\d$/),
              }),
            }),
          ),
        }),
      }),
      results: z
        .array(
          z.object({
            ruleId: z.string(),
            ruleIndex: z.int().nonnegative(),
            level: z.enum(["none", "note", "warning", "error"]),
            message: z.object({ text: z.string().min(1).max(1024) }),
            locations: z
              .array(
                z.object({
                  physicalLocation: z.object({
                    artifactLocation: z.object({ uri: z.string().regex(/^(?!\/)(?!.*\.\.)[A-Za-z0-9._~%/-]+$/) }),
                    region: z.object({ startLine: z.literal(1) }),
                  }),
                }),
              )
              .length(1),
            partialFingerprints: z.record(z.string(), z.string()),
            baselineState: z.enum(["new", "unchanged"]),
          }),
        )
        .max(5000),
    }),
  ]),
});

describe("SARIF", () => {
  it("is what GitHub reads, also with hostile names and a corpus outside the repository", () => {
    for (const name of ["boundary", "./a b/boundary", "/home/me/boundary", "../other/boundary", "C:\\x\\boundary"]) {
      const result = gateOf([...all, caseOf("moved", 1, { label: HOSTILE.repeat(100) })]);
      const log = githubSarif.parse(JSON.parse(gateSarif({ ...result, corpus: { ...result.corpus, name } })));
      const { results, tool } = log.runs[0];
      expect(results.map(({ ruleIndex, ruleId }) => tool.driver.rules[ruleIndex]!.id === ruleId)).not.toContain(false);
      // One for each sample that the candidate gets wrong, none for the others.
      expect(results).toHaveLength(6);
    }
  });

  it("keeps to 5,000 results, the newly broken first", () => {
    const many = Array.from({ length: 5010 }, (_, i) => caseOf("still-broken", i));
    const { results } = githubSarif.parse(JSON.parse(gateSarif(gateOf([...many, caseOf("newly-broken")])))).runs[0];
    expect(results).toHaveLength(5000);
    expect(results[0]!.level).toBe("error");
  });
});

describe("GitHub", () => {
  it("gives at most ten annotations, and the last says how many more", () => {
    const lines = githubAnnotations(gateOf(Array.from({ length: 25 }, (_, i) => caseOf("newly-broken", i))));
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toMatch(/^::error title=Blindspot::and 16 more/);
  });

  it("lets no name begin a command of its own", () => {
    const result = gateOf([caseOf("newly-broken", 0, { label: HOSTILE, taken: [HOSTILE] })]);
    for (const line of githubAnnotations(result)) {
      expect(line).not.toMatch(/[\n\r]/);
      expect(line.slice(2)).not.toMatch(/(^|\n)::/);
      expect(line).toContain("%250A");
    }
    for (const line of `${gateText(result)}${gateMarkdown(result)}`.split("\n")) expect(line).not.toMatch(/^\s*::/);
  });

  it("has a summary that fits, and in which names are code", () => {
    const text = gateMarkdown(
      gateOf(Array.from({ length: 3000 }, (_, i) => caseOf("newly-broken", i, { label: HOSTILE }))),
    );
    expect(text.length).toBeLessThan(65_000);
    expect(text.replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, "")).not.toMatch(/<b>|<\/script>/);
  });
});

describe("page", () => {
  it("is one file that loads nothing, and in which no name is markup", () => {
    const text = gatePage(gateOf([caseOf("newly-broken", 0, { label: HOSTILE }), ...all.slice(1)]));
    expect(text).not.toMatch(/<script|src="http|<b> &|\u202e/);
    expect(text).toContain("GATE FAILED");
  });

  it("tells what the corpus holds, and how it grew", () => {
    const holds = {
      samples: 31,
      kinds: [{ name: "adversarial", samples: 31 }],
      coverage: [{ family: "class pair" as const, cells: 3, of: 6, samples: 31, once: 1 }],
      models: [HOSTILE, "v2.onnx"].map((name) => ({ name, samples: 31, isNew: 16, newCells: 2 })),
      lastNewCell: null,
    };
    const result = gateOf(all, { holds, grown: { samples: 2, cells: 1 } });
    const text = gatePage(result);
    expect(text).toContain("31 samples (31 adversarial), 3 boundary cells");
    expect(text).toContain("The re-attacks added 2 samples and 1 new boundary cell.");
    expect(text).toContain('id="growth-chart"');
    expect(text).not.toMatch(/<script|<b> &|\u202e/);
    expect(gateMarkdown(result)).toContain("- The corpus held 31 samples (31 adversarial), 3 boundary cells");
    expect(gatePage(gateOf(all))).toContain("<h2>The corpus</h2>");
  });
});
