import { z } from "zod";
import { CELL_FAMILIES } from "./facets.ts";
import type { CorpusStatistics } from "./statistics.ts";

const count = z.int().nonnegative();

/** What a report says of the corpus beside it. */
export const summarySchema = z
  .object({
    samples: count,
    kinds: z.array(z.object({ name: z.string(), samples: count })),
    coverage: z
      .array(
        z.object({
          family: z.enum(CELL_FAMILIES),
          cells: count.describe("with a trusted sample"),
          of: count.nullable().describe("how many there could be; null: nobody knows"),
          samples: count.describe("in a cell of the family"),
          once: count.describe("cells with exactly one"),
        }),
      )
      .describe("boundary cells: ways to fail"),
    models: z
      .array(z.object({ name: z.string(), samples: count, isNew: count, newCells: count }))
      .describe("versions in the order in which they first failed; isNew: samples that none before it failed on"),
    lastNewCell: z.string().nullable().describe("when a sample last covered a cell that none had covered before"),
  })
  .describe("counts, and no rates: a corpus was collected because models failed");

export type CorpusSummary = z.infer<typeof summarySchema>;

export function summaryOf({ samples, kinds, coverage, models, lastNewCell }: CorpusStatistics): CorpusSummary {
  return {
    samples,
    kinds: [...kinds],
    coverage: coverage.map(({ family, cells, of, samples: own, once }) => ({ family, cells, of, samples: own, once })),
    models: [...models],
    lastNewCell,
  };
}

/** corpus.json in the folder of a run whose findings were stored. */
export const RUN_CORPUS_SCHEMA = "blindspot-run-corpus/1";
const storedSchema = z.object({ stored: count, isNew: count });
export const runCorpusSchema = z
  .object({
    schema: z.literal(RUN_CORPUS_SCHEMA),
    corpus: z.string(),
    findings: storedSchema,
    naturalErrors: storedSchema,
    holds: summarySchema.describe("with what this run stored"),
  })
  .describe("corpus.json of a run: what it stored, and what the corpus held then");

export type RunCorpus = z.infer<typeof runCorpusSchema>;

/** The published schema, by file name in `schemas/`. */
export function runCorpusJsonSchema(): Record<string, unknown> {
  return { "run-corpus.schema.json": z.toJSONSchema(runCorpusSchema) };
}
