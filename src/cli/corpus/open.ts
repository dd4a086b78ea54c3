import { userInfo } from "node:os";
import { BlindspotError } from "../../base/errors.ts";
import type { Grouping } from "../../corpus/alike.ts";
import { byId, type Catalog, catalogOf } from "../../corpus/catalog.ts";
import { type Contents, Corpus } from "../../corpus/corpus.ts";
import type { Entry } from "../../corpus/entry.ts";
import { diskFolder, isFolder } from "../../corpus/files.ts";
import { CorpusIndex } from "../../corpus/files-index.ts";
import { type Filter, parsePair } from "../../corpus/filter.ts";
import { SHARDS } from "../../corpus/layout.ts";
import { grouped } from "../../report/format.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";
import { Progress } from "../progress.ts";
import { version } from "../version.ts";

/** Where the corpus lies unless said otherwise. */
const DEFAULT_FOLDER = "boundary";

const options = () => ({ toolVersion: version() });

/** The corpus that a command works on; it must exist. */
export async function openCorpus({ corpus = DEFAULT_FOLDER }: Given): Promise<Corpus> {
  return Corpus.open(await diskFolder(corpus), options());
}

/** The corpus that a command adds to; begun if need be. */
export async function createCorpus({ corpus = DEFAULT_FOLDER }: Given): Promise<Corpus> {
  if (corpus !== "none") return Corpus.create(await diskFolder(corpus), options());
  throw new BlindspotError({ code: "E_OPTION", subject: "--corpus none", expected: "a folder" });
}

/** For runs: nothing is written into a user's repository unasked, so the default counts only where it exists. */
export async function corpusOfRun({ corpus }: Given): Promise<Corpus | null> {
  if (corpus === "none") return null;
  if (corpus === undefined) return (await isFolder(DEFAULT_FOLDER)) ? openCorpus({}) : null;
  return createCorpus({ corpus });
}

/** Who acts: `--by`, or the name of the account. */
export function actor({ by }: Given): string {
  return by ?? userInfo().username;
}

/** From this many samples on an index is kept: below, reading the files is as fast. */
const INDEX_FROM = 2000;
/** The same where pictures are looked at, which takes longer than reading about them. */
const PICTURES_FROM = 100;

/**
 * What lists and counts are answered from.
 * @param pictures whether it is asked which samples are alike
 */
export async function openCatalog(given: Given, corpus: Corpus, pictures = false): Promise<Catalog> {
  if (!(await hasSamples(corpus, pictures ? PICTURES_FROM : INDEX_FROM))) return catalogOf(corpus, await corpus.read());
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const index = await CorpusIndex.open(corpus, corpus.folder.name, (done) =>
    progress.update(() => `reading what is new: ${done} of ${SHARDS.length} parts`),
  );
  progress.clear();
  return index ?? catalogOf(corpus, await corpus.read());
}

/** Whether there are so many: no more are counted. */
async function hasSamples(corpus: Corpus, least: number): Promise<boolean> {
  let samples = 0;
  for (const shard of SHARDS) {
    samples += (await corpus.folder.list(`samples/${shard}`)).length;
    if (samples >= least) return true;
  }
  return false;
}

/** Which samples are alike; of one sample: which may be like it. */
export async function alikeIn(given: Given, catalog: Catalog, of?: string): Promise<Grouping> {
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const tell = (done: number, all: number) =>
    progress.update(() => `looking at new pictures: ${grouped(done)} of ${grouped(all)}`);
  const grouping = await catalog.alike(tell, of);
  progress.clear();
  return grouping;
}

/** The filter that the options name. */
export function filterOf(given: Given, classes: () => ReadonlySet<string>): Filter {
  return defined({
    kind: given.kind,
    pair: given.pair === undefined ? undefined : parsePair(given.pair, classes()),
    threats: given.threat,
    group: given.group,
    trust: given.unlabelled ? ("unlabelled" as const) : undefined,
  });
}

/** Every sample as it stands: what the index knows of a large corpus is not read again. */
export async function readCorpus(given: Given, corpus: Corpus): Promise<Contents> {
  const catalog = await openCatalog(given, corpus);
  try {
    return catalog.contents();
  } finally {
    catalog.close();
  }
}

/** The samples that the options name, by id. What is damaged is told. */
export async function selected(given: Given, corpus: Corpus): Promise<Entry[]> {
  const catalog = await openCatalog(given, corpus);
  try {
    tellProblems(catalog.problems, catalog.notUnderstood);
    const filter = filterOf(given, () => catalog.classes());
    return [...catalog.list(filter, null).entries].sort(byId);
  } finally {
    catalog.close();
  }
}

/** What is damaged or not understood goes to stderr: a list that leaves something out says so. */
export function tellProblems(problems: readonly { path: string; problem: string }[], notUnderstood: readonly string[]) {
  const shown = problems.slice(0, 10).map(({ path, problem }) => `note: left out ${path}: ${problem}`);
  if (problems.length > shown.length) shown.push(`note: left out ${problems.length - shown.length} more`);
  if (problems.length > 0) shown.push("note: blindspot corpus verify reads everything");
  if (notUnderstood.length > 0)
    shown.push(`note: ${notUnderstood.length} files of another version are kept, and not understood`);
  for (const line of shown) process.stderr.write(`${line}\n`);
}
