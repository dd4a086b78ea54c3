import { describe, expect, it } from "vitest";
import type { BlindspotError } from "../base/errors.ts";
import { l0 } from "../threats/l0.ts";
import { l2, linf } from "../threats/lp.ts";
import type { Knowledge } from "./attack.ts";
import { type PlanContext, type PlanOverrides, planProfiles, shortOfSuite } from "./plan.ts";
import { attacks, findAttack } from "./registry.ts";
import { suites } from "./suites.ts";

const context: PlanContext = {
  threat: linf(0.1),
  dims: [8],
  classes: 10,
  capabilities: { output: "scores", gradient: true },
  surrogate: false,
};
const withoutGradients: PlanContext = { ...context, capabilities: { output: "scores", gradient: false } };

function planOf(names: string[], overrides: PlanOverrides = {}, where = context, profiles: Knowledge[] | null = null) {
  const plan = planProfiles(names, profiles, overrides, where);
  return {
    attacks: plan.profiles.flatMap((profile) =>
      profile.attacks.map(
        ({ definition, settings }) => `${profile.knowledge} ${definition.name} ${JSON.stringify(settings)}`,
      ),
    ),
    notRun: plan.notRun.map(({ attack, reason }) => `${attack}: ${reason}`),
  };
}

describe("an attack that is listed twice", () => {
  it.each([
    ["quick and standard", ["quick", "standard"], 5000],
    ["the other way round", ["standard", "quick"], 5000],
    ["a suite and a name", ["quick", "square"], 2000],
  ])("%s: runs once, as thoroughly as it was asked for", (_, names, queries) => {
    const squares = planOf(names).attacks.filter((attack) => attack.startsWith("score square"));
    expect(squares).toEqual([expect.stringContaining(`"queries":${queries}`)]);
  });
});

describe("what a plan lacks of a suite", () => {
  it.each<[string, string[], PlanOverrides, Knowledge[] | null, string[]]>([
    ["the suite itself", ["standard"], {}, null, []],
    ["more than it", ["standard", "pgd"], { restarts: 5 }, null, []],
    ["fewer queries", ["standard"], { set: ["square.queries=100"] }, null, ["square ran with 100 queries, not 5000"]],
    ["fewer steps", ["standard"], { set: ["apgd-ce.steps=3"] }, null, ["apgd-ce ran with 3 steps, not 100"]],
    ["fewer profiles", ["standard"], {}, ["white-box", "score"], ["rays did not run"]],
  ])("%s", (_, names, overrides, profiles, lacks) => {
    const plan = planProfiles(names, profiles, overrides, context);
    expect(shortOfSuite("standard", plan.profiles, Number.POSITIVE_INFINITY, context)).toEqual(lacks);
  });

  it("a limit of queries counts for every attack that needs more", () => {
    const plan = planProfiles(["standard"], null, {}, context);
    const lacks = shortOfSuite("standard", plan.profiles, 1000, context).filter((line) => line.includes("could ask"));
    expect(lacks).toContain("rays could ask 1000 queries, not 2000");
  });

  it("nothing, where the model itself stands in the way", () => {
    const plan = planProfiles(["standard"], null, {}, withoutGradients);
    expect(shortOfSuite("standard", plan.profiles, Number.POSITIVE_INFINITY, withoutGradients)).toEqual([]);
  });
});

describe("plans", () => {
  it("names what stands in the way of an attack that needs gradients, and leaves it out of a suite's reasons", () => {
    const modelProblems = [{ code: "E_OP_NO_GRADIENT", subject: "Det 'd'" }];
    const where = { ...withoutGradients, modelProblems };
    expect(() => planOf(["pgd"], {}, where)).toThrow(/E_ATTACK_UNSUITABLE.*'pgd'[\s\S]*E_OP_NO_GRADIENT Det 'd'/);
    expect(planOf(["quick"], {}, where).attacks).toEqual([
      expect.stringMatching(/^score square/),
      expect.stringMatching(/^label rays/),
    ]);
  });

  it("standard, as CONTRACTS settles it", () => {
    expect(planOf(["standard"])).toMatchInlineSnapshot(`
      {
        "attacks": [
          "white-box apgd-ce {"steps":100,"restarts":1,"rho":0.75}",
          "white-box apgd-margin {"steps":100,"restarts":2,"rho":0.75}",
          "white-box apgd-t {"steps":100,"restarts":1,"rho":0.75,"targets":9}",
          "white-box raise-one-logit {"steps":50,"restarts":1,"rho":0.75,"targets":3}",
          "score square {"queries":5000,"restarts":2,"p":0.8,"rescale":"auto"}",
          "label rays {"queries":2000,"tolerance":0.001}",
        ],
        "notRun": [
          "mi-fgsm: there is no surrogate (--surrogate MODEL)",
          "transfer-pgd: there is no surrogate (--surrogate MODEL)",
        ],
      }
    `);
  });

  it("quick, as CONTRACTS settles it", () => {
    expect(planOf(["quick"], {}, { ...context, surrogate: true })).toMatchInlineSnapshot(`
      {
        "attacks": [
          "white-box fgsm {"loss":"cross-entropy"}",
          "white-box pgd {"steps":20,"stepSize":0,"restarts":1,"loss":"margin","randomStart":true,"keep":"any"}",
          "score square {"queries":200,"restarts":1,"p":0.8,"rescale":"auto"}",
          "label rays {"queries":200,"tolerance":0.001}",
          "transfer mi-fgsm {"steps":10,"stepSize":0,"decay":1,"restarts":1,"loss":"cross-entropy","randomStart":false,"ask":"every"}",
        ],
        "notRun": [],
      }
    `);
  });

  it("for a few pixels hold what fits, and name what has no attack", () => {
    expect(planOf(["standard"], {}, { ...context, threat: l0(5), surrogate: true })).toMatchInlineSnapshot(`
      {
        "attacks": [
          "white-box sigma-zero {"steps":1000,"stepSize":1,"sigma":0.001,"threshold":0.3,"adaptation":0.01}",
          "score sparse-rs {"queries":5000,"restarts":1,"alpha":0.3}",
        ],
        "notRun": [
          "rays: works for linf threats, not for l0",
          "mi-fgsm: works for linf and l2 threats, not for l0",
          "transfer-pgd: works for linf and l2 threats, not for l0",
        ],
      }
    `);
  });

  it("for a model of labels alone hold the label attack", () => {
    const where: PlanContext = { ...context, capabilities: { output: "label", gradient: false } };
    expect(planOf(["standard"], {}, where)).toMatchInlineSnapshot(`
      {
        "attacks": [
          "label rays {"queries":2000,"tolerance":0.001}",
        ],
        "notRun": [
          "apgd-ce: the model gives no gradients (use a label attack)",
          "apgd-margin: the model gives no gradients (use a label attack)",
          "apgd-t: the model gives no gradients (use a label attack)",
          "raise-one-logit: the model gives no gradients (use a label attack)",
          "square: the model gives labels only, no scores (use a label attack)",
          "mi-fgsm: there is no surrogate (--surrogate MODEL)",
          "transfer-pgd: there is no surrogate (--surrogate MODEL)",
        ],
      }
    `);
    expect(() => planOf(["standard"], {}, { ...where, threat: l2(1) })).toThrow("works for linf threats, not for l2");
  });

  it("of a suite leave out what can't run, and say so", () => {
    expect(planOf(["quick"], {}, withoutGradients)).toMatchInlineSnapshot(`
      {
        "attacks": [
          "score square {"queries":200,"restarts":1,"p":0.8,"rescale":"auto"}",
          "label rays {"queries":200,"tolerance":0.001}",
        ],
        "notRun": [
          "fgsm: the model gives no gradients (use a score attack)",
          "pgd: the model gives no gradients (use a score attack)",
          "mi-fgsm: there is no surrogate (--surrogate MODEL)",
        ],
      }
    `);
    expect(planOf(["quick"], {}, context, ["score"]).attacks).toHaveLength(1);
  });

  it("take settings from the command line, the particular over the general", () => {
    const overrides = {
      set: ["pgd.stepSize=1/100", "pgd.randomStart=false", "pgd.keep=last", "pgd.steps=7"],
      steps: 40,
      queries: 50,
    };
    expect(planOf(["pgd", "square"], overrides).attacks).toEqual([
      'white-box pgd {"steps":7,"stepSize":0.01,"restarts":1,"loss":"cross-entropy","randomStart":false,"keep":"last"}',
      'score square {"queries":50,"restarts":1,"p":0.8,"rescale":"auto"}',
    ]);
  });

  it.each([
    [["pgdd"], {}, context, "Did you mean 'pgd'?"],
    [["standrad"], {}, context, "Did you mean 'standard'?"],
    [["zzzzzz"], {}, context, "Known: quick, standard"],
    [["pgd"], {}, withoutGradients, "the model gives no gradients"],
    [["mi-fgsm"], {}, context, "--surrogate"],
    [["pgd"], { set: ["pgd.stepsize=1"] }, context, "Did you mean 'stepSize'?"],
    [["pgd"], { set: ["pgd.steps=many"] }, context, "expected a number, got 'many'"],
    [["pgd"], { set: ["pgd.steps=1.5"] }, context, "a whole number above 0"],
    [["pgd"], { set: ["pgd.keep=first"] }, context, "any or last"],
    [["pgd"], { set: ["pgd.randomStart=maybe"] }, context, "expected a boolean"],
    [["pgd"], { set: ["steps=1"] }, context, "ATTACK.KEY=VALUE"],
    [["pgd"], { set: ["square.p=0.1"] }, context, "E_SET_UNUSED"],
    [["pgd"], { steps: 0 }, context, "a whole number above 0"],
    [[], {}, context, "E_NOTHING_TO_RUN"],
  ] as [string[], PlanOverrides, PlanContext, string][])("%o with %o is refused", (names, overrides, where, words) => {
    expect(() => planOf(names, overrides, where)).toThrow(words);
  });

  it("report everything that is wrong at once", () => {
    try {
      planOf(["pgdd", "mi-fgsm", "pgd"], { set: ["pgd.x=1", "pgd.loss=2", "fgms.loss=margin"] });
      expect.unreachable();
    } catch (error) {
      expect((error as BlindspotError).problems.map(({ code }) => code)).toEqual([
        "E_ATTACK_UNKNOWN",
        "E_ATTACK_UNKNOWN",
        "E_ATTACK_UNSUITABLE",
        "E_SET_KEY",
        "E_SET_VALUE",
      ]);
      expect((error as BlindspotError).exitCode).toBe(2);
    }
  });
});

describe("the registry", () => {
  it("has one attack per name, each with its source", () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
    for (const { source, summary } of attacks) expect(source.length * summary.length).toBeGreaterThan(0);
  });

  it("knows every attack of every suite, with its settings", () => {
    for (const suite of suites)
      for (const [knowledge, entries] of Object.entries(suite.attacks))
        for (const { attack, settings = {} } of entries) {
          const definition = findAttack(attack);
          expect(definition.knowledge).toBe(knowledge);
          expect(Object.keys(definition.defaults)).toEqual(expect.arrayContaining(Object.keys(settings)));
        }
  });
});
