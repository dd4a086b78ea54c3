import { pooled } from "../base/pooled.ts";
import type { Contents, Corpus, FileProblem } from "./corpus.ts";
import { type Entry, inputsOf } from "./entry.ts";
import type { Form } from "./identity.ts";
import { blobOfName, blobPath, eventOfName, eventPrefix, FORMAT_FILE, ROOTS, SHARDS, sampleOfName } from "./layout.ts";
import { plain, readModelRecord } from "./read.ts";

export interface Verified {
  readonly samples: number;
  readonly inputs: number;
  /** Damaged or missing: something is lost unless it comes back. */
  readonly problems: readonly FileProblem[];
  /** Left by a writer that was stopped, or brought by somebody: nothing is lost. */
  readonly leftovers: readonly FileProblem[];
  readonly notUnderstood: readonly string[];
}

/** `baselines`: what a gate compares with. */
const OWN = new Set<string>([
  ...ROOTS,
  "baselines",
  FORMAT_FILE,
  "README.md",
  ".gitattributes",
  ".gitignore",
  ".git",
  ".tmp",
  ".index",
]);

/** Reads every file and every input of a corpus, one part after the other. Changes nothing. */
export async function verify(corpus: Corpus): Promise<Verified> {
  const problems: FileProblem[] = [];
  const leftovers: FileProblem[] = [];
  const unfinished: FileProblem[] = [];
  const notUnderstood: string[] = [];
  const wanted = { inputs: new Map<string, Wanted>(), models: new Set<string>() };
  let samples = 0;
  for (const shard of SHARDS) {
    const part = await corpus.readPart(shard);
    samples += part.entries.length;
    problems.push(...part.problems);
    notUnderstood.push(...part.notUnderstood);
    for (const entry of part.entries) want(wanted, entry);
    await straysOf(corpus, shard, part, leftovers, unfinished);
  }
  problems.push(...(await models(corpus, wanted.models)));
  let inputs = 0;
  await pooled([...wanted.inputs], 4, async ([path, { form, isLiving }]) => {
    const { state, problem } = await stateOf(corpus, form, path);
    if (isLiving) inputs++;
    if (!isLiving && state !== "missing") leftovers.push({ path, problem: "of a forgotten sample: forget it again" });
    else if (isLiving && state !== "good") problems.push({ path, problem });
  });
  leftovers.push(...(await strangers(corpus)));
  for (const shard of SHARDS)
    for (const name of await corpus.folder.list(`blobs/${shard}`)) {
      const path = `blobs/${shard}/${plain(name)}`;
      if (blobOfName(name) === null) leftovers.push({ path, problem: "not of a corpus" });
      else if (!wanted.inputs.has(path)) unfinished.push({ path, problem: UNFINISHED });
    }
  // What isn't understood may need them.
  if (notUnderstood.length === 0) leftovers.push(...unfinished);
  return {
    samples,
    inputs,
    problems: problems.sort(byPath),
    leftovers: leftovers.sort(byPath),
    notUnderstood: notUnderstood.sort(),
  };
}

const UNFINISHED = "its sample was never finished: store it again";

function byPath(a: FileProblem, b: FileProblem): number {
  return a.path < b.path ? -1 : 1;
}

/** An input, by its path. One that a living sample needs is needed, whatever was forgotten. */
interface Wanted {
  readonly form: Form;
  readonly isLiving: boolean;
}

function want(
  { inputs, models: digests }: { readonly inputs: Map<string, Wanted>; readonly models: Set<string> },
  entry: Entry,
): void {
  for (const event of entry.events) if ("model" in event) digests.add(event.model);
  const { modality, dims, values } = entry.manifest;
  const form = { modality, dims, values };
  const isLiving = entry.forgotten === null;
  for (const digest of inputsOf(entry)) {
    const path = blobPath(digest, form);
    if (isLiving || !inputs.has(path)) inputs.set(path, { form, isLiving });
  }
}

async function stateOf(corpus: Corpus, form: Form, path: string): Promise<{ state: string; problem: string }> {
  const read = await corpus.readFile(form, blobOfName(path.slice(path.lastIndexOf("/") + 1))!);
  return { state: read.state, problem: read.state === "bad" ? read.problem : "is missing" };
}

async function models(corpus: Corpus, digests: ReadonlySet<string>): Promise<FileProblem[]> {
  const problems: FileProblem[] = [];
  for (const digest of digests) {
    const read = await readModelRecord(corpus.folder, digest);
    const path = `models/${digest}.json`;
    if (read.state === "missing") problems.push({ path, problem: "is missing" });
    if (read.state === "bad") problems.push({ path, problem: read.problem });
  }
  return problems;
}

/** What lies beside the folders of a corpus, and what writers left. */
async function strangers({ folder }: Corpus): Promise<FileProblem[]> {
  const others = (await folder.list("")).filter((name) => !OWN.has(name));
  const unfinished = await folder.list(".tmp");
  return [
    ...others.map((name) => ({ path: plain(name), problem: "not of a corpus" })),
    ...unfinished.map((name) => ({ path: `.tmp/${plain(name)}`, problem: "a writer was stopped, or writes now" })),
  ];
}

/** Files of one part that no sample asks for. */
async function straysOf(
  { folder }: Corpus,
  shard: string,
  { entries }: Contents,
  leftovers: FileProblem[],
  unfinished: FileProblem[],
): Promise<void> {
  const prefixes = new Set(entries.map(({ id }) => eventPrefix(id)));
  for (const name of await folder.list(`samples/${shard}`))
    if (sampleOfName(name) === null)
      leftovers.push({ path: `samples/${shard}/${plain(name)}`, problem: "not of a corpus" });
  for (const name of await folder.list(`events/${shard}`)) {
    const event = eventOfName(name);
    const path = `events/${shard}/${plain(name)}`;
    if (event === null) leftovers.push({ path, problem: "not of a corpus" });
    else if (!prefixes.has(event.prefix)) unfinished.push({ path, problem: UNFINISHED });
  }
}
