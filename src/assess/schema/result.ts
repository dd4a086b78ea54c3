import { z } from "zod";
import { count, digest, knowledge, sampling95, settings, share } from "./common.ts";
import { riskSchema } from "./risk.ts";

export const RESULT_SCHEMA = "blindspot-result/1";

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
  norm: z.enum(["linf", "l2", "l1", "l0", "fields", "text"]),
  epsilon: z
    .number()
    .positive()
    .describe("in units of the input range scaled to 0..1; pixels or fields for l0, fields for rows, edits for texts"),
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
  classes: z
    .array(z.object({ label: count, correct: count, unbroken: count }))
    .optional()
    .describe("of each true class that the samples have: how many were right, and how many of these stood"),
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
  try: z.string().optional().describe("what to do about a check that did not pass"),
  threat: z.string().optional().describe("id of the threat, for a check of one"),
});

const asked = z
  .object({
    queries: count.describe("rows sent, those of failed requests included, in all sittings"),
    cost: z.number().nonnegative().describe("by --cost-per-query"),
    remembered: count.describe("rows of the last sitting that were answered from the journal"),
    retries: count.describe("requests of the last sitting that were sent again"),
  })
  .describe("Of a model that can only be asked");

export const surrogateFacts = z
  .object({
    queries: count.describe("rows that the target was asked about to train it"),
    start: count.describe("of these, inputs that the attacker had; the others the surrogate proposed itself"),
    rounds: count.describe("of augmentation"),
    lambda: z.number().positive().describe("step of the augmentation, in 0..1 units of each coordinate"),
    architecture: z.enum(["cnn", "mlp"]),
    agreement: z
      .object({ value: share, agree: count, of: count, sampling95 })
      .describe("held-out inputs to which it gives the class that the target gives"),
    file: z.string().optional().describe("its ONNX file, in the folder of the run"),
  })
  .describe("A surrogate that was trained from what the target answers (--surrogate train:N)");

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
      authorized: z.string().optional().describe("the permission under which somebody else's endpoint was attacked"),
      surrogateSha256: digest.optional().describe("of the model that the transfer attacks were made on"),
      surrogate: surrogateFacts.optional(),
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
    risk: riskSchema.optional(),
    notTested: z.array(z.string()),
    findings: count,
    asked: asked.optional(),
  })
  .describe("Result of `blindspot assess`");
