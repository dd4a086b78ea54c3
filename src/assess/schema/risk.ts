import { z } from "zod";
import { count, knowledge, mappings, share } from "./common.ts";

export const RISK_FORMULA = "blindspot-risk/1";

export const severity = z.enum(["Info", "Low", "Medium", "High", "Critical"]);
export const band = z.enum([
  "excluded within epsilon",
  "not observed",
  "unlikely",
  "possible",
  "likely",
  "very likely",
]);
export const perceptibilityBand = z.enum(["imperceptible", "subtle", "visible", "obvious"]);
const impact = z.int().min(1).max(5);

/** What nobody can measure: the deployment, as its owner declares it. */
export const declared = z.object({
  exposure: z.enum(["public", "internal", "api-scores", "api-labels"]),
  viewer: z.enum(["none", "machine", "person"]),
  impact: z.object({
    default: impact.describe("of every mistake that no pair covers"),
    defaultDeclared: z.boolean().describe("false: nobody chose the default, and what rests on it is not assessed"),
    pairs: z
      .array(z.object({ true: z.string(), wrong: z.string(), impact }))
      .describe("by class name; * is every class"),
  }),
  assessed: z.boolean().describe("false: nobody declared an impact, and reports say so"),
});

const profileRisk = z.object({
  knowledge,
  inReach: z.boolean().describe("whether an attacker of the declared exposure can be this one"),
  fooled: count,
  of: count.describe("correctly classified samples, without those whose attack ended in an error"),
  p: share.describe("attack success rate of the profile: fooled / of"),
  pHigh: share.describe("its upper 95 % bound (Wilson)"),
  medianQueries: count
    .nullable()
    .describe("of the attack that succeeded, over the fooled samples; null: none, or queries cost nothing here"),
  queryStep: share.describe("1, .9, .7, .4 or .2 by the median queries"),
  access: share.describe(".9 where scores are seen, .7 where only labels are, else 1"),
  effort: share.describe("query step x access"),
  stealthBand: perceptibilityBand.nullable().describe("of the least perceptible finding; null: none is known"),
  stealth: share,
  likelihood: share.describe("p x effort x stealth"),
  likelihoodHigh: share.describe("pHigh x effort x stealth"),
});

const pairName = { true: z.string(), wrong: z.string() };
const source = z.enum(["declared", "default"]).describe("default: nobody declared it, so it is not assessed");

const pairRisk = z.object({
  ...pairName,
  trueLabel: count,
  wrongLabel: count,
  samples: count.describe("correct samples of the one class that an attacker of any profile had taken for the other"),
  findings: count.describe("lines of findings.jsonl"),
  impact,
  source,
  severity: severity.describe("impact of the pair, likelihood of the threat"),
  severityHigh: severity,
  shown: z.string(),
});

const threatRisk = z.object({
  threat: z.string(),
  profiles: z.array(profileRisk),
  profile: knowledge.nullable().describe("the one that decides; null: none in reach ran"),
  enough: z.boolean().describe("false: a severity below High would rest on too little evaluation"),
  likelihood: z.object({ value: share, high: share, band, bandHigh: band }),
  impact: z.object({
    value: impact,
    source,
    pair: z
      .object(pairName)
      .nullable()
      .describe("the costliest observed; null: none was, and the costliest of all counts"),
  }),
  severity: z.object({
    value: severity,
    high: severity.describe("with the upper bound of the likelihood"),
    shown: z.string().describe("as reports print it: High, Medium to High, Unknown: not evaluated enough"),
  }),
  pairs: z.array(pairRisk).describe("every mistake observed, the costliest first"),
  arithmetic: z.string().describe("the formula with its numbers in it; may hold class names: escape it"),
});

const mitigation = z.object({
  countermeasure: z.string(),
  against: z.array(knowledge).describe("attackers that it hinders"),
  id: z.string(),
  name: z.string(),
  version: z.string(),
});

export const riskSchema = z
  .object({
    formula: z.literal(RISK_FORMULA),
    declared,
    threats: z.array(threatRisk),
    mappings,
    catalogs: z.array(z.object({ name: z.string(), version: z.string() })).describe("what the ids are taken from"),
    mitigations: z.array(mitigation).describe("MITRE ATLAS mitigations of the countermeasures"),
  })
  .describe("Measured likelihood, declared impact, confidence by the badge");
