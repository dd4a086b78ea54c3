import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
  it("holds all that was put at once, the last where there are several, whoever put it", async () => {
    const path = join(folder, "deep", "memory.sqlite");
    const [first, second] = [await fileMemory(path), await fileMemory(path)];
    const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`);
    await Promise.all(keys.map((key, i) => (i % 2 ? first : second).put(key, { i })));
    expect(keys.map((key) => second.get(key))).toEqual(keys.map((_, i) => ({ i })));
    expect(first.get("another")).toBeUndefined();
    await first.put("key 299", "again");
    first.close();
    second.close();
    const third = await fileMemory(path);
    expect(third.get("key 299")).toBe("again");
    third.close();
  });

  it("forgets the older half where it grew too large, and goes on", async () => {
    const path = join(folder, "large.sqlite");
    const put = async (from: number) => {
      const memory = await fileMemory(path, { mostBytes: 200_000 });
      for (let i = from; i < from + 100; i++) await memory.put(`key ${i}`, "x".repeat(1500));
      memory.close();
    };
    for (const from of [0, 100, 200]) await put(from);
    const memory = await fileMemory(path, { mostBytes: 200_000 });
    const held = Array.from({ length: 300 }, (_, i) => memory.get(`key ${i}`) !== undefined);
    expect(held.slice(0, 100)).not.toContain(true);
    expect(held.slice(-50)).not.toContain(false);
    memory.close();
  });

  it("begins anew where the file is damaged", async () => {
    const path = join(folder, "damaged.sqlite");
    writeFileSync(path, "no database, but long enough to look like one. ".repeat(100));
    const memory = await fileMemory(path);
    await memory.put("new", 2);
    expect(memory.get("new")).toBe(2);
    memory.close();
    expect(existsSync(path)).toBe(true);
  });

  it("says so where it can't be written", async () => {
    await expect(fileMemory(folder)).rejects.toThrow("E_MEMORY");
  });
});
