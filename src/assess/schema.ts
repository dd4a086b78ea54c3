import { z } from "zod";
import { comparisonSchema, type costFacts, type detectionFacts, type trainingFacts } from "./schema/comparison.ts";
import { findingSchema } from "./schema/finding.ts";
import { resultSchema, type surrogateFacts } from "./schema/result.ts";
import type { riskSchema } from "./schema/risk.ts";
import { sampleLineSchema } from "./schema/sample.ts";

/**
 * The files of a run, as schemas: types, validation and the published JSON Schema all come from here. Every report is a pure
 * function of these files. Members may be added; renaming or removing one takes a new version of the name in `schema`.
 */
export { COMPARISON_SCHEMA, comparisonSchema } from "./schema/comparison.ts";
export { FINDING_SCHEMA, findingSchema } from "./schema/finding.ts";
export { RESULT_SCHEMA, resultSchema, surrogateFacts } from "./schema/result.ts";
export { RISK_FORMULA } from "./schema/risk.ts";
export { sampleLineSchema } from "./schema/sample.ts";

export type Result = z.infer<typeof resultSchema>;
export type SurrogateFacts = z.infer<typeof surrogateFacts>;
export type ThreatResult = Result["threats"][number];
export type ProfileResult = ThreatResult["profiles"][number];
export type AttackResult = ProfileResult["attacks"][number];
export type RobustAccuracy = ThreatResult["robustAccuracy"];
export type Check = Result["checks"][number];
export type CurvePoint = ThreatResult["curve"][number];
export type SampleLine = z.infer<typeof sampleLineSchema>;
export type AttemptLine = NonNullable<SampleLine["audit"]>[number];
export type ProfileLine = NonNullable<SampleLine["profiles"][keyof SampleLine["profiles"]]>;
export type Risk = z.infer<typeof riskSchema>;
export type Declared = Risk["declared"];
export type ThreatRisk = Risk["threats"][number];
export type ProfileRisk = ThreatRisk["profiles"][number];
export type PairRisk = ThreatRisk["pairs"][number];
export type Severity = PairRisk["severity"];
export type LikelihoodBand = ThreatRisk["likelihood"]["band"];
export type Finding = z.infer<typeof findingSchema>;
export type Comparison = z.infer<typeof comparisonSchema>;
export type ThreatComparison = Comparison["threats"][number];
export type PairedRate = ThreatComparison["overall"];
export type TrainingFacts = z.infer<typeof trainingFacts>;
export type DetectionFacts = z.infer<typeof detectionFacts>;
export type CostFacts = z.infer<typeof costFacts>;

/** The published schemas, by file name in `schemas/`. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    "result.schema.json": z.toJSONSchema(resultSchema),
    "sample.schema.json": z.toJSONSchema(sampleLineSchema),
    "finding.schema.json": z.toJSONSchema(findingSchema),
    "comparison.schema.json": z.toJSONSchema(comparisonSchema),
  };
}
