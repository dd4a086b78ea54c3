import { describe, expect, it } from "vitest";
import { type Confinement, confined, type EarlyEnd } from "./confined.ts";

const PROGRAM = "./confined.test.fixture.js";
const wide = () => ({ memoryBytes: 2 ** 29, deadline: Date.now() + 60_000, signal: new AbortController().signal });

async function outcome(
  job: string,
  limits: Confinement = wide(),
  take: (message: string) => Promise<void> = async () => {},
): Promise<{ end: EarlyEnd | null; messages: string[] }> {
  const messages: string[] = [];
  const end = await confined<string>(PROGRAM, job, limits, async (message) => {
    messages.push(message);
    await take(message);
  });
  return { end, messages };
}

describe("a confined process", () => {
  it.each([
    ["well", null],
    ["memory", "memory"],
    ["heap", "memory"],
    ["crash", "crash"],
    ["throw", "crash"],
  ])("%s: what was said before the end counts, and the end is told", async (job, why) => {
    const { end, messages } = await outcome(job, { ...wide(), memoryBytes: 200 * 2 ** 20 });
    expect([messages, end?.why ?? null]).toEqual([["one", "two"], why]);
    if (job === "throw") expect(end).toEqual({ why: "crash", said: expect.stringMatching(/a mistake\?/) });
  });

  it("has so much time, even where it never comes back", async () => {
    const { end, messages } = await outcome("loop", { ...wide(), deadline: Date.now() + 4000 });
    expect([messages, end]).toEqual([["one", "two"], { why: "time" }]);
  });

  it("ends when it is interrupted", async () => {
    const stop = new AbortController();
    const { end } = await outcome("loop", { ...wide(), signal: stop.signal }, async () => stop.abort());
    expect(end).toEqual({ why: "interrupted" });
  });

  it("ends when what it says can't be taken: a full disk, say", async () => {
    const failing = outcome("loop", wide(), () => Promise.reject(new Error("full")));
    await expect(failing).rejects.toThrow("full");
  });
});
