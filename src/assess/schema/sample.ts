import { z } from "zod";
import { count, digest, knowledge } from "./common.ts";

const attempt = z.object({
  attack: z.string(),
  outcome: z.enum(["fooled", "resisted", "skipped", "error"]),
  queries: count,
  gradients: count,
  verifications: count,
  rejected: count,
  seconds: z.number().nonnegative(),
  detail: z.string().optional(),
  exhausted: z
    .literal(true)
    .optional()
    .describe("it tried everything that the threat allows: where it resisted, that is proved"),
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
    input: digest
      .optional()
      .describe("SHA-256 of the canonical bytes of the clean input: equal inputs have equal ones"),
    status: z.enum(["misclassified", "fooled", "resisted", "skipped", "error"]),
    predicted: z.object({ before: z.int(), after: z.int().nullable() }),
    profiles: z.partialRecord(knowledge, profileLine),
    audit: z
      .array(attempt.extend({ knowledge }))
      .nullable()
      .describe("every attack from scratch; null outside the audit subset"),
  })
  .describe("One line of samples.jsonl: what happened to one sample under one threat");
