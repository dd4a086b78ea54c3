import { z } from "zod";
import { count, digest, knowledge, sampling95, settings, share } from "./common.ts";

export const COMPARISON_SCHEMA = "blindspot-comparison/1";

const rate = z.object({ value: share, right: count, sampling95 });

const changedSample = z.object({
  sample: z.string(),
  index: count,
  label: count,
  broken: z
    .object({ knowledge, attack: z.string() })
    .nullable()
    .describe("what broke it in the version in which it does not stand; null: wrong without any attack, or an error"),
});

const paired = z
  .object({
    of: count.describe("samples that are compared: the same in both versions"),
    before: rate,
    after: rate,
    difference: z.object({ value: z.number().min(-1).max(1), low: z.number(), high: z.number() }),
    gained: count.describe("wrong or broken before, right and standing after"),
    lost: count.describe("right and standing before, wrong or broken after"),
    p: share.describe("McNemar's test that gains and losses are equally likely, two-sided mid-p"),
    trainedOn: z
      .object({ of: count, before: count, after: count })
      .optional()
      .describe("samples that were trained on, in a column of their own: they are in none of the other figures"),
  })
  .describe("A rate of both versions on the same samples, and the 95 % interval of its difference, after - before");

const changes = z.object({ gained: z.array(changedSample), lost: z.array(changedSample) });

const used = z.boolean().nullable().describe("whether the training crafted with it; null: no training log was given");

const threat = z.object({
  id: z.string(),
  norm: z.enum(["linf", "l2", "l1", "l0", "fields", "text"]),
  epsilon: z.number().positive(),
  quantize: z.enum(["uint8", "none"]),
  goal: z.string(),
  usedInTraining: used,
  overall: paired.describe("a sample counts if it stands under every profile that both runs have"),
  changes,
  profiles: z.array(paired.extend({ knowledge, attacks: z.array(z.string()) })),
  attacks: z
    .array(paired.extend({ knowledge, name: z.string(), settings, usedInTraining: used }))
    .describe("each attack from scratch, on the audit subset"),
  withdrawn: z.array(z.object({ version: z.enum(["before", "after"]), check: z.string(), detail: z.string() })),
});

const version = z.object({
  model: z.object({ name: z.string(), sha256: digest.optional(), fingerprint: digest.optional() }),
  run: z.object({ startedAt: z.iso.datetime(), seconds: z.number(), badge: z.enum(["E0", "E1", "E2", "E3", "E4"]) }),
});

const source = z.object({ spec: z.string(), sha256: digest, rows: count });

export const trainingFacts = z
  .object({
    log: digest.describe("of the training log"),
    model: digest.describe("what was trained"),
    hardened: digest.describe("the file that was written"),
    method: z.string(),
    crafting: z.array(z.string()).describe("attacks of the registry that the training crafted with"),
    threat: z.string(),
    settings: z.record(z.string(), z.unknown()),
    epochs: count.describe("that were trained"),
    epoch: count.describe("that was kept"),
    stopped: z.string().nullable().describe("why the training ended before its last epoch"),
    seconds: z.number().nonnegative(),
    samplesPerSecond: z.number().nonnegative().nullable(),
    train: source,
    validate: source,
    boundary: source.nullable(),
    trainedOn: z.object({ inputs: count, sha256: digest }),
    validationOverlap: count.describe("validation inputs that were trained on too"),
  })
  .describe("Of the log that `blindspot harden` leaves beside its file");

const latency = z.object({ single: z.number().positive(), full: z.number().positive() });

export const costFacts = z.object({
  bytes: z.object({ before: count, after: count }).describe("of the model files"),
  latency: z
    .object({ before: latency, after: latency, fullBatch: count, rounds: count })
    .describe("milliseconds for a row, alone and in a full batch: medians over rounds in which both models take turns"),
});

const countedRate = z.object({ value: share, count, of: count, sampling95 });

/** Of what `blindspot detect evaluate` measured. */
export const detectionFacts = z.object({
  detector: z.string().describe("the detector and its settings, in words"),
  version: z.enum(["before", "after"]).describe("which of the two models it stands in front of"),
  threat: z.string(),
  falsePositiveBudget: share,
  falsePositives: countedRate.describe("clean inputs that are rejected"),
  accuracyWithRejection: countedRate.describe("correct and accepted, under an attacker who knows the detector"),
  bypass: countedRate.describe("misclassified and accepted, of all correctly classified samples"),
  auroc: share.nullable().describe("against an attacker who knows nothing of it: says little"),
});

export const comparisonSchema = z
  .object({
    schema: z.literal(COMPARISON_SCHEMA),
    tool: z.object({ name: z.literal("blindspot"), version: z.string() }),
    before: version,
    after: version,
    data: z.object({ spec: z.string(), sha256: digest, draw: z.string() }),
    seed: z.number(),
    classes: z.array(z.string()),
    modality: z.enum(["image", "vector"]),
    samples: z.object({
      compared: count,
      units: count.describe("groups, or sets of identical inputs, or single samples"),
      trainedOn: count.describe("set aside: they, or inputs of their group, were trained on"),
    }),
    intervals: z
      .enum(["newcombe-paired", "group-bootstrap"])
      .describe("group-bootstrap where samples come in groups; never narrower than newcombe-paired"),
    clean: paired.extend({ changes }),
    threats: z.array(threat).min(1),
    training: trainingFacts.nullable(),
    cost: costFacts.nullable(),
    detections: z.array(detectionFacts),
    headlineNotes: z.array(z.string()).describe("what every form of this comparison says beside its figures"),
    notCompared: z.array(z.string()),
    notTested: z.array(z.string()),
  })
  .describe(
    "Result of `blindspot diff`: two versions of a model, attacked afresh with equal effort on the same samples",
  );
