import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { removeTables, Tables } from "../corpus/files-tables.ts";
import type { Memory } from "./memory.ts";

/** Of what is held above this the older half is forgotten: a memory is there to save time. */
const MOST_BYTES = 256 * 2 ** 20;
const TABLE = `CREATE TABLE IF NOT EXISTS memory (at INTEGER PRIMARY KEY, key TEXT UNIQUE, value TEXT);`;

/** A memory that whoever opened it closes. */
export type FileMemory = Memory & { close(): void };

/** A memory in a file of SQLite, which is asked and never read whole. One that is damaged is begun anew. Throws `E_MEMORY` where it can't be written. */
export async function fileMemory(path: string, { mostBytes = MOST_BYTES } = {}): Promise<FileMemory> {
  const refuse = (error: unknown) => {
    throw new BlindspotError(
      { code: "E_MEMORY", subject: path, expected: "a file to write to", got: (error as Error).message },
      { cause: error },
    );
  };
  const tables = await opened(path, mostBytes).catch(refuse);
  // What comes while others wait to be written goes out with them.
  let waiting: [string, string][] = [];
  let writing: Promise<void> | null = null;
  const write = async () => {
    await new Promise(setImmediate);
    writing = null;
    const rows = waiting;
    waiting = [];
    try {
      tables.insert("memory (key, value)", rows);
    } catch (error) {
      refuse(error);
    }
  };
  return {
    get(key) {
      const [row] = tables.rows("SELECT value FROM memory WHERE key = ?", [sha256(key)]);
      return row === undefined ? undefined : (JSON.parse(String(row[0])) as unknown);
    },
    put(key, value) {
      waiting.push([sha256(key), JSON.stringify(value)]);
      writing ??= write();
      return writing;
    },
    close: () => tables.close(),
  };
}

async function opened(path: string, mostBytes: number): Promise<Tables> {
  await mkdir(dirname(path), { recursive: true });
  try {
    return trimmed(new Tables(path, TABLE), mostBytes);
  } catch {
    await removeTables(path);
    return new Tables(path, TABLE);
  }
}

function trimmed(tables: Tables, mostBytes: number): Tables {
  const pages = tables.number("PRAGMA page_count") - tables.number("PRAGMA freelist_count");
  if (pages * tables.number("PRAGMA page_size") > mostBytes)
    tables.run("DELETE FROM memory WHERE at <= (SELECT (MIN(at) + MAX(at)) / 2 FROM memory)");
  return tables;
}
