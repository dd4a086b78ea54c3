import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "libsql";
import { pooled } from "../base/pooled.ts";
import { type Grouping, likenessOf } from "./alike.ts";
import { canonicalText } from "./canonical-json.ts";
import { byId, type Catalog, type Leaders, type Listed, type PairCount } from "./catalog.ts";
import type { Contents, Corpus, FileProblem } from "./corpus.ts";
import { type Entry, entryOf } from "./entry.ts";
import { CELL_FAMILIES, facetsOf } from "./facets.ts";
import { ALIKE_TABLES, groupingIn, notGrouped, regroup, type Tables, writeLikenesses } from "./files-alike.ts";
import type { Filter } from "./filter.ts";
import { conditions, NEEDED } from "./index-queries.ts";
import { eventOfName, SHARDS, sampleOfName } from "./layout.ts";
import { type Read, readEvent, readManifest } from "./read.ts";
import type { CorpusEvent, Manifest } from "./schema.ts";
import { type FirstInCell, modelsOf, ordered, statisticsOf } from "./statistics.ts";

/** Beside the corpus's own folders; ignores itself in git. Another layout of the tables is another file. */
const FOLDER = ".index";
const FILE = "corpus-5.sqlite";
/** Of earlier layouts: `reindex` removes them. */
const EARLIER = ["corpus-1.sqlite", "corpus-2.sqlite", "corpus-3.sqlite", "corpus-4.sqlite"];
/** A folder that changed this lately may change again without a later time: it is looked at anew next time. */
const UNSURE_MS = 2000;
const PARALLEL = 32;
/** Folders that are looked at side by side. */
const SHARDS_AHEAD = 4;
const BUSY_MS = 5000;
/** What is asked of the database at once. */
const PAGE = 500;

/** `sample` and `event` have their names in an index of its own: what is new is found without going over all that they say. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS shard (name TEXT PRIMARY KEY, samples REAL, events REAL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sample (id TEXT PRIMARY KEY, body TEXT);
  CREATE TABLE IF NOT EXISTS event (name TEXT PRIMARY KEY, sample TEXT, body TEXT);
  CREATE INDEX IF NOT EXISTS event_sample ON event (sample);
  CREATE TABLE IF NOT EXISTS odd (path TEXT PRIMARY KEY, damaged INTEGER, said TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entry (id TEXT PRIMARY KEY, since TEXT, living INTEGER, model TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entry_since ON entry (since DESC, id);
  CREATE TABLE IF NOT EXISTS facet (name TEXT, value TEXT, id TEXT, PRIMARY KEY (name, value, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS facet_id ON facet (id);
  CREATE TABLE IF NOT EXISTS failed (id TEXT, model TEXT, name TEXT, at TEXT);
  CREATE INDEX IF NOT EXISTS failed_id ON failed (id);
  ${ALIKE_TABLES}
`;

/** The index of a corpus in a folder of the disk. It holds nothing that the files don't: without it the answers are the same, and slower. */
export class CorpusIndex implements Catalog {
  private readonly corpus: Corpus;
  private readonly database: Database.Database;
  /** By their text: what a statement holds is freed late, so each is prepared once. */
  private readonly statements = new Map<string, Database.Statement>();

  private constructor(corpus: Corpus, database: Database.Database) {
    this.corpus = corpus;
    this.database = database;
  }

  /**
   * Opens the index and brings it up to date: only folders that changed are looked at, only files that are new are read. Null where it can't be
   * written. One that is damaged is made anew.
   * @param onShard after each of 256 parts
   */
  static async open(corpus: Corpus, directory: string, onShard?: (done: number) => void): Promise<CorpusIndex | null> {
    const folder = join(directory, FOLDER);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, ".gitignore"), "*\n");
    } catch {
      return null;
    }
    for (const attempt of ["as it is", "anew"]) {
      let index: CorpusIndex | undefined;
      try {
        const database = new Database(join(folder, FILE));
        index = new CorpusIndex(corpus, database);
        // A crash of the machine may cost the index, which is no loss.
        database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = ${BUSY_MS};`);
        database.exec(TABLES);
        await index.refresh(directory, onShard);
        return index;
      } catch (error) {
        index?.close();
        if (attempt === "anew" || !isDatabaseError(error)) throw error;
        await CorpusIndex.remove(directory);
      }
    }
    return null;
  }

  /** Removes the index; the next question makes it anew. */
  static async remove(directory: string): Promise<void> {
    for (const file of [FILE, ...EARLIER])
      for (const suffix of ["", "-wal", "-shm"]) await rm(join(directory, FOLDER, `${file}${suffix}`), { force: true });
  }

  close(): void {
    this.database.close();
  }

  get samples(): number {
    return this.number("SELECT COUNT(*) FROM entry");
  }

  get problems(): readonly FileProblem[] {
    return this.rows("SELECT path, said FROM odd WHERE damaged = 1 ORDER BY path").map(([path, problem]) => ({
      path: String(path),
      problem: String(problem),
    }));
  }

  get notUnderstood(): readonly string[] {
    const odd = this.rows("SELECT path, said FROM odd WHERE damaged = 0");
    return odd.map(([path, schema]) => `${path} (${schema})`).sort();
  }

  classes(): ReadonlySet<string> {
    const named = this.rows("SELECT DISTINCT value FROM facet WHERE name IN ('label', 'predicted')");
    return new Set(named.map(([name]) => String(name)));
  }

  list(filter: Filter, limit: number | null): Listed {
    const { where, values } = conditions(filter);
    const total = this.number(`SELECT COUNT(*) FROM entry e WHERE ${where}`, values);
    const ids = this.rows(
      `SELECT id FROM entry e WHERE ${where} ORDER BY since DESC, id LIMIT ${limit ?? -1}`,
      values,
    ).map(([id]) => String(id));
    return { total, entries: this.entries(ids) };
  }

  needed(inputs: readonly string[]): ReadonlySet<string> {
    return new Set(this.rows(NEEDED, [JSON.stringify(inputs)]).map(([digest]) => String(digest)));
  }

  statistics(classes: number | null) {
    const families = CELL_FAMILIES.map((family) => `'${family}'`).join(", ");
    // Of the row with the least key SQLite takes the other columns, too.
    const firsts = this.rows(
      `SELECT MIN(e.since || e.id), e.since, e.model FROM facet f JOIN entry e ON e.id = f.id WHERE f.name IN (${families}) GROUP BY f.name, f.value`,
    ).map(
      ([, since, model]): FirstInCell => ({ since: String(since), firstModel: model === null ? null : String(model) }),
    );
    const failed = this.rows("SELECT model, name, MIN(at) FROM failed GROUP BY model, name");
    const models = failed.map(([model, modelName, at]) => ({
      model: String(model),
      modelName: String(modelName),
      at: String(at),
    }));
    return statisticsOf(
      {
        samples: this.number("SELECT COUNT(*) FROM entry WHERE living = 1"),
        counts: (name) =>
          ordered(
            this.rows("SELECT value, COUNT(*) FROM facet WHERE name = ? GROUP BY value", [name]).map(
              ([value, samples]) => [String(value), Number(samples)] as const,
            ),
          ),
        models: modelsOf(models),
        firsts,
        damaged: this.number("SELECT COUNT(*) FROM odd WHERE damaged = 1"),
        notUnderstood: this.number("SELECT COUNT(*) FROM odd WHERE damaged = 0"),
      },
      classes,
    );
  }

  pairsByAttack(): PairCount[] {
    return this.rows(
      `SELECT p.value, a.value, COUNT(*) FROM facet p LEFT JOIN facet a ON a.id = p.id AND a.name = 'attack'
       WHERE p.name = 'pair' GROUP BY p.value, a.value`,
    )
      .map(([pair, attack, samples]) => ({
        pair: String(pair),
        attack: attack === null ? null : String(attack),
        samples: Number(samples),
      }))
      .sort((a, b) => (canonicalText([a.pair, a.attack]) < canonicalText([b.pair, b.attack]) ? -1 : 1));
  }

  async alike(onRead?: (done: number, of: number) => void, of: string | null = null): Promise<Grouping> {
    await regroup(this.tables, this.corpus, onRead, of);
    return groupingIn(this.tables, of);
  }

  get notGrouped(): number {
    return notGrouped(this.tables);
  }

  leaders(filter: Filter, limit: number | null): Leaders {
    const { where, values } = conditions(filter);
    // Of the row with the least place SQLite takes the other columns, too.
    const groups = `SELECT e.id AS id, e.since AS since, COUNT(*) - 1 AS more, MIN(COALESCE(a.place, 0)) FROM entry e
      LEFT JOIN alike a ON a.id = e.id AND a.suspicious = 0 WHERE ${where} GROUP BY COALESCE(a.leader, e.id)`;
    const total = this.number(`SELECT COUNT(*) FROM (${groups})`, values);
    const lines = this.rows(
      `SELECT id, more FROM (${groups}) ORDER BY since DESC, id LIMIT ${limit ?? -1}`,
      values,
    ).map(([id, more]) => ({ id: String(id), more: Number(more) }));
    return { total, leaders: this.withMore(lines) };
  }

  private *withMore(lines: readonly { readonly id: string; readonly more: number }[]) {
    let at = 0;
    for (const entry of this.entries(lines.map(({ id }) => id))) yield { entry, more: lines[at++]!.more };
  }

  /** For what lies in files beside this one. */
  private readonly tables: Tables = {
    rows: (sql, values) => this.rows(sql, values),
    run: (sql, values) => this.run(sql, values),
    insert: (columns, rows) => this.insert(columns, rows),
  };

  private *entries(ids: readonly string[]): Generator<Entry> {
    for (let at = 0; at < ids.length; at += PAGE) {
      const page = ids.slice(at, at + PAGE);
      const known = new Map(this.entriesOf(page).map((entry) => [entry.id, entry]));
      for (const id of page) yield known.get(id)!;
    }
  }

  contents(): Contents {
    const entries = SHARDS.flatMap((shard) =>
      this.entriesWhere((id) => `${id} >= ? AND ${id} < ?`, [shard, `${shard}g`]),
    );
    return { entries: entries.sort(byId), problems: this.problems, notUnderstood: this.notUnderstood };
  }

  private entriesOf(ids: readonly string[]): Entry[] {
    return this.entriesWhere((id) => `${id} IN (SELECT value FROM json_each(?))`, [JSON.stringify(ids)]);
  }

  /** @param where a condition on a sample's id, given the column that holds it */
  private entriesWhere(where: (id: string) => string, values: readonly string[]): Entry[] {
    const events = new Map<string, CorpusEvent[]>();
    for (const event of this.bodies<CorpusEvent>("event", where("sample"), values)) {
      const known = events.get(event.sample);
      if (known === undefined) events.set(event.sample, [event]);
      else known.push(event);
    }
    const manifests = this.bodies<Manifest>("sample", where("id"), values);
    return manifests.map((manifest) => entryOf(manifest, events.get(manifest.id) ?? []));
  }

  /** All in one row: a row for each would take most of the time. */
  private bodies<T>(table: "sample" | "event", where: string, values: readonly string[]): T[] {
    const [joined] = this.rows(`SELECT group_concat(body) FROM ${table} WHERE ${where}`, values);
    return JSON.parse(`[${joined![0] ?? ""}]`) as T[];
  }

  private rows(sql: string, values: readonly (string | number)[] = []): unknown[][] {
    return this.statement(sql)
      .raw()
      .all(...values) as unknown[][];
  }

  private statement(sql: string): Database.Statement {
    const known = this.statements.get(sql) ?? this.database.prepare(sql);
    this.statements.set(sql, known);
    return known;
  }

  private number(sql: string, values: readonly (string | number)[] = []): number {
    return Number(this.rows(sql, values)[0]![0]);
  }

  private async refresh(directory: string, onShard: (done: number) => void = () => {}): Promise<void> {
    const known = new Map(
      this.rows("SELECT name, samples, events FROM shard").map(([name, ...times]) => [name, times]),
    );
    let done = 0;
    // Side by side, because most of the time is spent waiting for files; what was read is written without a break.
    await pooled(SHARDS, SHARDS_AHEAD, async (shard) => {
      const began = Date.now();
      const times = await Promise.all(
        ["samples", "events"].map((root) => changedAt(join(directory, root, shard), began)),
      );
      if (known.get(shard)?.every((time, i) => time === times[i] && time !== null) !== true)
        await this.refreshShard(shard, times);
      onShard(++done);
    });
  }

  private async refreshShard(shard: string, times: readonly (number | null)[]): Promise<void> {
    const [manifests, events] = await Promise.all([
      this.newFiles(`samples/${shard}`, "sample", "id", sampleOfName, readManifest),
      this.newFiles(`events/${shard}`, "event", "name", eventName, readEvent),
    ]);
    const touched = new Set([...manifests.touched, ...events.gone]);
    for (const [, event] of events.good) touched.add(event.sample);
    this.database.exec("BEGIN IMMEDIATE");
    try {
      this.run("DELETE FROM odd WHERE path >= ? AND path < ?", [`events/${shard}/`, `events/${shard}0`]);
      this.run("DELETE FROM odd WHERE path >= ? AND path < ?", [`samples/${shard}/`, `samples/${shard}0`]);
      this.insert("odd (path, damaged, said)", [...manifests.odd, ...events.odd]);
      this.run("DELETE FROM sample WHERE id IN (SELECT value FROM json_each(?))", [JSON.stringify(manifests.lost)]);
      this.run("DELETE FROM event WHERE name IN (SELECT value FROM json_each(?))", [JSON.stringify(events.lost)]);
      this.insert(
        "sample (id, body)",
        manifests.good.map(([id, manifest]) => [id, canonicalText(manifest)]),
      );
      this.insert(
        "event (name, sample, body)",
        events.good.map(([name, event]) => [name, event.sample, canonicalText(event)]),
      );
      this.writeEntries([...touched]);
      this.run("INSERT OR REPLACE INTO shard VALUES (?, ?, ?)", [shard, ...times.map((time) => time ?? -1)]);
      this.database.exec("COMMIT");
    } catch (error) {
      this.database.exec("ROLLBACK");
      throw error;
    }
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
    const [held] = this.rows(`SELECT json_group_array(${key}) FROM ${table} WHERE ${key} >= ? AND ${key} < ?`, [
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
        : this.rows("SELECT DISTINCT sample FROM event WHERE name IN (SELECT value FROM json_each(?))", [
            JSON.stringify(lost),
          ]).map(([sample]) => String(sample));
    return { good, odd, lost, gone, touched: [...lost, ...(table === "sample" ? good.map(([id]) => id) : [])] };
  }

  /** Computes anew what stands of these samples. */
  private writeEntries(ids: readonly string[]): void {
    for (let at = 0; at < ids.length; at += PAGE) {
      const page = ids.slice(at, at + PAGE);
      for (const table of ["entry", "facet", "failed"])
        this.run(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, [JSON.stringify(page)]);
      const entries = this.entriesOf(page);
      this.insert(
        "entry (id, since, living, model)",
        entries.map(({ id, since, trust, found }) => [
          id,
          since ?? "",
          trust === "forgotten" ? 0 : 1,
          found[0]?.model ?? null,
        ]),
      );
      this.insert(
        "facet (name, value, id)",
        entries.flatMap((entry) => facetsOf(entry).map(({ name, value }) => [name, value, entry.id])),
      );
      writeLikenesses(
        this.tables,
        page,
        entries.flatMap((entry) => likenessOf(entry) ?? []),
      );
      const living = entries.filter(({ trust }) => trust !== "forgotten");
      this.insert(
        "failed (id, model, name, at)",
        living.flatMap(({ id, found }) => found.map(({ model, modelName, at: time }) => [id, model, modelName, time])),
      );
    }
  }

  private run(sql: string, values: readonly (string | number)[]): void {
    this.statement(sql).run(...values);
  }

  /** Many rows by one statement: a call for each would take most of the time. */
  private insert(columns: string, rows: readonly (readonly (string | number | null)[])[]): void {
    if (rows.length === 0) return;
    const picked = rows[0]!.map((_, i) => `json_extract(value, '$[${i}]')`).join(", ");
    this.run(`INSERT OR REPLACE INTO ${columns} SELECT ${picked} FROM json_each(?)`, [JSON.stringify(rows)]);
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

function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && /sqlite/i.test(`${error.name} ${(error as { code?: string }).code ?? ""}`);
}
