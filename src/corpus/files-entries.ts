import { type Entry, entryOf } from "./entry.ts";
import type { Tables } from "./files-tables.ts";
import type { CorpusEvent, Manifest } from "./schema.ts";

/**
 * `sample` and `event` have their names in an index of its own: what is new is found without going over all that they say. `facet_count` and
 * `first_in_cell` are what `facet` comes to: kept with it, since counting takes longer the more there is.
 */
export const SAMPLE_TABLES = `
  CREATE TABLE IF NOT EXISTS shard (name TEXT PRIMARY KEY, samples REAL, events REAL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sample (id TEXT PRIMARY KEY, body TEXT);
  CREATE TABLE IF NOT EXISTS event (name TEXT PRIMARY KEY, sample TEXT, body TEXT);
  CREATE INDEX IF NOT EXISTS event_sample ON event (sample);
  CREATE TABLE IF NOT EXISTS odd (path TEXT PRIMARY KEY, damaged INTEGER, said TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entry (id TEXT PRIMARY KEY, since TEXT, living INTEGER, model TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entry_since ON entry (since DESC, id);
  CREATE TABLE IF NOT EXISTS facet (name TEXT, value TEXT, id TEXT, PRIMARY KEY (name, value, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS facet_id ON facet (id);
  CREATE TABLE IF NOT EXISTS facet_count (name TEXT, value TEXT, samples INTEGER, PRIMARY KEY (name, value)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS first_in_cell
    (name TEXT, value TEXT, id TEXT, since TEXT, model TEXT, PRIMARY KEY (name, value)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS first_in_cell_id ON first_in_cell (id);
  CREATE TABLE IF NOT EXISTS failed (id TEXT, model TEXT, name TEXT, at TEXT);
  CREATE INDEX IF NOT EXISTS failed_id ON failed (id);
  CREATE INDEX IF NOT EXISTS failed_model ON failed (model, name, at);
`;

/**
 * Samples as they stand.
 * @param where a condition on a sample's id, given the column that holds it
 */
export function entriesWhere(tables: Tables, where: (id: string) => string, values: readonly string[]): Entry[] {
  const events = new Map<string, CorpusEvent[]>();
  for (const event of bodies<CorpusEvent>(tables, "event", where("sample"), values)) {
    const known = events.get(event.sample);
    if (known === undefined) events.set(event.sample, [event]);
    else known.push(event);
  }
  const manifests = bodies<Manifest>(tables, "sample", where("id"), values);
  return manifests.map((manifest) => entryOf(manifest, events.get(manifest.id) ?? []));
}

export function entriesOf(tables: Tables, ids: readonly string[]): Entry[] {
  return entriesWhere(tables, (id) => `${id} IN (SELECT value FROM json_each(?))`, [JSON.stringify(ids)]);
}

/** All in one row: a row for each would take most of the time. */
function bodies<T>(tables: Tables, table: "sample" | "event", where: string, values: readonly string[]): T[] {
  const [joined] = tables.rows(`SELECT group_concat(body) FROM ${table} WHERE ${where}`, values);
  return JSON.parse(`[${joined![0] ?? ""}]`) as T[];
}
