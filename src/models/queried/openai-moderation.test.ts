import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { moderationTransport } from "./openai-moderation.ts";

/** Texts are answered by what stands in them: `flagged 0.7 violence 0.7`. */
const asked: unknown[] = [];
let broken = false;
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const { input } = JSON.parse(body) as { input: string[] };
  asked.push(input);
  const results = input.map((text) => ({
    flagged: broken ? "yes" : text.startsWith("flagged"),
    categories: {},
    category_scores: { violence: Number(/violence (\S+)/.exec(text)?.[1] ?? 0), "hate/threatening": 0.1 },
  }));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ id: "modr-1", model: "m", results }));
});
beforeAll(() => new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ask = async (classes: readonly string[], texts: readonly string[]) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/moderations`;
  const rows = texts.map(() => new Float32Array(1));
  const answer = await moderationTransport({ url, headers: {} }, classes).ask(
    { rows, points: rows, texts, shape: [1] },
    new AbortController().signal,
  );
  return (answer.scores as number[][]).map((row) => row.map((score) => Number(score.toFixed(6))));
};

describe("a moderation endpoint", () => {
  it("decides by its own flag, and says by the largest score how near it is", async () => {
    const texts = ["flagged violence 0.3", "fine violence 0.6", "flagged violence 0.9", "fine"];
    expect(await ask(["fine", "flagged"], texts)).toEqual([
      [0.35, 0.65],
      [0.7, 0.3],
      [0.05, 0.95],
      [0.95, 0.05],
    ]);
    expect(asked.at(-1)).toEqual(texts);
  });

  it("gives categories their scores, and the other class what is left", async () => {
    expect(await ask(["none", "violence", "hate/threatening"], ["violence 0.7"])).toEqual([[0.3, 0.7, 0.1]]);
    expect(await ask(["violence", "ok"], ["violence 0.7"])).toEqual([[0.7, 0.3]]);
  });

  it("names what it does not know", async () => {
    await expect(ask(["a", "b", "violence"], ["x"])).rejects.toThrow(/E_CLASSES .*hate\/threatening, got a, b/);
    broken = true;
    await expect(ask(["fine", "flagged"], ["x"])).rejects.toThrow(/E_ANSWER .*flagged and category_scores/);
  });
});
