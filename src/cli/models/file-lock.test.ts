import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { lockFile } from "./file-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "blindspot-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const leave = (file: string, holder: unknown) => writeFileSync(join(folder, `${file}.lock`), JSON.stringify(holder));
/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ["--version"]).pid;

it("is held by one, and free when that one is done", () => {
  const path = join(folder, "a");
  const release = lockFile(path);
  expect(JSON.parse(readFileSync(`${path}.lock`, "utf8"))).toEqual({ pid: process.pid, host: hostname() });
  expect(() => lockFile(path)).toThrow(`E_LOCKED ${path}: expected one process at a time, got process ${process.pid}`);
  release();
  release();
  lockFile(path)();
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ["a dead process of this host", () => ({ pid: deadPid(), host: hostname() })],
  ["an earlier process of our own number", () => ({ pid: process.pid, host: hostname() })],
])("is taken over from %s", (_, holder) => {
  const path = join(folder, "b");
  leave("b", holder());
  const release = lockFile(path);
  expect(() => lockFile(path)).toThrow(/E_LOCKED/);
  release();
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ["another host", { pid: 1, host: "elsewhere" }, /got process 1 on elsewhere at work\. .*remove .*c\.lock/],
  ["somebody else's process", { pid: 1, host: hostname() }, /got process 1 on /],
  ["who knows", {}, /got a lock that another process holds/],
])("is not taken from %s", (_, holder, message) => {
  leave("c", holder);
  expect(() => lockFile(join(folder, "c"))).toThrow(message);
  rmSync(join(folder, "c.lock"));
});

it("is not taken from a living process, and is when that one is killed", async () => {
  const path = join(folder, "d");
  const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  await once(other, "spawn");
  leave("d", { pid: other.pid, host: hostname() });
  expect(() => lockFile(path)).toThrow(`got process ${other.pid} on ${hostname()} at work`);
  other.kill("SIGKILL");
  await once(other, "exit");
  lockFile(path)();
  expect(existsSync(`${path}.lock`)).toBe(false);
});
