import { pooled } from "../base/pooled.ts";
import type { Contents, Corpus, FileProblem } from "./corpus.ts";
import { type Entry, inputsOf } from "./entry.ts";
import { blobOfName, blobPath, eventOfName, FORMAT_FILE, ROOTS, SHARDS, sampleOfName } from "./layout.ts";
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

/** Reads every file and every input of a corpus. Changes nothing. */
export async function verify(corpus: Corpus): Promise<Verified> {
  const contents = await corpus.read();
  const problems = [...contents.problems];
  const leftovers: FileProblem[] = [];
  problems.push(...(await models(corpus, contents)));
  const inputs = wantedInputs(contents.entries);
  const read = await pooled([...inputs], 4, async ([path, { entry, digest }]) => ({
    path,
    forgotten: entry.forgotten !== null,
    read: await corpus.readFile(entry.manifest, digest),
  }));
  for (const { path, forgotten, read: one } of read) {
    if (forgotten && one.state !== "missing")
      leftovers.push({ path, problem: "of a forgotten sample: forget it again" });
    else if (!forgotten && one.state === "missing") problems.push({ path, problem: "is missing" });
    else if (!forgotten && one.state === "bad") problems.push({ path, problem: one.problem });
  }
  leftovers.push(...(await strays(corpus, contents, inputs)));
  const { entries, notUnderstood } = contents;
  const living = read.filter(({ forgotten }) => !forgotten).length;
  return { samples: entries.length, inputs: living, problems, leftovers, notUnderstood };
}

interface Wanted {
  readonly entry: Entry;
  readonly digest: string;
}

/** All inputs by path; one that a living sample needs is needed, whatever was forgotten. */
function wantedInputs(entries: readonly Entry[]): Map<string, Wanted> {
  const inputs = new Map<string, Wanted>();
  for (const entry of entries) {
    const { manifest } = entry;
    for (const digest of inputsOf(entry)) {
      const path = blobPath(digest, manifest);
      if (inputs.get(path)?.entry.forgotten !== null || entry.forgotten === null) inputs.set(path, { entry, digest });
    }
  }
  return inputs;
}

async function models(corpus: Corpus, { entries }: Contents): Promise<FileProblem[]> {
  const wanted = new Set(entries.flatMap(({ events }) => events.flatMap((one) => ("model" in one ? [one.model] : []))));
  const problems: FileProblem[] = [];
  for (const digest of wanted) {
    const read = await readModelRecord(corpus.folder, digest);
    const path = `models/${digest}.json`;
    if (read.state === "missing") problems.push({ path, problem: "is missing" });
    if (read.state === "bad") problems.push({ path, problem: read.problem });
  }
  return problems;
}

/** Files that no sample asks for. */
async function strays(
  corpus: Corpus,
  { entries, notUnderstood }: Contents,
  inputs: ReadonlyMap<string, unknown>,
): Promise<FileProblem[]> {
  const { folder } = corpus;
  const found: FileProblem[] = [];
  const prefixes = new Set(entries.map(({ id }) => id.slice(0, 16)));
  for (const name of await folder.list(""))
    if (!OWN.has(name)) found.push({ path: plain(name), problem: "not of a corpus" });
  for (const name of await folder.list(".tmp"))
    found.push({ path: `.tmp/${plain(name)}`, problem: "a writer was stopped, or writes now" });
  for (const shard of SHARDS) {
    for (const name of await folder.list(`samples/${shard}`))
      if (sampleOfName(name) === null)
        found.push({ path: `samples/${shard}/${plain(name)}`, problem: "not of a corpus" });
    for (const name of await folder.list(`events/${shard}`)) {
      const event = eventOfName(name);
      const path = `events/${shard}/${plain(name)}`;
      if (event === null) found.push({ path, problem: "not of a corpus" });
      else if (!prefixes.has(event.prefix) && notUnderstood.length === 0)
        found.push({ path, problem: "its sample was never finished: store it again" });
    }
    for (const name of await folder.list(`blobs/${shard}`)) {
      const path = `blobs/${shard}/${name}`;
      if (blobOfName(name) === null) found.push({ path: `blobs/${shard}/${plain(name)}`, problem: "not of a corpus" });
      else if (!inputs.has(path) && notUnderstood.length === 0)
        found.push({ path, problem: "its sample was never finished: store it again" });
    }
  }
  return found;
}
