import { z } from "zod";
import { summarySchema } from "../corpus/summary.ts";

export const REPLAY_SCHEMA = "blindspot-replay/1";
export const GATE_SCHEMA = "blindspot-gate/1";

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const knowledge = z.enum(["white-box", "score", "label", "transfer"]);

/**
 * What one version makes of one sample. `yields`: it takes it for a class that it was taken for before; `yields-other`: for another wrong
 * class; `seed-fails`: it is wrong about the clean input already.
 */
export const STATES = [
  "resists",
  "yields",
  "yields-other",
  "seed-fails",
  "unstable",
  "error",
  "incomparable",
  "skipped",
] as const;

export const observationSchema = z.object({
  state: z.enum(STATES),
  predicted: z.string().optional().describe("class"),
  margin: z
    .number()
    .optional()
    .describe("confidence in the predicted class minus that in the runner-up; scores where they are no confidences"),
  wrong: z.object({ count, of: count }).optional().describe("of repeated questions; unless all agree it is unstable"),
  detail: z.string().optional().describe("why there is no answer"),
});

/** What changed from the base to the candidate. */
export const OUTCOMES = [
  "newly-broken",
  "clean-regression",
  "known-weakness",
  "moved",
  "still-broken",
  "not-reproduced",
  "not-rebroken",
  "fixed",
  "fixed-proved",
  "holds",
  "unstable",
  "incomparable",
  "not-evaluated",
] as const;

const value = z.union([z.number(), z.string(), z.boolean()]);
export const changeSchema = z
  .object({ what: z.string().describe("field, or kind of edit"), from: value, to: value })
  .describe("rows and texts: what was changed in the clean input");

export const attackedSchema = z
  .object({
    version: z.enum(["candidate", "base"]),
    outcome: z.enum(["fooled", "resisted", "skipped", "error"]),
    attempts: z.array(
      z.object({
        attack: z.string(),
        knowledge,
        outcome: z.enum(["fooled", "resisted", "skipped", "error"]),
        queries: count,
        gradients: count,
        exhausted: z.literal(true).optional().describe("all that the threat allows was tried"),
      }),
    ),
    predicted: z.string().optional().describe("class of the new input that fools it"),
    child: digest.optional().describe("that input, as a sample of the corpus"),
    changes: z.array(changeSchema).optional().describe("what was changed in the clean input to make it"),
    detail: z.string().optional(),
  })
  .describe("the re-attack: warm from the stored sample, then from scratch");

const waiverSchema = z.object({ by: z.string(), reason: z.string(), until: z.string(), expired: z.boolean() });

const caseFields = {
  sample: digest,
  manifest: z.string().describe("path inside the corpus"),
  modality: z.enum(["image", "vector", "row", "text"]),
  threat: z.string().nullable(),
  kinds: z.array(z.enum(["adversarial", "natural", "corruption", "reported"])),
  trusted: z.boolean().describe("an untrusted one never decides"),
  label: z.string().describe("true class"),
  taken: z.array(z.string()).describe("classes that it was taken for"),
  rendition: z.enum(["raw", "witness"]).describe("what was replayed"),
  changes: z.array(changeSchema).optional(),
  candidate: observationSchema,
};

export const replayCaseSchema = z.object(caseFields);
export const gateCaseSchema = z.object({
  ...caseFields,
  base: observationSchema,
  outcome: z.enum(OUTCOMES),
  trainedOn: z.boolean().describe("the candidate or the base was trained on it"),
  attacked: attackedSchema.optional(),
  waiver: waiverSchema.optional(),
});

const versionSchema = z.object({
  name: z.string(),
  identity: digest.describe("SHA-256 of the file, or its fingerprint"),
  gradient: z.boolean(),
  asked: z
    .object({ queries: count, cost: z.number() })
    .optional()
    .describe("of a model that can only be asked: what was sent to it in this sitting, probes and repeats included"),
});

const leftOutSchema = z.object({ unlabelled: count, rejected: count, forgotten: count, damagedFiles: count });
const corpusSchema = z.object({
  name: z.string(),
  samples: count,
  cases: count,
  digest: digest.describe("SHA-256 of the sorted ids"),
  leftOut: leftOutSchema,
});
const costSchema = z
  .object({ queries: count, gradients: count, replayed: count, remembered: count })
  .describe("of this sitting; remembered: answers of earlier ones, which cost nothing");

const common = {
  status: z.enum(["complete", "partial"]),
  tool: z.object({ name: z.literal("blindspot"), version: z.string() }),
  seed: z.number(),
  corpus: corpusSchema,
  cost: costSchema,
  seconds: z.number(),
};

export const replaySchema = z
  .object({
    schema: z.literal(REPLAY_SCHEMA),
    ...common,
    model: versionSchema,
    counts: z.record(z.enum(STATES), count),
    cases: z.array(replayCaseSchema).describe("by sample id, then threat"),
  })
  .describe("blindspot replay --json: what one version makes of the corpus");

export const policySchema = z.strictObject({
  failOn: z
    .array(
      z.enum([
        "newly-broken",
        "clean-regression",
        "known-weakness",
        "moved",
        "still-broken",
        "unstable",
        "ratchet",
        "drop",
      ]),
    )
    .default(["newly-broken", "clean-regression"])
    .describe(
      "what ends with exit code 1; ratchet: more broken samples than in the baseline, of those that it knew; drop: a significant one on the fresh set",
    ),
  maxNotEvaluated: count
    .default(0)
    .describe("cases that may be not evaluated or incomparable; more end with exit code 3"),
});

const effortSchema = z.object({
  suite: z.array(z.string()),
  threats: z.array(
    z.object({
      threat: z.string(),
      attacks: z.array(
        z.object({
          name: z.string(),
          knowledge,
          settings: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
        }),
      ),
      queries: count.describe("at most, for a sample that withstands all"),
      gradients: count,
    }),
  ),
});

export const verdictSchema = z.object({
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(3)]),
  failed: z
    .array(
      z.object({
        rule: z.enum([...OUTCOMES, "expired-waiver", "ratchet", "drop"]),
        cases: count,
        detail: z.string().optional(),
      }),
    )
    .describe("what the policy fails on, and how many cases there are of it"),
  notEvaluated: z.object({ cases: count, of: count, tooMany: z.boolean().describe("exit code 3, unless it is 1") }),
});

const pairedSchema = z.object({
  of: count,
  before: count.describe("right, and standing where it was attacked"),
  after: count,
  difference: z.object({ value: z.number(), low: z.number(), high: z.number() }).describe("after - before, 95 %"),
  gained: count,
  lost: count,
  p: z.number().describe("McNemar's test, two-sided mid-p"),
  leastDrop: z.number().describe("the smallest drop that this many pairs would have shown, 4 times in 5"),
  trainedOn: z
    .object({ of: count, before: count, after: count })
    .optional()
    .describe("samples that the candidate was trained on: in none of the other figures"),
});

const freshSchema = z
  .object({
    data: z.string(),
    draw: z.string(),
    clean: pairedSchema,
    threats: z.array(pairedSchema.extend({ threat: z.string() })),
  })
  .describe("a random set, attacked afresh on both versions with equal effort; null: none was given");

const ratchetSchema = z
  .object({ at: z.string(), by: z.string(), reason: z.string(), model: z.string(), broken: count, now: count })
  .describe("the blessed baseline; now: broken samples among those that it knew; null: there is none");

export const gateSchema = z
  .object({
    schema: z.literal(GATE_SCHEMA),
    ...common,
    grown: z
      .object({ samples: count, cells: count })
      .optional()
      .describe("samples that the re-attacks added to the corpus, and boundary cells that none had covered"),
    holds: summarySchema.optional().describe("what the corpus held before them"),
    base: versionSchema,
    candidate: versionSchema,
    effort: effortSchema,
    policy: policySchema,
    fresh: freshSchema.nullable(),
    freshProblem: z
      .string()
      .nullable()
      .describe("why the fresh set that was asked for has no answer: exit code 3, unless it is 1"),
    baseline: ratchetSchema.nullable(),
    verdict: verdictSchema,
    counts: z
      .array(z.object({ outcome: z.enum(OUTCOMES), cases: count, trainedOn: count, waived: count, untrusted: count }))
      .describe("cases: those that count; the others each in their own column"),
    cases: z.array(gateCaseSchema).describe("by sample id, then threat"),
  })
  .describe("blindspot gate --json: a new version of a model against the one before it");

export type State = (typeof STATES)[number];
export type Outcome = (typeof OUTCOMES)[number];
export type Change = z.infer<typeof changeSchema>;
export type Observation = z.infer<typeof observationSchema>;
export type Attacked = z.infer<typeof attackedSchema>;
export type ReplayCase = z.infer<typeof replayCaseSchema>;
export type GateCase = z.infer<typeof gateCaseSchema>;
export type ReplayResult = z.infer<typeof replaySchema>;
export type GateResult = z.infer<typeof gateSchema>;
export type GatePolicy = z.infer<typeof policySchema>;
export type Verdict = z.infer<typeof verdictSchema>;
export type Effort = z.infer<typeof effortSchema>;

/** The published schemas, by file name in `schemas/`. */
export function regressionJsonSchemas(): Record<string, unknown> {
  return {
    "replay.schema.json": z.toJSONSchema(replaySchema),
    "gate.schema.json": z.toJSONSchema(gateSchema),
  };
}
