import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pooled } from "../base/pooled.ts";
import { likenessOf } from "./alike.ts";
import { canonicalText } from "./canonical-json.ts";
import type { Corpus } from "./corpus.ts";
import { writeLikenesses } from "./files-alike.ts";
import { entriesOf } from "./files-entries.ts";
import { writeFacets } from "./files-facets.ts";
import { dropNotes } from "./files-notes.ts";
import type { Tables } from "./files-tables.ts";
import { eventOfName, SHARDS, sampleOfName } from "./layout.ts";
import { type Read, readEvent, readManifest } from "./read.ts";
import type { CorpusEvent, Manifest } from "./schema.ts";

/** A folder that changed this lately may change again without a later time: it is looked at anew next time. */
const UNSURE_MS = 2000;
const PARALLEL = 32;
/** Folders that are looked at side by side. */
const SHARDS_AHEAD = 4;
/** Samples that are computed anew at once. */
const PAGE = 500;

/** Brings an index up to date: only folders that changed are looked at, only files that are new are read. */
export class Refresh {
  private readonly tables: Tables;
  private readonly corpus: Corpus;

  constructor(tables: Tables, corpus: Corpus) {
    this.tables = tables;
    this.corpus = corpus;
  }

  /** @param onShard after each of 256 parts */
  async all(directory: string, onShard: (done: number) => void = () => {}): Promise<void> {
    const known = new Map(
      this.tables.rows("SELECT name, samples, events FROM shard").map(([name, ...times]) => [name, times]),
    );
    let done = 0;
    // Side by side, because most of the time is spent waiting for files; what was read is written without a break.
    await pooled(SHARDS, SHARDS_AHEAD, async (shard) => {
      const began = Date.now();
      const times = await Promise.all(
        ["samples", "events"].map((root) => changedAt(join(directory, root, shard), began)),
      );
      if (known.get(shard)?.every((time, i) => time === times[i] && time !== null) !== true)
        await this.shard(shard, times);
      onShard(++done);
    });
  }

  private async shard(shard: string, times: readonly (number | null)[]): Promise<void> {
    const [manifests, events] = await Promise.all([
      this.newFiles(`samples/${shard}`, "sample", "id", sampleOfName, readManifest),
      this.newFiles(`events/${shard}`, "event", "name", eventName, readEvent),
    ]);
    const touched = new Set([...manifests.touched, ...events.gone]);
    for (const [, event] of events.good) touched.add(event.sample);
    this.tables.atOnce(() => {
      this.tables.run("DELETE FROM odd WHERE path >= ? AND path < ?", [`events/${shard}/`, `events/${shard}0`]);
      this.tables.run("DELETE FROM odd WHERE path >= ? AND path < ?", [`samples/${shard}/`, `samples/${shard}0`]);
      this.tables.insert("odd (path, damaged, said)", [...manifests.odd, ...events.odd]);
      this.tables.run("DELETE FROM sample WHERE id IN (SELECT value FROM json_each(?))", [
        JSON.stringify(manifests.lost),
      ]);
      this.tables.run("DELETE FROM event WHERE name IN (SELECT value FROM json_each(?))", [
        JSON.stringify(events.lost),
      ]);
      this.tables.insert(
        "sample (id, body)",
        manifests.good.map(([id, manifest]) => [id, canonicalText(manifest)]),
      );
      this.tables.insert(
        "event (name, sample, body)",
        events.good.map(([name, event]) => [name, event.sample, canonicalText(event)]),
      );
      this.writeEntries([...touched]);
      this.tables.run("INSERT OR REPLACE INTO shard VALUES (?, ?, ?)", [shard, ...times.map((time) => time ?? -1)]);
    });
  }

  /** What came and what went since a folder was looked at last. Odd files are read each time. */
  private async newFiles<T extends Manifest | CorpusEvent>(
    folder: string,
    table: "sample" | "event",
    key: "id" | "name",
    nameOf: (file: string) => string | null,
    reader: (folder: Corpus["folder"], path: string) => Promise<Read<T>>,
  ) {
    const shard = folder.slice(-2);
    const files = await this.corpus.folder.list(folder);
    const there = new Map(files.map((file) => [nameOf(file) ?? file, file]));
    // All in one row: a row for each would take most of the time.
    const [held] = this.tables.rows(`SELECT json_group_array(${key}) FROM ${table} WHERE ${key} >= ? AND ${key} < ?`, [
      shard,
      `${shard}g`,
    ]);
    const known = new Set(JSON.parse(String(held![0])) as string[]);
    const lost = [...known].filter((name) => !there.has(name));
    const names = [...there.keys()].filter((name) => !known.has(name));
    const read = await pooled(names, PARALLEL, (name) => reader(this.corpus.folder, `${folder}/${there.get(name)!}`));
    const good: [string, T][] = [];
    const odd: [string, number, string][] = [];
    for (const [i, one] of read.entries()) {
      const path = `${folder}/${there.get(names[i]!)!}`;
      if (one.state === "good") good.push([names[i]!, one.value]);
      if (one.state === "bad") odd.push([path, 1, one.problem]);
      if (one.state === "newer") odd.push([path, 0, one.schema]);
    }
    const gone =
      table === "sample"
        ? lost
        : this.tables
            .rows("SELECT DISTINCT sample FROM event WHERE name IN (SELECT value FROM json_each(?))", [
              JSON.stringify(lost),
            ])
            .map(([sample]) => String(sample));
    return { good, odd, lost, gone, touched: [...lost, ...(table === "sample" ? good.map(([id]) => id) : [])] };
  }

  /** Computes anew what stands of these samples. */
  private writeEntries(ids: readonly string[]): void {
    for (let at = 0; at < ids.length; at += PAGE) {
      const page = ids.slice(at, at + PAGE);
      for (const table of ["entry", "failed"])
        this.tables.run(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, [JSON.stringify(page)]);
      const entries = entriesOf(this.tables, page);
      this.tables.insert(
        "entry (id, since, living, model)",
        entries.map(({ id, since, trust, found }) => [
          id,
          since ?? "",
          trust === "forgotten" ? 0 : 1,
          found[0]?.model ?? null,
        ]),
      );
      writeFacets(this.tables, page, entries);
      dropNotes(this.tables, page);
      writeLikenesses(
        this.tables,
        page,
        entries.flatMap((entry) => likenessOf(entry) ?? []),
      );
      const living = entries.filter(({ trust }) => trust !== "forgotten");
      this.tables.insert(
        "failed (id, model, name, at)",
        living.flatMap(({ id, found }) => found.map(({ model, modelName, at: time }) => [id, model, modelName, time])),
      );
    }
  }
}

/** When names in a folder changed last; null where that can't be relied on, or there is no folder. */
async function changedAt(folder: string, now: number): Promise<number | null> {
  const facts = await stat(folder).catch(() => null);
  if (facts === null) return 0;
  return now - facts.mtimeMs < UNSURE_MS ? null : facts.mtimeMs;
}

function eventName(file: string): string | null {
  return eventOfName(file) === null ? null : file;
}
