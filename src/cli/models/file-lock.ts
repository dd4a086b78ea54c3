import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { BlindspotError } from "../../base/errors.ts";

const holderSchema = z.object({ pid: z.int().positive(), host: z.string() });
type Holder = z.infer<typeof holderSchema>;

/** Locks of this process: a file that names its number and is none of these was left by an earlier process of the same number. */
const own = new Set<string>();

/**
 * Keeps other processes from `path` until it is released. The lock is a file beside it that names process and host. One that a dead process of this
 * host has left is taken over; of another host nobody can tell here. Throws `E_LOCKED` where somebody has it.
 */
export function lockFile(path: string): () => void {
  const lock = `${path}.lock`;
  if (!take(lock)) {
    const holder = holderOf(lock);
    if (own.has(lock) || holder === null || !isDead(holder)) throw locked(path, lock, holder);
    takeOver(path, lock, holder);
  }
  own.add(lock);
  return () => {
    if (own.delete(lock)) rmSync(lock, { force: true });
  };
}

/** The lock appears with its content, or not at all. */
function take(lock: string): boolean {
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, `${JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder)}\n`);
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Of two who take over at once, the second finds that what it has moved away is no longer what the dead process left. */
function takeOver(path: string, lock: string, dead: Holder): void {
  const aside = `${lock}.${process.pid}.dead`;
  try {
    renameSync(lock, aside);
    const moved = holderOf(aside);
    if (moved?.pid !== dead.pid || moved.host !== dead.host) {
      linkSync(aside, lock);
      throw locked(path, lock, moved);
    }
  } catch (error) {
    // Somebody else was quicker.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  if (!take(lock)) throw locked(path, lock, holderOf(lock));
}

/** Null where it says nothing of a process, or is gone. */
function holderOf(lock: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(lock, "utf8")));
  } catch {
    return null;
  }
}

function isDead({ pid, host }: Holder): boolean {
  if (host !== hostname()) return false;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function locked(path: string, lock: string, holder: Holder | null): BlindspotError {
  return new BlindspotError({
    code: "E_LOCKED",
    subject: path,
    expected: "one process at a time",
    got: holder === null ? "a lock that another process holds" : `process ${holder.pid} on ${holder.host} at work`,
    hint: `Wait until it has ended, or give another --out. If there is no such process any more, remove ${lock}`,
  });
}
