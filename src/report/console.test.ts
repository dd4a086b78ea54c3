import { describe, expect, it } from "vitest";
import { findingSchema, type Result, resultSchema } from "../assess/schema.ts";
import { consoleReport } from "./console.ts";
import { duration, epsilonText, grouped, sure } from "./format.ts";
import { RESULT, riskOf, robust, storedRun } from "./stored-run.test.fixture.ts";

describe("consoleReport", () => {
  it("is made from a result that its schema accepts", () => expect(resultSchema.parse(RESULT)).toEqual(RESULT));

  it("and the made-up findings by theirs", () => {
    const { findings } = storedRun({ findings: 2 });
    expect(findings.map((finding) => findingSchema.parse(finding))).toEqual(findings);
  });

  it("shows headline, profiles, checks, natural errors and what to do next", () => {
    expect(consoleReport(RESULT, { directory: "run" })).toMatchInlineSnapshot(`
      "signs.onnx on npz:test.npz (seeded draw of 200 of 1000, stratified by class; seed 0)
        batch of 1 freed (8 rows agree)

      Without attack       99.0 %  [96.4, 99.7]  198 of 200 right

      Under linf:8/255;uint8;untargeted
        robust accuracy    15.0 %  [10.7, 20.6]  30 of 200 stand under every profile

                    stand          95 %  broke   of  median queries  model time
        white-box  16.0 %  [11.6, 21.7]
          apgd-ce  19.0 %                  160  198               8       3.3 s
          apgd-t   16.0 %                    6   38             120       3.3 s
        score      45.0 %  [38.3, 51.9]
          square   45.0 %                  108  198           1,210       3.3 s

        linf size: accuracy (pgd, 40 samples)   0: 97.5 %   8/255: 20.0 %

      Checks (badge E1)
        WARN  monotone-epsilon: pgd has not converged
        pass  determinism

      Wrong without any attack (2)
        img-7 (stop taken for yield), img-9 (yield taken for stop)

      Not tested  attackers with labels alone

      Written to run: result.json, samples.jsonl, findings.jsonl, blobs/

      Trust it only with inputs that nobody can alter. At linf:8/255, of the samples that it gets right, an attacker who has the model misleads it on 83.8 %, an attacker who only sees its scores misleads it on 54.5 %.
      See the inputs that fool it:
        npx blindspot report run --open
      Audit the figure:
        npx blindspot assess --model signs.onnx --data npz:test.npz --threat linf:8/255 --audit
      "
    `);
  });

  it("strikes the headline through where a check failed, with the reason", () => {
    const checks = [{ id: "gradients-zero", status: "fail" as const, detail: "of 39 gradients, exactly zero: 39" }];
    const text = consoleReport({ ...RESULT, checks, badge: "E0" });
    expect(text).toContain("~~15.0 %  [10.7, 20.6]~~");
    expect(text).toContain("withdrawn: gradients-zero: of 39 gradients, exactly zero: 39");
    expect(text).toContain("Do not rely on the 15.0 % at linf:8/255. The check gradients-zero failed, so");
  });

  it("says that a run is partial, and how to finish it", () => {
    const text = consoleReport({ ...RESULT, status: "partial", options: { ...RESULT.options, out: "run" } });
    expect(text).toContain("partial: 200 of 200 samples");
    expect(text.trimEnd()).toMatch(
      /Finish this run[^\n]*:\n {2}npx blindspot assess --model signs\.onnx --data npz:test\.npz --out run$/,
    );
  });

  it("gives no verdict on a run that was cut short", () => {
    const detail = "50 of 200 samples are not finished";
    const check = { id: "all-samples-finished", threat: RESULT.threats[0]!.id, status: "warn", detail } as const;
    const partial: Result = {
      ...RESULT,
      status: "partial",
      checks: [check],
      options: { ...RESULT.options, out: "run" },
    };
    expect(consoleReport(partial)).toContain(`No verdict yet at linf:8/255. ${detail}.\nFinish this run`);
    const none = { ...RESULT.threats[0]!, id: "l2:1;uint8;untargeted", robustAccuracy: robust(0, 0) };
    const text = consoleReport({ ...partial, threats: [none, ...RESULT.threats] });
    expect(text).toContain("Under l2:1;uint8;untargeted\n  not evaluated");
    expect(text).toContain("No verdict yet at linf:8/255");
  });

  it("carries the options that the next command needs, quoted for a shell", () => {
    const options = {
      ...RESULT.options,
      data: "records:x.gz?shape=32x32x3",
      inputRange: [0, 255],
      mean: [0.1, 0.2, 0.3],
    };
    expect(consoleReport({ ...RESULT, options })).toContain(
      "--data 'records:x.gz?shape=32x32x3' --input-range 0..255 --mean 0.1,0.2,0.3 --threat linf:8/255 --audit",
    );
  });

  it("repeats what the plan of the run was, to finish it", () => {
    const options = {
      ...RESULT.options,
      threat: ["linf:8/255", "l2:1"],
      set: ["pgd.steps=9"],
      samples: 50,
      probe: false,
    };
    expect(consoleReport({ ...RESULT, status: "partial", options }, { directory: "my run" })).toContain(
      "--data npz:test.npz --no-probe --threat linf:8/255 --threat l2:1 --samples 50 --set pgd.steps=9 --out 'my run'",
    );
  });

  it("says severity, its arithmetic, and whether anybody declared the impact", () => {
    const severity = (assessed: boolean) =>
      consoleReport({ ...RESULT, risk: riskOf({ assessed }) })
        .split("\n")
        .filter((line) => /severity|L = /.test(line));
    expect(severity(false)).toEqual([
      "  severity            High  likelihood: very likely; impact 3 of 5 (stop taken for yield), impact not assessed",
      "    L = 0.84 x 1 x 1 = 0.84",
    ]);
    expect(severity(true)[0]).toMatch(/impact 3 of 5 \(stop taken for yield\)$/);
  });

  it("tells failed checks first and in full with what to try, the others by name", () => {
    const said = (status: "pass" | "warn" | "fail" | "skipped", ...ids: string[]) =>
      ids.map((id) => ({
        id,
        status,
        detail: `${id} saw something`,
        ...(status === "fail" ? { try: "another attack" } : {}),
      }));
    const notAsked = said("skipped", "noise-baseline", "step-size").map((one) => ({
      ...one,
      detail: "part of --audit",
    }));
    const long = Array.from({ length: 12 }, (_, i) => `check-number-${i}`);
    const checks = [...said("pass", ...long), ...said("warn", "batch"), ...notAsked, ...said("fail", "determinism")];
    const text = consoleReport({ ...RESULT, checks });
    expect(text.slice(text.indexOf("Checks"), text.indexOf("Wrong"))).toMatchInlineSnapshot(`
      "Checks (badge E1)
        FAIL  determinism: determinism saw something
              try: another attack
        WARN  batch: batch saw something
        pass  check-number-0, check-number-1, check-number-2, check-number-3, check-number-4,
              check-number-5, check-number-6, check-number-7, check-number-8, check-number-9,
              check-number-10, check-number-11
          -   noise-baseline, step-size (part of --audit)

      "
    `);
  });

  it("colors only when asked", () => {
    const esc = String.fromCharCode(27);
    expect(consoleReport(RESULT)).not.toContain(esc);
    expect(consoleReport(RESULT, { color: true })).toContain(`${esc}[1m`);
  });
});

describe("figures", () => {
  it.each([
    [0.3, "0.3"],
    [8 / 255, "8/255"],
    [Math.fround(8 / 255), "8/255"],
    [Math.fround(0.2), "0.2"],
    [0.075, "0.075"],
    [1, "1"],
    [Math.SQRT2, "1.41"],
  ])("epsilon %f is %s", (epsilon, text) => expect(epsilonText(epsilon)).toBe(text));
  it.each([
    [1, "100.0 %"],
    [0.9999, "more than 99.9 %"],
    [0.5, "50.0 %"],
    [0.0001, "less than 0.1 %"],
    [0, "0.0 %"],
  ])("a confidence of %f is %s", (share, text) => expect(sure(share)).toBe(text));
  it.each([
    [0.42, "0.4 s"],
    [61, "61 s"],
    [200, "3 min 20 s"],
    [7500, "2 h 5 min"],
  ])("%f seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [1234567, "1,234,567"],
  ])("%i is %s", (value, text) => expect(grouped(value)).toBe(text));
});
