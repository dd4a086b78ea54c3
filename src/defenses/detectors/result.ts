import { z } from "zod";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** `count` of `of`, and the Wilson 95 % interval of that share. */
const rate = z.object({ value: share, count, of: count, sampling95: z.object({ low: share, high: share }) });
export type Rate = z.infer<typeof rate>;

const source = z.object({ spec: z.string(), sha256: z.string(), samples: count });

/** An attack that knows the detector, on the samples that still stood. */
const adaptiveAttack = z.object({
  name: z.string(),
  /** What it optimizes, in words. */
  how: z.string(),
  settings: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
  attempted: count,
  succeeded: count.describe("misclassified and accepted by the deployed file, alone"),
  queries: count,
  gradients: count,
  seconds: z.number().nonnegative().describe("model time"),
});

/** What `detect evaluate` measures: a classifier with a detector, as one deployed file, against an attacker who knows both. */
export const detectionResultSchema = z.object({
  schema: z.literal("blindspot-detection/1"),
  status: z.literal("complete"),
  tool: z.object({ name: z.literal("blindspot"), version: z.string() }),
  seed: count,
  model: z.object({ name: z.string(), sha256: digest }).describe("the classifier alone"),
  detector: z.object({
    kind: z.string(),
    describes: z.string().describe("the detector and its settings, in words"),
    file: z.object({ name: z.string(), sha256: digest }).describe("model and detector in one"),
    threshold: z.number().describe("an input of more suspicion is rejected"),
    falsePositiveBudget: share.describe("the share of clean inputs that the threshold was chosen to reject"),
    fitted: source,
    calibrated: source.describe("clean data that the threshold was chosen on"),
  }),
  data: source,
  overlap: count.describe("inputs that the detector was fitted or calibrated on: 0 unless --allow-overlap"),
  threat: z.object({
    id: z.string(),
    norm: z.string(),
    epsilon: z.number().positive(),
    quantize: z.enum(["uint8", "none"]),
  }),
  clean: z.object({
    accuracy: rate.describe("of the classifier alone"),
    correctAndAccepted: rate.describe("of all samples: what is left of accuracy behind the detector"),
    falsePositives: rate.describe("clean inputs that are rejected, of all: the budget as it turned out"),
  }),
  /** The headline. */
  accuracyWithRejection: rate.describe(
    "of all samples: correct and accepted when clean, and no input was found in reach that is misclassified and accepted",
  ),
  /** The attacker's side of it. */
  bypass: rate.describe("misclassified and accepted, of all correctly classified samples: each was attacked"),
  adaptive: z.object({ attacks: z.array(adaptiveAttack), notRun: z.array(z.string()) }),
  /** The side figure: an attacker who knows nothing of the detector. */
  static: z.object({
    attack: z.string(),
    fooled: rate.describe("misclassified by the classifier alone, of the attacked"),
    bypassed: rate.describe("of the attacked: misclassified and accepted, by chance"),
    auroc: z.object({
      clean: share.nullable().describe("adversarial inputs that fooled the classifier against clean inputs"),
      noise: share.nullable().describe("against noise of the same norm: what of it is not mere unusualness"),
    }),
    noiseRejected: rate,
  }),
  seconds: z.number().nonnegative(),
});

export type DetectionResult = z.infer<typeof detectionResultSchema>;
