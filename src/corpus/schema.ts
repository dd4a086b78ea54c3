import { z } from "zod";

/** First line of the file FORMAT. Another major number is another layout. */
export const CORPUS_FORMAT = "boundary-corpus 1";
export const SAMPLE_SCHEMA = "blindspot-sample/1";
export const EVENT_SCHEMA = "blindspot-event/1";
export const MODEL_SCHEMA = "blindspot-model/1";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const text = z.string().max(4096);
const instant = z.iso.datetime();
const setting = z.union([z.number(), z.boolean(), z.string()]);

/** Larger inputs are refused before anything is allocated for them. */
const MAX_VALUES = 2 ** 26;

/** Whether modality, dims and values fit together. */
export function isForm({
  modality,
  dims,
  values,
}: Record<"modality" | "values", string> & { dims: number[] }): boolean {
  return (
    (modality === "row") === (values === "json") &&
    (modality === "text") === (values === "utf-8") &&
    (modality === "row" || modality === "text") === (dims.length === 0)
  );
}

/**
 * What a sample is: a pure function of its id's ingredients, so that everybody who has the sample has the same bytes. Whatever is known
 * about it stands in events.
 */
export const manifestSchema = z
  .strictObject({
    schema: z.literal(SAMPLE_SCHEMA),
    id: digest.describe("SHA-256 of version tag, modality, input and clean input"),
    modality: z.enum(["image", "vector", "row", "text"]),
    dims: z
      .array(z.int().positive())
      .max(3)
      .refine((dims) => dims.reduce((size, dim) => size * dim, 1) <= MAX_VALUES, `at most ${MAX_VALUES} values`)
      .describe(
        "[height, width, channels], [features]; [] of rows and texts: what a model makes of them is the model's",
      ),
    values: z.enum(["uint8", "float32", "json", "utf-8"]),
    input: digest.describe("SHA-256 of the canonical bytes; names the blob"),
    clean: digest.nullable().describe("the same of the input that it was made from; null: none"),
  })
  .refine(isForm, "modality, dims and values that fit together")
  .describe("samples/AB/ID.json: one immutable file per boundary sample");

/** How a model was read: answers are comparable only where this is equal. Named by the SHA-256 of the file. */
export const modelRecordSchema = z
  .object({
    schema: z.literal(MODEL_SCHEMA),
    kind: text,
    identity: digest.describe("SHA-256 of the model's file, or its fingerprint"),
    classes: z.array(text).max(100_000),
    dims: z.array(z.int().positive()).max(8),
    preprocessing: z.record(z.string(), z.unknown()),
    rows: z.record(z.string(), z.unknown()).optional().describe("the schema of the rows that it takes (docs/rows.md)"),
  })
  .describe("models/DIGEST.json: a model, its classes in the order of its outputs, and how its inputs are prepared");

const classRef = z.object({ name: text, index: count.optional().describe("in the model's outputs") });
const source = z.object({
  spec: text,
  sample: text.optional(),
  index: count.optional(),
  group: text.optional(),
});

const common = { schema: z.literal(EVENT_SCHEMA), sample: digest, at: instant, tool: text, run: text.optional() };
const kind = z.enum(["adversarial", "natural", "corruption", "reported"]);

const found = z.object({
  ...common,
  event: z.literal("found"),
  kind,
  model: digest.describe("names the record in models/"),
  modelName: text,
  label: classRef,
  predicted: classRef,
  confidence: z.number().min(0).max(1).optional().describe("of the predicted class"),
  margin: z.number().optional().describe("score of the true class minus the largest other"),
  data: source,
  threat: text.optional().describe("its id"),
  attack: z
    .object({
      name: text,
      knowledge: z.enum(["white-box", "score", "label", "transfer"]),
      settings: z.record(z.string(), setting),
      seed: z.number(),
      queries: count,
      gradients: count,
    })
    .optional(),
  distance: z
    .object({
      l0: count,
      l0Pixels: count.optional(),
      fields: count.optional(),
      words: count.optional(),
      l1: z.number(),
      l2: z.number(),
      linf: z.number(),
    })
    .optional()
    .describe("from the clean side, values scaled to 0..1: an upper bound on the distance to the boundary"),
  corruption: z
    .object({ name: text, severity: z.int().min(1).max(5), seed: z.number() })
    .optional()
    .describe("of kind corruption: see docs/corpus.md"),
  where: z
    .object({
      region: text
        .optional()
        .describe("images: row and column, of a grid of 4 by 4, in which most of the squared change is"),
      fields: z.array(text).max(64).optional().describe("vectors and rows: what changed, most first"),
      edits: z
        .array(text)
        .max(64)
        .optional()
        .describe("texts: kind of each edit, and in which third of the text it is: 'typo, beginning'"),
    })
    .optional(),
  finding: digest.optional(),
  parent: digest.optional().describe("the sample from which a warm attack came to this one"),
});

const reported = z.object({
  ...common,
  event: z.literal("reported"),
  kind,
  file: text.describe("name of the file that came in, without folders"),
  group: text.optional(),
  note: text.optional(),
});

const imported = z.object({
  ...common,
  event: z.literal("imported"),
  kind,
  label: classRef.describe("as the source claims"),
  data: source,
});

const judged = z.object({
  ...common,
  event: z.literal("judged"),
  by: text,
  verdict: z.enum(["valid", "invalid", "ambiguous"]),
  label: classRef.optional(),
  note: text.optional(),
});

const rendition = z.enum(["raw", "witness", "minimal"]);

const rendered = z.object({
  ...common,
  event: z.literal("rendered"),
  rendition: z
    .enum(["witness", "minimal"])
    .describe("witness: hardened with a margin, what a gate replays; minimal: shrunk with a margin floor, for people"),
  input: digest,
  model: digest,
  predicted: classRef,
  threat: text.optional().describe("its id: what the input was held to; none: any change"),
  marginFloor: z.number().describe("least margin of the predicted class over the runner-up that was kept"),
  margin: z.number().optional().describe("the one that the model gives this input"),
  changed: count.optional().describe("pixels, values, fields or words that differ from the clean side"),
  stability: z
    .object({ share: z.number(), low: z.number(), high: z.number(), radius: z.number(), draws: count })
    .optional()
    .describe("share of random changes of this size that leave it in its wrong class, with the Wilson 95 % interval"),
  guarantee: z.enum(["1-minimal", "subset-minimal", "none"]),
  stop: z.enum(["reached", "local-minimum", "stall", "budget", "deadline", "aborted"]),
  queries: count,
});

const measured = z.object({
  ...common,
  event: z.literal("measured"),
  rendition,
  model: digest,
  measure: z.enum(["margin", "ray-distance", "exit-distance", "stability"]),
  value: z.number(),
  low: z.number().optional(),
  high: z.number().optional(),
  evidence: z.enum(["exact", "upper-bound", "estimate"]),
  radius: z.number().optional().describe("of the noise, for stability"),
  queries: count,
});

const waived = z.object({
  ...common,
  event: z.literal("waived"),
  by: text,
  reason: text,
  until: z.iso.date().describe("the last day on which a gate lets this sample pass"),
});

const forgotten = z.object({ ...common, event: z.literal("forgotten"), by: text, reason: text });

export const eventSchema = z
  .discriminatedUnion("event", [found, reported, imported, judged, rendered, measured, waived, forgotten])
  .describe("events/AB/SAMPLE-DIGEST.json: one thing that happened to a sample; never changed, only added to");

export type Manifest = z.infer<typeof manifestSchema>;
export type ModelRecord = z.infer<typeof modelRecordSchema>;
export type CorpusEvent = z.infer<typeof eventSchema>;
export type FoundEvent = z.infer<typeof found>;
export type JudgedEvent = z.infer<typeof judged>;
export type RenderedEvent = z.infer<typeof rendered>;
export type MeasuredEvent = z.infer<typeof measured>;
export type WaivedEvent = z.infer<typeof waived>;
export type ForgottenEvent = z.infer<typeof forgotten>;
export type Kind = z.infer<typeof kind>;
export type ClassRef = z.infer<typeof classRef>;
/** An event before it is stored: the corpus adds what all events have. */
export type EventBody = CorpusEvent extends infer E
  ? E extends CorpusEvent
    ? Omit<E, "schema" | "sample" | "at" | "tool">
    : never
  : never;

/** The published schemas, by file name in `schemas/`. */
export function corpusJsonSchemas(): Record<string, unknown> {
  return {
    "corpus-sample.schema.json": z.toJSONSchema(manifestSchema),
    "corpus-event.schema.json": z.toJSONSchema(eventSchema),
    "corpus-model.schema.json": z.toJSONSchema(modelRecordSchema),
  };
}
