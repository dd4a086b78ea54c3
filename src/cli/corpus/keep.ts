import { basename } from "node:path";
import { readRun } from "../../assess/files-read.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { storeRun } from "../../corpus/from-run.ts";
import type { Dataset } from "../../data/index.ts";
import { storedText } from "./words.ts";

/** Stores what a finished run found. With `--json` stdout belongs to the result. */
export async function keepInCorpus(corpus: Corpus, directory: string, data: Dataset, json: boolean): Promise<void> {
  const stored = await storeRun(corpus, await readRun(directory), data, basename(directory));
  for (const note of stored.notes) process.stderr.write(`note: ${note}\n`);
  (json ? process.stderr : process.stdout).write(`${storedText(corpus.folder.name, stored)}\n`);
}
