import { appendFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BlindspotError } from "../base/errors.ts";
import type { Memory } from "./memory.ts";

/** Larger files are begun anew: a memory is there to save time. */
const MOST_BYTES = 256 * 2 ** 20;

/**
 * A memory in one file of JSON Lines, to which each answer is appended. Lines that can't be read (a crash cut them short) are forgotten, so
 * each begins on a line of its own.
 */
export async function fileMemory(path: string): Promise<Memory> {
  const values = new Map<string, unknown>();
  const bytes = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  const isKept = bytes < MOST_BYTES;
  const text = isKept ? await readFile(path, "utf8").catch(() => "") : "";
  for (const line of text.split("\n")) {
    const entry = entryOf(line);
    if (entry !== null) values.set(...entry);
  }
  try {
    await mkdir(dirname(path), { recursive: true });
    // Also a first proof that it can be written.
    await writeFile(path, "", { flag: isKept ? "a" : "w" });
  } catch (error) {
    throw new BlindspotError(
      { code: "E_MEMORY", subject: path, expected: "a file to write to", got: (error as Error).message },
      { cause: error },
    );
  }
  // What comes while a write is under way goes out together.
  let waiting = "";
  let writing: Promise<void> | null = null;
  const write = async () => {
    try {
      while (waiting !== "") {
        const lines = waiting;
        waiting = "";
        await appendFile(path, lines);
      }
    } finally {
      writing = null;
    }
  };
  return {
    get: (key) => values.get(key),
    put(key, value) {
      values.set(key, value);
      waiting += `\n${JSON.stringify([key, value])}`;
      writing ??= write();
      return writing;
    },
  };
}

function entryOf(line: string): [string, unknown] | null {
  if (line === "") return null;
  try {
    const [key, value] = JSON.parse(line) as [unknown, unknown];
    return typeof key === "string" ? [key, value] : null;
  } catch {
    return null;
  }
}
