import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { dataError } from "./problems.ts";

export interface SourceFile {
  /** Unpacked. */
  readonly bytes: Uint8Array;
  /** Of the file as it lies on the disk. */
  readonly sha256: string;
}

export function hashOf(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** One hash over several files, in this order. */
export function hashOfAll(hashes: readonly string[]): string {
  return hashOf(hashes.map((hash) => `${hash}\n`).join(""));
}

/** Reads a file of at most `maxBytes` (unpacked, if its name ends in .gz). */
export async function readSource(path: string, maxBytes: number): Promise<SourceFile> {
  let packed: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw tooLarge(path, maxBytes, `${size} bytes`);
    packed = new Uint8Array(await readFile(path));
  } catch (error) {
    throw readError(path, error);
  }
  const sha256 = hashOf(packed);
  if (!path.endsWith(".gz")) return { bytes: packed, sha256 };
  try {
    return { bytes: new Uint8Array(await promisify(gunzip)(packed, { maxOutputLength: maxBytes })), sha256 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw tooLarge(path, maxBytes, "more when unpacked");
    throw dataError(path, { code: "E_DATA_GZIP", expected: "a whole gzip file", got: (error as Error).message }, error);
  }
}

function tooLarge(path: string, maxBytes: number, got: string): Error {
  return dataError(path, { code: "E_DATA_SIZE", expected: `at most ${maxBytes} bytes`, got });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "nothing of this name",
  ENOTDIR: "a path through something that is no folder",
  EISDIR: "a folder",
  EACCES: "no permission to read it",
};

/** An error of the file system as a message for users; a BlindspotError passes. */
export function readError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return dataError(
    path,
    { code: "E_DATA_READ", expected: "a readable file or folder", got: REASONS[code] ?? code },
    error,
  );
}
