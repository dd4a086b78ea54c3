import { basename, join } from "node:path";
import { readRun, readText } from "../../assess/files-read.ts";
import { parseJson } from "../../assess/run-file.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { storeRun } from "../../corpus/from-run.ts";
import { RUN_CORPUS_SCHEMA, type RunCorpus, runCorpusSchema, summaryOf } from "../../corpus/summary.ts";
import type { Dataset } from "../../data/index.ts";
import type { Given } from "../options.ts";
import { writeJson } from "../regression/write.ts";
import { openCatalog } from "./open.ts";
import { storedText } from "./words.ts";

/** In the folder of a run. */
const FILE = "corpus.json";
const MOST_BYTES = 4 * 2 ** 20;

/**
 * Stores what a finished run found, and writes beside it what the corpus holds then, for its report. Returns how to tell it: with `--json` stdout
 * belongs to the result.
 */
export async function keepInCorpus(
  given: Given,
  corpus: Corpus,
  directory: string,
  data: Dataset,
): Promise<() => void> {
  const run = await readRun(directory);
  const stored = await storeRun(corpus, run, data, basename(directory));
  const catalog = await openCatalog(given, corpus);
  try {
    const { findings, naturalErrors } = stored;
    const holds = summaryOf(catalog.statistics(run.result.model.classes.length));
    const told: RunCorpus = { schema: RUN_CORPUS_SCHEMA, corpus: corpus.folder.name, findings, naturalErrors, holds };
    await writeJson(join(directory, FILE), told);
  } finally {
    catalog.close();
  }
  return () => {
    for (const note of stored.notes) process.stderr.write(`note: ${note}\n`);
    (given.json ? process.stderr : process.stdout).write(`${storedText(corpus.folder.name, stored)}\n`);
  };
}

/** What a run stored; null where it stored nothing, or the file does not say. */
export async function readRunCorpus(directory: string): Promise<RunCorpus | null> {
  const file = await readText(directory, FILE, MOST_BYTES);
  return file === null ? null : (runCorpusSchema.safeParse(parseJson(file.text)).data ?? null);
}
