import { z } from "zod";
import { METHOD_NAMES } from "./methods.ts";

const share = z.number().min(0).max(1);

const epochSchema = z.object({
  epoch: z.number().int().nonnegative(),
  loss: z.number().nullable(),
  trainLoss: z.number().nullable(),
  trainAccuracy: share.nullable(),
  epsilon: z.number(),
  learningRate: z.number().nullable(),
  clean: share,
  robust: share,
  /** No better than one answer to everything: never the epoch that is written. */
  blind: z.boolean().optional(),
  seconds: z.number(),
});

const sourceSchema = z.object({
  spec: z.string(),
  /** Of the source's bytes. */
  sha256: z.string(),
  /** Rows of it that were used. */
  rows: z.number().int(),
});

/** What `harden` leaves beside the model: what was done, with what, and what each epoch gave. */
export const trainingLogSchema = z.object({
  schema: z.literal("blindspot-training/1"),
  status: z.enum(["running", "complete"]),
  /** Why the training ended before its last epoch; null where it did not. */
  stopped: z.object({ reason: z.string(), detail: z.string(), epoch: z.number().int() }).nullable(),
  /** What was hardened. */
  model: z.object({ name: z.string(), sha256: z.string() }),
  /** The file that was written; null while running, and where no epoch was better than the start. */
  hardened: z.object({ sha256: z.string(), epoch: z.number().int(), clean: share, robust: share }).nullable(),
  method: z.enum(METHOD_NAMES),
  /** Where the method comes from. */
  paper: z.string().nullable(),
  threat: z.string(),
  settings: z.record(z.string(), z.unknown()),
  data: z.object({ train: sourceSchema, validate: sourceSchema, boundary: sourceSchema.nullable() }),
  /** Validation inputs that were trained on too, or belong to a group that was: 0 unless `--allow-overlap`. */
  overlap: z.number().int(),
  /** Distinct inputs that were trained on, and the SHA-256 of the list of their hashes that stands beside the model. */
  trainedOn: z.object({ inputs: z.number().int(), sha256: z.string() }),
  weights: z.object({
    trained: z.number().int(),
    parameters: z.number().int(),
    frozen: z.array(z.string()),
    /** Weights that the scores do not depend on. */
    unreached: z.array(z.string()),
  }),
  /** How the `robust` of epochs was measured. */
  watch: z.string(),
  /** The first is the model before training. */
  epochs: z.array(epochSchema),
  seconds: z.number(),
  /** Rows of training data per second, crafting included, validation not. */
  samplesPerSecond: z.number().nullable(),
  runtime: z.object({ name: z.string(), version: z.string(), threads: z.number().int() }),
});

export type TrainingLog = z.infer<typeof trainingLogSchema>;
