import { z } from "zod";
import { EDIT_KINDS } from "../../inputs/text/edits.ts";
import { count, digest, knowledge, mappings, settings, share } from "./common.ts";
import { perceptibilityBand } from "./risk.ts";

const scoreMeaning = z.enum(["logits", "probabilities", "independent-probabilities", "label"]);

export const FINDING_SCHEMA = "blindspot-finding/1";

const answer = z.object({
  label: z.int(),
  confidence: share.describe(
    "softmax of the scores, or the score itself where scores are probabilities; 1 for a label",
  ),
  confidenceInTrue: share.optional().describe("confidence of the true class"),
  margin: z.number().describe("score of the true class minus the largest other: negative where the model is wrong"),
  scores: z.array(z.number()),
  top: z
    .array(z.object({ label: count, confidence: share }))
    .optional()
    .describe("the five classes with the highest scores"),
});

const fieldValue = z.union([z.number(), z.string(), z.boolean()]);
const box = z.tuple([count, count, count, count]).describe("top, left, bottom, right; the last two exclusive");

export const findingSchema = z
  .object({
    schema: z.literal(FINDING_SCHEMA),
    id: digest.describe("SHA-256 of model, clean input, adversarial input and threat"),
    createdAt: z.iso.datetime(),
    toolVersion: z.string(),
    seed: z.number(),
    subject: z.object({
      modelSha256: digest,
      modality: z.enum(["image", "vector", "row", "text"]),
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
        kind: z.enum(["none", "dense", "sparse", "region"]).describe("by a stated rule; see docs/analysis.md"),
        support: share.describe("share of coordinates that changed"),
        bbox: box.optional(),
        centroid: z.tuple([z.number(), z.number()]).optional().describe("row, column; weighted by energy"),
        topRegions: z
          .array(z.object({ bbox: box, energyShare: share }))
          .optional()
          .describe("where most of the squared change is, largest share first; at most 4, none where it is even"),
        energyMap: z
          .array(z.array(share))
          .optional()
          .describe("share of the squared change in each cell of a grid over the image, row by row"),
        spectrum: z
          .object({ low: share, mid: share, high: share })
          .optional()
          .describe("share of the squared change by spatial frequency (DCT)"),
        fields: z
          .array(z.object({ index: count, name: z.string().optional(), from: fieldValue, to: fieldValue }))
          .optional()
          .describe(
            "vectors and rows: the fields that changed, in the user's own units, largest change first; at most 32",
          ),
        edits: z
          .array(
            z.object({
              start: count.describe("code points of the original before it"),
              end: count,
              from: z.string(),
              to: z.string(),
              kind: z.enum(EDIT_KINDS),
              noticed: z.boolean().describe("whether a person who reads the text can see it"),
            }),
          )
          .optional()
          .describe("texts: what was changed, in the order of the original"),
      }),
      magnitude: z.object({
        l0: count.describe("coordinates that changed"),
        edits: count.optional().describe("texts: the fewest edits that lead from one to the other"),
        words: count.optional().describe("texts: words of the original that hold an edit"),
        fields: count.optional().describe("rows: fields that changed"),
        l0Pixels: count.optional().describe("images: pixels of which any channel changed"),
        l1: z.number(),
        l2: z.number(),
        linf: z.number(),
        relativeL2: z.number().describe("L2 of the change over L2 of the clean input"),
      }),
      perceptibility: z.object({
        psnr: z.number().nullable(),
        ssim: z.number().optional(),
        ciede2000: z.object({ mean: z.number(), p95: z.number(), max: z.number() }).optional(),
        band: perceptibilityBand,
        rule: z.string().describe("why this band"),
      }),
      blob: z
        .object({ original: z.string(), adversarial: z.string() })
        .optional()
        .describe("paths inside the run's folder"),
    }),
    outputChange: z.object({
      trueLabel: count,
      before: answer,
      after: answer,
      scoreDeltaL2: z.number(),
      meaning: scoreMeaning.optional().describe("what the scores are"),
      kl: z
        .number()
        .nonnegative()
        .nullable()
        .describe("Kullback-Leibler divergence of the answers, before from after, in nats; null: infinite"),
      js: z.number().min(0).max(Math.LN2).optional().describe("Jensen-Shannon divergence of the answers, in nats"),
      rankOfTrueAfter: count.describe("1: still the highest"),
    }),
    defenses: z
      .array(
        z.object({
          name: z.string(),
          stops: z.boolean().describe("whether the model is right about the normalized adversarial text"),
          cleanStands: z.boolean().describe("whether it is still right about the normalized clean text"),
        }),
      )
      .optional()
      .describe("texts: each normalization that touches the adversarial text, applied, and the model asked again"),
    verification: z.object({
      runtime: z.string(),
      agrees: z.boolean().describe("the original model, alone, on the input as it would be deployed"),
      inBox: z.boolean(),
      inNorm: z.boolean(),
      afterQuantization: z.boolean(),
      minimized: z.literal(false),
    }),
    mappings,
  })
  .describe("One line of findings.jsonl: a verified misclassification");
