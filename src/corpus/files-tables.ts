import { rm } from "node:fs/promises";
import Database from "libsql";

const BUSY_MS = 5000;

export type Cell = string | number | null;

/** A SQLite file that holds nothing which could not be found again, and how it is asked. */
export class Tables {
  private readonly database: Database.Database;
  /** By their text: what a statement holds is freed late, so each is prepared once. */
  private readonly statements = new Map<string, Database.Statement>();

  /** @param schema tables, made where they are missing */
  constructor(path: string, schema: string) {
    this.database = new Database(path);
    try {
      // A crash of the machine may cost the file, which is no loss.
      this.database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = ${BUSY_MS};`);
      this.database.exec(schema);
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  close(): void {
    // What is still read would hold back what others write.
    if (this.database.inTransaction) this.run("COMMIT");
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
      // A full disk ends it by itself.
      if (this.database.inTransaction) this.run("ROLLBACK");
      throw error;
    }
  };

  private statement(sql: string): Database.Statement {
    const known = this.statements.get(sql) ?? this.database.prepare(sql);
    this.statements.set(sql, known);
    return known;
  }
}

/** Whether it is the file's fault, not the caller's: damaged, locked, of another program. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && /sqlite/i.test(`${error.name} ${(error as { code?: string }).code ?? ""}`);
}

/** Removes the file, and what SQLite keeps beside it. */
export async function removeTables(path: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
}
