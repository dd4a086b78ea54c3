import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { readRun } from "../../assess/files-read.ts";
import { BlindspotError } from "../../base/errors.ts";
import type { Added, Corpus } from "../../corpus/corpus.ts";
import { storeRun } from "../../corpus/from-run.ts";
import { type Incoming, incomingArray, incomingFile, incomingImage, storeReport } from "../../corpus/incoming.ts";
import type { Dataset } from "../../data/index.ts";
import { decodeImage } from "../../data/sharp-images.ts";
import { readStored } from "../../inputs/stored.ts";
import { isNpy } from "../../tensor/npy.ts";
import { openData } from "../open.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";
import { actor, createCorpus } from "./open.ts";
import { storedText } from "./words.ts";

export async function run(given: Given): Promise<number> {
  if ((given.input === undefined) === (given.fromRun === undefined))
    throw new BlindspotError({
      code: "E_OPTION_MISSING",
      subject: "blindspot corpus add",
      expected: "--input FILE or --from-run DIR, one of them",
      hint: "See blindspot corpus add --help",
    });
  return given.input === undefined ? addRun(given, given.fromRun!) : addInput(given, given.input);
}

async function addInput(given: Given, file: string): Promise<number> {
  const input = await incoming(file);
  const clean = given.clean === undefined ? null : await incoming(given.clean);
  const corpus = await createCorpus(given);
  const { label, kind = "reported", group, note } = given;
  const report = { kind, file: basename(file), by: actor(given), ...defined({ label, group, note }) };
  const added = await storeReport(corpus, input, clean, report);
  if (given.json) process.stdout.write(`${JSON.stringify(added, null, 2)}\n`);
  else process.stdout.write(await addedText(corpus, added));
  return 0;
}

async function addedText(corpus: Corpus, { id, isNew, events, forgotten }: Added): Promise<string> {
  const short = id.slice(0, 12);
  if (forgotten) return `${short} was forgotten before, and stays so\n`;
  const { trust } = await corpus.find(id);
  const what = isNew ? "new sample" : events > 0 ? "known; what you said of it is added" : "known; nothing new";
  const open = trust === "unlabelled" ? `. Nobody has said what it is: add it again with --label CLASS` : "";
  return `${short} ${what}${open}\n`;
}

/** An image file of any kind, an .npy array of float32, a row as .json, or a text as .txt. */
async function incoming(file: string): Promise<Incoming> {
  const read = await readFile(file).catch((error: Error) => {
    throw new BlindspotError(
      { code: "E_INPUT_FILE", subject: file, expected: "an image, .npy, .json or .txt", got: error.message },
      { cause: error },
    );
  });
  const bytes = new Uint8Array(read);
  if (file.endsWith(".json")) return incomingFile("row", bytes);
  if (file.endsWith(".txt")) return incomingFile("text", bytes);
  return isNpy(bytes) ? incomingArray(await readStored(bytes)) : incomingImage(await decodeImage(bytes, file));
}

/** Findings and natural errors of a run that was stored without a corpus. */
async function addRun(given: Given, directory: string): Promise<number> {
  const run = await readRun(directory);
  for (const problem of run.problems) process.stderr.write(`note: ${problem}\n`);
  const corpus = await createCorpus(given);
  const stored = await storeRun(corpus, run, await dataOf(run.result.options as Given), basename(directory));
  for (const note of stored.notes) process.stderr.write(`note: ${note}\n`);
  if (given.json) process.stdout.write(`${JSON.stringify(stored, null, 2)}\n`);
  else process.stdout.write(`${storedText(corpus.folder.name, stored)}\n`);
  return 0;
}

/** The data of the run, where it still lies; natural errors are read from it. */
async function dataOf(options: Given): Promise<Dataset | null> {
  if (options.data === undefined) return null;
  return openData({ ...options, data: options.data }).catch(() => null);
}
