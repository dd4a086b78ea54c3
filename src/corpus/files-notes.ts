import type { Entry, Trust } from "./entry.ts";
import { entriesOf } from "./files-entries.ts";
import { isDatabaseError, type Tables } from "./files-tables.ts";
import type { Note, Notes } from "./notes.ts";

export const NOTE_TABLES = `
  CREATE TABLE IF NOT EXISTS purpose (id INTEGER PRIMARY KEY, name TEXT UNIQUE, used INTEGER);
  CREATE TABLE IF NOT EXISTS note_kind (id INTEGER PRIMARY KEY, said TEXT UNIQUE);
  CREATE TABLE IF NOT EXISTS note
    (purpose INTEGER, id TEXT, part TEXT, kind INTEGER, place TEXT, refers TEXT, body TEXT, PRIMARY KEY (purpose, id, part)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS note_by_kind ON note (purpose, kind);
  CREATE INDEX IF NOT EXISTS note_by_place ON note (purpose, place) WHERE place IS NOT NULL;
  CREATE INDEX IF NOT EXISTS note_by_refers ON note (purpose, refers) WHERE refers IS NOT NULL;
`;

/** Purposes whose notes are kept: those used last. */
const KEPT = 3;
/** Samples that are told at once. */
const PAGE = 2000;
/** Notes that are read at once: few, where a reader may stop early, then more. */
const FIRST = 32;

/** Forgets what was worked out about samples that changed, or are gone. */
export function dropNotes(tables: Tables, ids: readonly string[]): void {
  tables.run("DELETE FROM note WHERE purpose IN (SELECT id FROM purpose) AND id IN (SELECT value FROM json_each(?))", [
    JSON.stringify(ids),
  ]);
}

/** Notes in the index of a corpus. */
export class IndexedNotes implements Notes {
  private readonly tables: Tables;
  private readonly purpose: number;

  constructor(tables: Tables, purpose: string) {
    this.tables = tables;
    let id = -1;
    tables.atOnce(() => {
      tables.run("INSERT OR IGNORE INTO purpose (name) VALUES (?)", [purpose]);
      tables.run("UPDATE purpose SET used = (SELECT COALESCE(MAX(used), 0) + 1 FROM purpose) WHERE name = ?", [
        purpose,
      ]);
      id = tables.number("SELECT id FROM purpose WHERE name = ?", [purpose]);
      for (const [old] of tables.rows("SELECT id FROM purpose ORDER BY used DESC LIMIT -1 OFFSET ?", [KEPT])) {
        tables.run("DELETE FROM note WHERE purpose = ?", [Number(old)]);
        tables.run("DELETE FROM purpose WHERE id = ?", [Number(old)]);
      }
      const gone =
        "SELECT id FROM note WHERE purpose = ? AND refers IS NOT NULL AND refers NOT IN (SELECT id FROM sample)";
      tables.run(`DELETE FROM note WHERE purpose = ? AND id IN (${gone})`, [id, id]);
    });
    this.purpose = id;
  }

  *missing(states: readonly Trust[]): Generator<readonly Entry[]> {
    let last = "";
    for (;;) {
      const ids = this.tables
        .rows(
          `SELECT id FROM facet f WHERE name = 'trust' AND value IN (SELECT value FROM json_each(?)) AND id > ?
             AND NOT EXISTS (SELECT 1 FROM note n WHERE n.purpose = ? AND n.id = f.id) ORDER BY id LIMIT ${PAGE}`,
          [JSON.stringify(states), last, this.purpose],
        )
        .map(([id]) => String(id));
      if (ids.length === 0) return;
      last = ids.at(-1)!;
      yield entriesOf(this.tables, ids);
    }
  }

  put(notes: readonly Note[]): boolean {
    if (notes.length === 0) return true;
    try {
      this.tables.atOnce(() => this.write(notes));
      return true;
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      return false;
    }
  }

  counts() {
    const said = new Map(this.kinds());
    return this.tables
      .rows("SELECT kind, COUNT(*) FROM note WHERE purpose = ? GROUP BY kind", [this.purpose])
      .map(([kind, notes]) => ({ kind: said.get(Number(kind))!, notes: Number(notes) }));
  }

  *bodies(kinds: readonly string[]): Generator<string> {
    const ids = this.numbersOf(kinds);
    let after = ["", ""];
    for (let page = FIRST; ; page = Math.min(4 * page, PAGE)) {
      // Few are of some kinds: found by kind, and only then read.
      const rows = this.tables.rows(
        `SELECT n.id, n.part, n.body FROM (SELECT id, part FROM note INDEXED BY note_by_kind
           WHERE purpose = ? AND kind IN (SELECT value FROM json_each(?)) AND (id, part) > (?, ?) ORDER BY id, part LIMIT ?) one
         CROSS JOIN note n ON n.purpose = ? AND n.id = one.id AND n.part = one.part ORDER BY n.id, n.part`,
        [this.purpose, ids, ...after, page, this.purpose],
      );
      for (const [, , body] of rows) yield String(body);
      if (rows.length < page) return;
      after = rows.at(-1)!.slice(0, 2).map(String);
    }
  }

  keys(kinds: readonly string[]): (readonly [id: string, part: string])[] {
    // All in one row: a row for each would take most of the time.
    const [row] = this.tables.rows(
      `SELECT json_group_array(id), json_group_array(part) FROM note INDEXED BY note_by_kind
         WHERE purpose = ? AND kind IN (SELECT value FROM json_each(?))`,
      [this.purpose, this.numbersOf(kinds)],
    );
    const [ids, parts] = row!.map((column) => JSON.parse(String(column)) as string[]);
    return ids!.map((id, i) => [id, parts![i]!]);
  }

  joined(prefix: string, separator: string): Uint8Array | null {
    const [row] = this.tables.rows(
      `SELECT CAST(group_concat(body, ?) AS BLOB) FROM
         (SELECT body FROM note WHERE purpose = ? AND id >= ? AND id < ? ORDER BY id, part)`,
      [separator, this.purpose, prefix, `${prefix}g`],
    );
    return row![0] as Uint8Array | null;
  }

  at(place: string): string | null {
    const [row] = this.tables.rows("SELECT MAX(id) FROM note WHERE purpose = ? AND place = ?", [this.purpose, place]);
    return row![0] === null ? null : String(row![0]);
  }

  freeze(): void {
    this.tables.run("BEGIN");
    this.counts();
  }

  thaw(): void {
    this.tables.run("COMMIT");
  }

  private write(notes: readonly Note[]): void {
    this.tables.run("INSERT OR IGNORE INTO note_kind (said) SELECT DISTINCT value FROM json_each(?)", [
      JSON.stringify([...new Set(notes.map(({ kind }) => kind))]),
    ]);
    const kinds = new Map(this.kinds().map(([id, said]) => [said, id]));
    this.tables.insert(
      "note (purpose, id, part, kind, place, refers, body)",
      notes.map((one) => [this.purpose, one.id, one.part, kinds.get(one.kind)!, one.place, one.refers, one.body]),
    );
  }

  private numbersOf(kinds: readonly string[]): string {
    const wanted = new Set(kinds);
    return JSON.stringify(this.kinds().flatMap(([id, said]) => (wanted.has(said) ? [id] : [])));
  }

  private kinds(): [id: number, said: string][] {
    return this.tables.rows("SELECT id, said FROM note_kind").map(([id, said]) => [Number(id), String(said)]);
  }
}
