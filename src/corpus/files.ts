import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BlindspotError } from "../base/errors.ts";
import type { CorpusFolder } from "./folder.ts";

/** Files that are being written; ignored by git. On the same file system as their final places. */
const UNFINISHED = ".tmp";
/** What a killed writer left is removed after this long. */
const STALE_MS = 60 * 60 * 1000;

/**
 * A corpus in a folder of the disk. A file is written under a random name, flushed, renamed, and its folder flushed: a crash, a full disk
 * or a second writer leave the whole file or none. Links are neither followed nor written through: a corpus may come from anybody.
 */
export async function diskFolder(directory: string): Promise<CorpusFolder> {
  await removeStale(join(directory, UNFINISHED));
  const checked = new Set<string>();
  /** The folder of a file, made if need be; level by level, so that no link on the way leads elsewhere. */
  const folderOf = async (path: string): Promise<string> => {
    const known = join(directory, path, "..");
    if (checked.has(known)) return known;
    await mkdir(directory, { recursive: true });
    let folder = directory;
    for (const level of path.split("/").slice(0, -1)) {
      folder = join(folder, level);
      if (checked.has(folder)) continue;
      await mkdir(folder).catch(unlessThere);
      if (!(await lstat(folder)).isDirectory())
        throw new BlindspotError({
          code: "E_CORPUS_LINK",
          subject: folder,
          expected: "a folder of the corpus itself",
          got: "a link, or a file",
        });
      checked.add(folder);
    }
    return folder;
  };
  return {
    name: directory,
    async list(folder) {
      try {
        return (await readdir(join(directory, folder))).sort();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ENOTDIR") return [];
        throw diskError(error, join(directory, folder));
      }
    },
    read: (path, limit) => readRegular(join(directory, path), limit),
    async write(path, bytes) {
      const final = join(directory, path);
      try {
        const folder = await folderOf(path);
        const temporary = join(await folderOf(`${UNFINISHED}/x`), randomBytes(16).toString("hex"));
        await writeDurably(temporary, final, bytes);
        await syncFolder(folder);
      } catch (error) {
        throw diskError(error, final);
      }
    },
    async remove(path) {
      try {
        const folder = await folderOf(path);
        await rm(join(directory, path), { force: true });
        await syncFolder(folder);
      } catch (error) {
        throw diskError(error, join(directory, path));
      }
    },
  };
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function writeDurably(temporary: string, final: string, bytes: Uint8Array): Promise<void> {
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, final);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** A rename survives a power cut once its folder is flushed. Some systems can't open folders; there nothing is lost but that promise. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  if (handle === null) return;
  await handle.sync().catch(() => {});
  await handle.close();
}

async function removeStale(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    const age = Date.now() - ((await lstat(path).catch(() => null))?.mtimeMs ?? Date.now());
    if (age > STALE_MS) await rm(path, { force: true }).catch(() => {});
  }
}

/** The bytes of an ordinary file; null where there is none. A pipe or a device is not waited for. */
async function readRegular(path: string, limit: number): Promise<Uint8Array | null> {
  const refuse = (expected: string, got: string) =>
    new BlindspotError({ code: "E_CORPUS_FILE", subject: path, expected, got });
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    const handle = await open(path, flags);
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) throw refuse("an ordinary file", "a folder, or something special");
      if (facts.size > limit) throw refuse(`at most ${limit} bytes`, `${facts.size}`);
      return await contentOf(handle, facts.size);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    if (code === "ELOOP") throw refuse("an ordinary file", "a link");
    throw diskError(error, path);
  }
}

/** As many bytes as there were, in one call for most files: `readFile` would ask for the size again. */
async function contentOf(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(bytes, at, size - at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}

function diskError(error: unknown, subject: string): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof BlindspotError || code === undefined) return error as Error;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new BlindspotError(
    full
      ? {
          code: "E_DISK_FULL",
          subject,
          got: "no space left to write",
          hint: "What was stored before is whole. Free some space and run the same command again",
        }
      : { code: "E_CORPUS_DISK", subject, got: message },
    { cause: error },
  );
}

/** Whether there is a folder of this name. */
export async function isFolder(directory: string): Promise<boolean> {
  return (await stat(directory).catch(() => null))?.isDirectory() ?? false;
}
