import { z } from "zod";
import { BlindspotError } from "../../base/errors.ts";
import type { Model } from "../../graph/ir.ts";
import { DETECTOR_NAMES } from "./detector.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const source = z.object({ spec: z.string(), sha256: z.string(), samples: z.int().positive() });

/** What a file with a detector says of itself, in its metadata. */
export const detectorCardSchema = z.object({
  schema: z.literal("blindspot-detector/1"),
  kind: z.enum(DETECTOR_NAMES),
  /** In words. */
  describes: z.string(),
  /** The classifier that it was fitted to. */
  model: z.object({ name: z.string(), sha256: digest }),
  /** The attacker that it was made against: `linf:0.3;uint8;untargeted`. */
  threat: z.string(),
  falsePositiveBudget: z.number().gt(0).lt(1),
  threshold: z.number(),
  /** Threshold minus median on clean validation data: the unit in which attackers weigh suspicion. */
  suspicionUnit: z.number().positive(),
  /** Median margin between the two largest logits on clean validation data: the unit in which they weigh the class. */
  marginUnit: z.number().positive(),
  /** Names in the graph. The guide is an inner value: it is there so that the detector can be tested. */
  values: z.object({
    scores: z.string(),
    label: z.string(),
    suspicion: z.string(),
    rejected: z.string(),
    guide: z.object({ byClass: z.string(), unit: z.enum(["suspicion", "margin"]) }).nullable(),
  }),
  seed: z.int().nonnegative(),
  fitted: source,
  calibrated: source,
  /** Inputs of both, and the SHA-256 of the list of their hashes that stands beside the file. */
  seen: z.object({ inputs: z.int().positive(), sha256: digest }),
  /** Inputs for the threshold that were fitted on too, or belong to a group that was: 0 unless it was allowed. */
  overlap: z.int().nonnegative(),
});

export type DetectorCard = z.infer<typeof detectorCardSchema>;

/** Its key in the metadata of the model. */
const KEY = "blindspot.detector";

export function writeCard(model: Model, card: DetectorCard): void {
  model.metadata.set(KEY, JSON.stringify(card));
}

export function hasCard(model: Model): boolean {
  return model.metadata.has(KEY);
}

/** Throws E_DETECTOR_FILE where there is none, or one that can't be read. */
export function readCard(model: Model, label: string): DetectorCard {
  const refuse = (got: string) =>
    new BlindspotError({
      code: "E_DETECTOR_FILE",
      subject: label,
      expected: "a file that `blindspot detect fit` wrote",
      got,
    });
  const text = model.metadata.get(KEY);
  if (text === undefined) throw refuse("a model without a detector");
  let card: ReturnType<typeof detectorCardSchema.safeParse>;
  try {
    card = detectorCardSchema.safeParse(JSON.parse(text));
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (!card.success)
    throw refuse(card.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  return card.data;
}

/** Throws E_DETECTOR_MODEL and E_DETECTOR_THREAT, both at once, where a detector was fitted to something else. */
export function requireSame(
  card: DetectorCard,
  label: string,
  given: { readonly model: { readonly name: string; readonly sha256: string }; readonly threat: string },
): void {
  const problems = [];
  if (card.model.sha256 !== given.model.sha256)
    problems.push({
      code: "E_DETECTOR_MODEL",
      subject: label,
      expected: `the model that it was fitted to, ${card.model.name} (${card.model.sha256.slice(0, 12)})`,
      got: `${given.model.name} (${given.model.sha256.slice(0, 12)})`,
      hint: "Fit a detector to this model: blindspot detect fit",
    });
  if (card.threat !== given.threat)
    problems.push({
      code: "E_DETECTOR_THREAT",
      subject: label,
      expected: `the threat that it was fitted for, ${card.threat}`,
      got: given.threat,
      hint: "Leave --threat out, or fit a detector for this one",
    });
  if (problems.length > 0) throw new BlindspotError(problems);
}
