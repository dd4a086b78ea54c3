import type { Corpus } from "./corpus.ts";
import type { Entry } from "./entry.ts";
import { blobPath } from "./layout.ts";

/** Paths of all inputs that a sample has. */
function blobsOf({ manifest, renditions }: Entry): string[] {
  const digests = [manifest.input, manifest.clean, ...renditions.map(({ input }) => input)];
  return digests.flatMap((digest) => (digest === null ? [] : [blobPath(digest, manifest)]));
}

/** Removes the inputs that only forgotten samples have. Returns their paths. */
export async function purge(corpus: Corpus): Promise<string[]> {
  const { entries } = await corpus.read();
  const gone = entries.filter(({ forgotten }) => forgotten !== null);
  if (gone.length === 0) return [];
  const needed = new Set(entries.filter(({ forgotten }) => forgotten === null).flatMap(blobsOf));
  const candidates = [...new Set(gone.flatMap(blobsOf))].filter((path) => !needed.has(path));
  const removed: string[] = [];
  for (const path of candidates) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!(await corpus.folder.list(folder)).includes(path.slice(folder.length + 1))) continue;
    await corpus.folder.remove(path);
    removed.push(path);
  }
  return removed;
}

/**
 * Leaves a tombstone in the place of a sample, then removes its inputs. The tombstone comes first: a crash between the two is finished by
 * the same call, and a merge never brings a forgotten input back.
 */
export async function forget(corpus: Corpus, entry: Entry, by: string, reason: string): Promise<string[]> {
  if (entry.forgotten === null) await corpus.append(entry.id, { event: "forgotten", by, reason });
  return purge(corpus);
}
