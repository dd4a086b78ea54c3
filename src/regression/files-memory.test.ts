import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileMemory } from "./files-memory.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-memory-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a memory in a file", () => {
  it("holds all that was put at once, and forgets no more than a line that was cut short", async () => {
    const path = join(folder, "deep", "one.jsonl");
    const first = await fileMemory(path);
    const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`);
    await Promise.all(keys.map((key, i) => first.put(key, { i })));
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -3));
    const second = await fileMemory(path);
    expect(keys.map((key) => second.get(key))).toEqual([...keys.slice(0, -1).map((_, i) => ({ i })), undefined]);
    await second.put("key 299", "again");
    expect((await fileMemory(path)).get("key 299")).toBe("again");
  });

  it("is begun anew where it grew too large", async () => {
    const path = join(folder, "large.jsonl");
    await (await fileMemory(path)).put("old", 1);
    truncateSync(path, 2 ** 28);
    const memory = await fileMemory(path);
    expect([memory.get("old"), statSync(path).size]).toEqual([undefined, 0]);
    await memory.put("new", 2);
    expect((await fileMemory(path)).get("new")).toBe(2);
  });

  it("says where it can't be written", async () => {
    await expect(fileMemory(folder)).rejects.toThrow("E_MEMORY");
  });
});
