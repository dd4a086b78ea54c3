import { z } from "zod";

/**
 * The files of a run, as schemas: types, validation and the published JSON Schema all come from here. Every report is a pure
 * function of these files. Members may be added; renaming or removing one takes a new version of the name in `schema`.
 */
export const RESULT_SCHEMA = "blindspot-result/1";
export const FINDING_SCHEMA = "blindspot-finding/1";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const settings = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));
export const knowledge = z.enum(["white-box", "score", "label", "transfer"]);

const sampling95 = z
  .object({ low: share, high: share })
  .describe("Wilson 95 % interval of the proportion: what another draw of samples could have given");

const robustAccuracy = z
  .object({
    value: share,
    unbroken: count.describe("samples that were correct and stood under every attack"),
    of: count.describe("all samples, also those that were wrong before any attack"),
    sampling95,
    bracket: z.object({ certified: share, attacked: share }).optional(),
  })
  .describe("An upper bound: a stronger attack can only lower it");

const attack = z.object({
  name: z.string(),
  settings,
  attempted: count,
  succeeded: count,
  robustAccuracyAfter: share.describe(
    "of all samples: in a profile after this and the attacks before it; in the audit after this one alone",
  ),
  queries: z.object({
    total: count,
    median: count.nullable().describe("per attempted sample; null: more than the budget"),
    p95: count.nullable(),
  }),
  gradients: z.object({ total: count }),
  seconds: z.number().nonnegative().describe("model time"),
  rejected: count.describe("candidates that did not survive rounding, constraints or the original model"),
});

const profile = z.object({ knowledge, robustAccuracy, attacks: z.array(attack) });

const curvePoint = z.object({
  epsilon: z.number().nonnegative(),
  accuracy: share,
  unbroken: count,
  of: count,
  raw: count.describe(
    "unbroken by the attack at this epsilon alone, before adversarial inputs of smaller epsilons were reused",
  ),
});

const threat = z.object({
  id: z.string(),
  norm: z.enum(["linf", "l2", "l1", "l0"]),
  epsilon: z.number().positive().describe("in units of the input range scaled to 0..1"),
  effectiveEpsilon: z.number().nonnegative().describe("what 8-bit values leave of it"),
  quantize: z.enum(["uint8", "none"]),
  goal: z.string(),
  robustAccuracy: robustAccuracy.describe(
    "The headline: a sample counts only if it stands under every profile that ran",
  ),
  attackSuccess: z.object({
    value: share,
    fooled: count,
    of: count.describe("correctly classified samples"),
    sampling95,
  }),
  statuses: z.object({ misclassified: count, fooled: count, resisted: count, skipped: count, error: count }),
  curve: z.array(curvePoint),
  curveAttack: z.string().nullable(),
  profiles: z.array(profile),
  audit: z.object({ samples: count, attacks: z.array(attack.extend({ knowledge })) }),
});

const check = z.object({
  id: z.string(),
  status: z.enum(["pass", "warn", "fail", "skipped"]),
  detail: z.string(),
  threat: z.string().optional().describe("id of the threat, for a check of one"),
});

const clean = z.object({ accuracy: share, correct: count, of: count, sampling95 });

export const resultSchema = z
  .object({
    schema: z.literal(RESULT_SCHEMA),
    status: z.enum(["complete", "partial"]),
    tool: z.object({ name: z.literal("blindspot"), version: z.string() }),
    runtime: z
      .object({ name: z.string(), version: z.string(), provider: z.string(), threads: count, optimization: z.string() })
      .nullable(),
    options: z.record(z.string(), z.unknown()),
    seed: z.number(),
    startedAt: z.iso.datetime(),
    seconds: z.number().nonnegative().describe("wall time of all sittings of this run"),
    model: z.object({
      kind: z.string(),
      name: z.string().describe("file name, without folders"),
      sha256: digest.optional(),
      fingerprint: digest.optional(),
      classes: z.array(z.string()),
      dims: z.array(count),
      preprocessing: z.record(z.string(), z.unknown()),
      gradient: z.boolean(),
      notes: z.array(z.string()),
    }),
    data: z.object({
      spec: z.string(),
      sha256: digest,
      samples: count.describe("drawn; a partial run has finished fewer"),
      draw: z.string(),
    }),
    clean: clean.describe("Without any attack"),
    naturalErrors: z
      .array(z.object({ sample: z.string(), index: count, label: count, predicted: z.int() }))
      .describe("wrong without any attack; the first 100 of them"),
    threats: z.array(threat),
    checks: z.array(check),
    badge: z.enum(["E0", "E1", "E2", "E3", "E4"]),
    notTested: z.array(z.string()),
    findings: count,
  })
  .describe("Result of `blindspot assess`");

const attempt = z.object({
  attack: z.string(),
  outcome: z.enum(["fooled", "resisted", "skipped", "error"]),
  queries: count,
  gradients: count,
  verifications: count,
  rejected: count,
  seconds: z.number().nonnegative(),
  detail: z.string().optional(),
});

const profileLine = z.object({
  status: z.enum(["fooled", "resisted", "skipped", "error"]),
  attack: z.string().nullable().describe("the one that succeeded"),
  distance: z.number().nullable(),
  predicted: z.int().nullable(),
  queries: count,
  gradients: count,
  attempts: z.array(attempt),
});

export const sampleLineSchema = z
  .object({
    threat: z.string(),
    sample: z.string(),
    index: count.describe("position in the data source, from 0"),
    label: count,
    group: z.string().optional(),
    status: z.enum(["misclassified", "fooled", "resisted", "skipped", "error"]),
    predicted: z.object({ before: z.int(), after: z.int().nullable() }),
    profiles: z.partialRecord(knowledge, profileLine),
    audit: z
      .array(attempt.extend({ knowledge }))
      .nullable()
      .describe("every attack from scratch; null outside the audit subset"),
  })
  .describe("One line of samples.jsonl: what happened to one sample under one threat");

export const findingSchema = z
  .object({
    schema: z.literal(FINDING_SCHEMA),
    id: digest.describe("SHA-256 of model, clean input, adversarial input and threat"),
    createdAt: z.iso.datetime(),
    toolVersion: z.string(),
    seed: z.number(),
    subject: z.object({
      modelSha256: digest,
      modality: z.enum(["image", "vector"]),
      dataset: z.string(),
      sampleId: z.string(),
      index: count,
      group: z.string().optional(),
    }),
    threatModel: z.object({
      goal: z.literal("integrity"),
      specificity: z.enum(["untargeted", "targeted"]),
      targetClass: z.string().optional(),
      knowledge,
      capability: z.literal("testing-data-control"),
      physical: z.literal(false),
    }),
    attack: z.object({ name: z.string(), settings, queriesUsed: count, gradientsUsed: count, seconds: z.number() }),
    constraints: z.object({
      threat: z.string(),
      norm: z.string(),
      epsilon: z.number(),
      effectiveEpsilon: z.number(),
      scale: z.literal("[0,1]"),
      box: z.tuple([z.number(), z.number()]),
      quantization: z.enum(["uint8"]).optional(),
    }),
    perturbation: z.object({
      location: z.object({
        support: share.describe("share of coordinates that changed"),
        bbox: z
          .tuple([count, count, count, count])
          .optional()
          .describe("top, left, bottom, right; the last two exclusive"),
        centroid: z.tuple([z.number(), z.number()]).optional().describe("row, column; weighted by energy"),
      }),
      magnitude: z.object({ l0: count, l1: z.number(), l2: z.number(), linf: z.number(), relativeL2: z.number() }),
      perceptibility: z.object({ psnr: z.number().nullable() }),
      blob: z
        .object({ original: z.string(), adversarial: z.string() })
        .optional()
        .describe("paths inside the run's folder"),
    }),
    outputChange: z.object({
      trueLabel: count,
      before: z.object({ label: z.int(), margin: z.number(), scores: z.array(z.number()) }),
      after: z.object({ label: z.int(), margin: z.number(), scores: z.array(z.number()) }),
      scoreDeltaL2: z.number(),
      rankOfTrueAfter: count.describe("1: still the highest"),
    }),
    verification: z.object({
      runtime: z.string(),
      agrees: z.boolean().describe("the original model, alone, on the input as it would be deployed"),
      inBox: z.boolean(),
      inNorm: z.boolean(),
      afterQuantization: z.boolean(),
      minimized: z.literal(false),
    }),
    mappings: z.object({
      atlas: z.array(z.object({ id: z.string(), name: z.string(), version: z.string() })),
      owasp: z.array(z.string()),
      nist: z.array(z.string()),
      cwe: z.tuple([z.literal("CWE-1039")]),
      aiAct: z.array(z.string()).describe("evidence toward, never a statement of compliance"),
    }),
  })
  .describe("One line of findings.jsonl: a verified misclassification");

export type Result = z.infer<typeof resultSchema>;
export type ThreatResult = Result["threats"][number];
export type ProfileResult = ThreatResult["profiles"][number];
export type AttackResult = ProfileResult["attacks"][number];
export type RobustAccuracy = ThreatResult["robustAccuracy"];
export type Check = Result["checks"][number];
export type CurvePoint = ThreatResult["curve"][number];
export type SampleLine = z.infer<typeof sampleLineSchema>;
export type AttemptLine = NonNullable<SampleLine["audit"]>[number];
export type ProfileLine = NonNullable<SampleLine["profiles"][keyof SampleLine["profiles"]]>;
export type Finding = z.infer<typeof findingSchema>;

/** The published schemas, by file name in `schemas/`. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    "result.schema.json": z.toJSONSchema(resultSchema),
    "sample.schema.json": z.toJSONSchema(sampleLineSchema),
    "finding.schema.json": z.toJSONSchema(findingSchema),
  };
}
