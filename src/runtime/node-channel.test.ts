import { describe, expect, it } from "vitest";
import { Channel } from "./node-channel.ts";

/** A worker whose reaction to its first request is this code. */
function workerThat(reacts: string): URL {
  const code = `import { parentPort } from "node:worker_threads"; parentPort.on("message", (request) => { ${reacts} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

describe("a worker that dies", () => {
  it.each([
    ["throws", `throw new Error("boom")`, /boom/],
    ["exits", `process.exit(7)`, /ended with code 7/],
    ["runs out of memory", `const hoard = []; for (;;) hoard.push(new Array(1e6).fill(request))`, /memory/],
  ])("and %s fails its requests instead of hanging", async (_, reacts, message) => {
    const channel = new Channel(workerThat(reacts), { maxOldGenerationSizeMb: 32 });
    const requests = [channel.request({ kind: "hello" }), channel.request({ kind: "hello" })];
    const outcomes = await Promise.allSettled(requests);
    for (const outcome of outcomes) {
      expect(outcome.status).toBe("rejected");
      expect((outcome as PromiseRejectedResult).reason).toMatchObject({ code: "E_RUNTIME_WORKER", exitCode: 3 });
      expect(String((outcome as PromiseRejectedResult).reason)).toMatch(message);
    }
    expect(channel.alive).toBe(false);
    await expect(channel.request({ kind: "hello" })).rejects.toMatchObject({ code: "E_RUNTIME_WORKER" });
  });

  it("is told apart from one that was ended on purpose", async () => {
    const channel = new Channel(workerThat("for (;;);"));
    const request = channel.request({ kind: "hello" });
    const failure = expect(request).rejects.toThrow(/runtime was closed/);
    await channel.terminate();
    await failure;
  });
});
