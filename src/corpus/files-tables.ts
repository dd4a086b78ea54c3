import Database from "libsql";
import { type Entry, entryOf } from "./entry.ts";
import type { CorpusEvent, Manifest } from "./schema.ts";

const BUSY_MS = 5000;

/** `sample` and `event` have their names in an index of its own: what is new is found without going over all that they say. */
const SAMPLE_TABLES = `
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
`;

type Cell = string | number | null;

/** The database of an index: its file, and how it is asked. */
export class Tables {
  private readonly database: Database.Database;
  /** By their text: what a statement holds is freed late, so each is prepared once. */
  private readonly statements = new Map<string, Database.Statement>();

  constructor(path: string) {
    this.database = new Database(path);
  }

  /** @param others tables beside those of samples and events */
  create(others: string): void {
    // A crash of the machine may cost the index, which is no loss.
    this.database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = ${BUSY_MS};`);
    this.database.exec(SAMPLE_TABLES + others);
  }

  close(): void {
    this.database.close();
  }

  readonly rows = (sql: string, values: readonly Cell[] = []): unknown[][] =>
    this.statement(sql)
      .raw()
      .all(...values) as unknown[][];

  readonly number = (sql: string, values: readonly Cell[] = []): number => Number(this.rows(sql, values)[0]![0]);

  readonly run = (sql: string, values: readonly Cell[] = []): void => {
    this.statement(sql).run(...values);
  };

  /** Many rows by one statement: a call for each would take most of the time. */
  readonly insert = (columns: string, rows: readonly (readonly Cell[])[]): void => {
    if (rows.length === 0) return;
    const picked = rows[0]!.map((_, i) => `json_extract(value, '$[${i}]')`).join(", ");
    this.run(`INSERT OR REPLACE INTO ${columns} SELECT ${picked} FROM json_each(?)`, [JSON.stringify(rows)]);
  };

  /** All of it or nothing. */
  readonly atOnce = (work: () => void): void => {
    this.run("BEGIN IMMEDIATE");
    try {
      work();
      this.run("COMMIT");
    } catch (error) {
      this.run("ROLLBACK");
      throw error;
    }
  };

  /**
   * Samples as they stand.
   * @param where a condition on a sample's id, given the column that holds it
   */
  entries(where: (id: string) => string, values: readonly string[]): Entry[] {
    const events = new Map<string, CorpusEvent[]>();
    for (const event of this.bodies<CorpusEvent>("event", where("sample"), values)) {
      const known = events.get(event.sample);
      if (known === undefined) events.set(event.sample, [event]);
      else known.push(event);
    }
    const manifests = this.bodies<Manifest>("sample", where("id"), values);
    return manifests.map((manifest) => entryOf(manifest, events.get(manifest.id) ?? []));
  }

  entriesOf(ids: readonly string[]): Entry[] {
    return this.entries((id) => `${id} IN (SELECT value FROM json_each(?))`, [JSON.stringify(ids)]);
  }

  /** All in one row: a row for each would take most of the time. */
  private bodies<T>(table: "sample" | "event", where: string, values: readonly string[]): T[] {
    const [joined] = this.rows(`SELECT group_concat(body) FROM ${table} WHERE ${where}`, values);
    return JSON.parse(`[${joined![0] ?? ""}]`) as T[];
  }

  private statement(sql: string): Database.Statement {
    const known = this.statements.get(sql) ?? this.database.prepare(sql);
    this.statements.set(sql, known);
    return known;
  }
}
