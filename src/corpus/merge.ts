import { pooled } from "../base/pooled.ts";
import type { Look } from "./catalog.ts";
import type { Corpus, FileProblem } from "./corpus.ts";
import { purge, reading } from "./forget.ts";
import { blobOfName, eventOfName, eventPrefix, SHARDS, sampleOfName, samplePath } from "./layout.ts";
import { LIMITS, type Read, readEvent, readManifest, readModelRecord } from "./read.ts";
import type { Manifest } from "./schema.ts";

/** Parts that are merged at once. */
const PARALLEL = 16;

export interface Merged {
  /** Samples that the corpus did not have. */
  readonly samples: number;
  readonly events: number;
  readonly inputs: number;
  /** Files of the other corpus that were not taken, and why. */
  readonly refused: readonly FileProblem[];
  /** Files of another version of this program, taken as they are. */
  readonly notUnderstood: readonly string[];
}

/**
 * Adds all that another corpus holds: the union of two sets of files. Every file is checked against its name first; what does not fit is
 * refused and named, the rest is taken. Interrupted, it leaves a corpus that is whole, and the same call completes it.
 * @param only ids of the samples that are taken; null: all
 * @param look what tells, when all is merged, which inputs of the target only forgotten samples have
 */
export async function merge(
  target: Corpus,
  source: Corpus,
  only: ReadonlySet<string> | null = null,
  look: Look = reading(target),
): Promise<Merged> {
  const merged = await new Merge(target, source, only).perform();
  // Also what an interrupted merge left: its tombstones are not new any more.
  await purge(target, look);
  return merged;
}

class Merge {
  private readonly target: Corpus;
  private readonly source: Corpus;
  private readonly only: ReadonlySet<string> | null;
  /** What names of their events begin with. */
  private readonly prefixes: ReadonlySet<string> | null;
  private readonly refused: FileProblem[] = [];
  private readonly notUnderstood: string[] = [];
  private readonly count = { samples: 0, events: 0, inputs: 0 };

  constructor(target: Corpus, source: Corpus, only: ReadonlySet<string> | null) {
    this.target = target;
    this.source = source;
    this.only = only;
    this.prefixes = only === null ? null : new Set([...only].map(eventPrefix));
  }

  async perform(): Promise<Merged> {
    for (const path of await this.missing("models", sampleOfName)) await this.model(path);
    // Side by side, because most of the time is spent waiting for the disk to say that a file is safe.
    await pooled(SHARDS, PARALLEL, (shard) => this.shard(shard));
    if (this.notUnderstood.length > 0 && this.only === null) await this.foreignInputs();
    const refused = this.refused.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { ...this.count, refused, notUnderstood: this.notUnderstood.sort() };
  }

  private async model(path: string): Promise<void> {
    const read = await readModelRecord(this.source.folder, sampleOfName(path.slice("models/".length))!);
    if (this.takes(path, read)) await this.copy(path, LIMITS.modelBytes);
  }

  /** What concerns samples whose ids begin alike, in the order of `Corpus.add`: inputs, events, manifests. */
  private async shard(shard: string): Promise<void> {
    const folders = [this.source.folder, this.target.folder];
    const [theirs, own] = await Promise.all(folders.map((folder) => folder.list(`events/${shard}`)));
    const isForgotten = async (id: string) => {
      const events = [...(await this.source.eventsOf(id, theirs)), ...(await this.target.eventsOf(id, own))];
      return events.some(({ event }) => event === "forgotten");
    };
    const manifests: string[] = [];
    for (const path of await this.missing(`samples/${shard}`, sampleOfName)) {
      if (this.only?.has(path.slice(path.lastIndexOf("/") + 1, -".json".length)) === false) continue;
      const read = await readManifest(this.source.folder, path);
      if (!this.takes(path, read)) continue;
      if (read.state !== "good" || (await isForgotten(read.value.id)) || (await this.inputsOf(path, read.value)))
        manifests.push(path);
    }
    for (const path of await this.missing(`events/${shard}`, (name) => eventOfName(name)?.digest ?? null))
      if (this.mayTake(path)) await this.event(path, isForgotten);
    for (const path of manifests) {
      await this.copy(path, LIMITS.textBytes);
      this.count.samples++;
    }
  }

  /** Whether it may be an event of a sample that is taken. */
  private mayTake(path: string): boolean {
    return this.prefixes?.has(eventOfName(path.slice(path.lastIndexOf("/") + 1))!.prefix) ?? true;
  }

  private async event(path: string, isForgotten: (id: string) => Promise<boolean>): Promise<void> {
    const read = await readEvent(this.source.folder, path);
    if (!this.takes(path, read)) return;
    const event = read.state === "good" ? read.value : null;
    if (this.only !== null && (event === null || !this.only.has(event.sample))) return;
    if (event?.event === "rendered") {
      const manifest = await readManifest(this.source.folder, samplePath(event.sample));
      if (manifest.state !== "good") return this.refuse(path, "its sample is missing");
      if (!(await isForgotten(event.sample)) && !(await this.input(path, manifest.value, event.input))) return;
    }
    await this.copy(path, LIMITS.textBytes);
    this.count.events++;
  }

  /** Names that the other corpus has and this one has not. What is no name of a corpus is refused. */
  private async missing(folder: string, nameOf: (name: string) => string | null): Promise<string[]> {
    const held = new Set(await this.target.folder.list(folder));
    const names = (await this.source.folder.list(folder)).filter((name) => !held.has(name));
    for (const name of names) if (nameOf(name) === null) this.refuse(`${folder}/${name}`, "no name of a corpus");
    return names.filter((name) => nameOf(name) !== null).map((name) => `${folder}/${name}`);
  }

  /** Both sides of a sample that was not forgotten. Without them it would be half of one. */
  private async inputsOf(path: string, manifest: Manifest): Promise<boolean> {
    for (const digest of [manifest.input, manifest.clean])
      if (digest !== null && !(await this.input(path, manifest, digest))) return false;
    return true;
  }

  private async input(path: string, manifest: Manifest, digest: string): Promise<boolean> {
    if ((await this.target.readFile(manifest, digest)).state === "good") return true;
    const read = await this.source.readFile(manifest, digest);
    if (read.state === "good") {
      await this.target.storeFile(manifest, read.value);
      this.count.inputs++;
      return true;
    }
    const why = read.state === "bad" ? read.problem : "is missing";
    this.refuse(path, `its input ${digest.slice(0, 12)}: ${why}`);
    return false;
  }

  /** Inputs that files of another version may need: what they are can't be checked, so they are taken by name. */
  private async foreignInputs(): Promise<void> {
    for (const shard of SHARDS)
      for (const path of await this.missing(`blobs/${shard}`, blobOfName)) await this.copy(path, LIMITS.blobBytes);
  }

  private takes(path: string, read: Read<unknown>): boolean {
    if (read.state === "newer") this.notUnderstood.push(`${path} (${read.schema})`);
    if (read.state === "bad") this.refuse(path, read.problem);
    return read.state === "good" || read.state === "newer";
  }

  private refuse(path: string, problem: string): void {
    this.refused.push({ path, problem });
  }

  private async copy(path: string, limit: number): Promise<void> {
    const bytes = await this.source.folder.read(path, limit);
    if (bytes !== null) await this.target.folder.write(path, bytes);
  }
}
