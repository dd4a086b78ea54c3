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
    default: impact,
    pairs: z.array(z.object({ true: z.string(), wrong: z.string(), impact })).describe("by class name"),
  }),
  assessed: z.boolean().describe("false: nobody declared an impact, and reports say so"),
});

const profileRisk = z.object({
  knowledge,
  inReach: z.boolean().describe("whether an attacker of the declared exposure can be this one"),
  p: share.describe("attack success rate of the profile"),
  pHigh: share.describe("its upper 95 % bound"),
  medianQueries: count.nullable().describe("of the fooled samples; null: none, or queries cost nothing here"),
  effort: share,
  stealth: share,
  likelihood: share,
  likelihoodHigh: share,
});

const threatRisk = z.object({
  threat: z.string(),
  profiles: z.array(profileRisk),
  profile: knowledge.nullable().describe("the one that decides; null: none in reach ran"),
  likelihood: z.object({ value: share, high: share, band, bandHigh: band }),
  impact: z.object({
    value: impact,
    source: z.enum(["declared", "default"]),
    pair: z.object({ true: z.string(), wrong: z.string() }).nullable().describe("the costliest observed"),
  }),
  severity: z.object({
    value: severity,
    high: severity.describe("with the upper bound of the likelihood"),
    shown: z.string().describe("as reports print it: High, Medium to High, Unknown: not evaluated enough"),
  }),
  arithmetic: z.string().describe("the formula with its numbers in it"),
});

export const riskSchema = z
  .object({
    formula: z.literal(RISK_FORMULA),
    declared,
    threats: z.array(threatRisk),
    mappings,
  })
  .describe("Measured likelihood, declared impact, confidence by the badge");
