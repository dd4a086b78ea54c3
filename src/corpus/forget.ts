import { type Catalog, catalogOf, type Look } from "./catalog.ts";
import type { Corpus } from "./corpus.ts";
import { type Entry, inputsOf } from "./entry.ts";
import { blobPath } from "./layout.ts";

/** Reads the whole corpus: right for small ones, and wherever no index is kept. */
export function reading(corpus: Corpus): Look {
  return async () => catalogOf(corpus, await corpus.read());
}

/** Removes the inputs that only forgotten samples have. Returns their paths. */
export async function purge(corpus: Corpus, look: Look): Promise<string[]> {
  const catalog = await look();
  try {
    const left = await leftOf(corpus, catalog);
    // Of most corpora nothing is left, and nothing has to be looked up.
    const needed = left.size === 0 ? new Set() : catalog.needed([...left.values()]);
    const removed = [...left].flatMap(([path, digest]) => (needed.has(digest) ? [] : [path]));
    for (const path of removed) await corpus.folder.remove(path);
    return removed;
  } finally {
    catalog.close();
  }
}

/** Inputs of forgotten samples that are still there: their paths and names. */
async function leftOf(corpus: Corpus, catalog: Catalog): Promise<Map<string, string>> {
  const held = new Map<string, ReadonlySet<string>>();
  const left = new Map<string, string>();
  for (const entry of catalog.list({ trust: "forgotten" }, null).entries)
    for (const digest of inputsOf(entry)) {
      const path = blobPath(digest, entry.manifest);
      const at = path.lastIndexOf("/");
      const folder = path.slice(0, at);
      const names = held.get(folder) ?? new Set(await corpus.folder.list(folder));
      held.set(folder, names);
      if (names.has(path.slice(at + 1))) left.set(path, digest);
    }
  return left;
}

/**
 * Leaves a tombstone in the place of a sample, then removes its inputs. The tombstone comes first: a crash between the two is finished by
 * the same call, and a merge never brings a forgotten input back.
 * @param look what tells which inputs other samples need
 */
export async function forget(
  corpus: Corpus,
  entry: Entry,
  by: string,
  reason: string,
  look: Look = reading(corpus),
): Promise<string[]> {
  if (entry.forgotten === null) await corpus.append(entry.id, { event: "forgotten", by, reason });
  return purge(corpus, look);
}
