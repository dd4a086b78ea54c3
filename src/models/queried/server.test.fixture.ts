import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { plainPng } from "../../inputs/png.ts";

/** One request as the server saw it. */
export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
  /** Rows that were asked, flat. */
  readonly rows: readonly (readonly number[])[];
}

/** What happens instead of an answer, by the number of the request from 0 (metadata apart); undefined: the answer. */
export type Mischief = (request: number, seen: Seen) => Reaction | undefined;
export type Reaction =
  | "hang"
  | "cut"
  /** A byte now and then. */
  | "drip"
  | {
      readonly status?: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
      readonly afterMs?: number;
    };

export interface TestServer {
  readonly url: string;
  /** Questions, in the order in which they came. */
  readonly asked: Seen[];
  mischief: Mischief;
  /** Scores of one row. */
  classify: (row: readonly number[]) => number[];
  rowsAsked(): number;
  close(): Promise<void>;
}

/** 1 on the left half of a 4x4 image, -1 on the right: as in the model of halves. */
export function halvesLogits(row: ArrayLike<number>): number[] {
  let z = 0;
  for (let i = 0; i < 16; i++) z += (i % 4 < 2 ? 1 : -1) * row[i]!;
  return [z, -z];
}

/**
 * A real server on the loopback interface. `/v2/models/halves` speaks the Open Inference Protocol, `/many`, `/one`, `/images` and `/records` custom JSON,
 * `/label` gives labels only. Close it.
 */
export async function startServer(): Promise<TestServer> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const state: TestServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    mischief: () => undefined,
    classify: halvesLogits,
    rowsAsked: () => state.asked.reduce((sum, { rows }) => sum + rows.length, 0),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return state;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const part of request) text += part;
    const path = request.url!;
    if (request.method === "GET") return reply(response, 200, JSON.stringify(METADATA));
    const body = JSON.parse(text) as Record<string, unknown>;
    const rows = await rowsOf(path, body);
    const seen = { path, headers: request.headers, body, rows };
    state.asked.push(seen);
    const reaction = state.mischief(state.asked.length - 1, seen);
    const answer = JSON.stringify(answerOf(path, rows.map(state.classify)));
    if (reaction === undefined) return reply(response, 200, answer);
    if (reaction === "hang") return;
    if (reaction === "drip") {
      response.writeHead(200, { "content-type": "application/json" });
      let at = 0;
      const timer = setInterval(() => response.write(answer[at++] ?? " "), 50);
      return void response.on("close", () => clearInterval(timer));
    }
    if (reaction === "cut") {
      response.writeHead(200, { "content-type": "application/json", "content-length": String(answer.length) });
      response.write(answer.slice(0, answer.length / 2));
      return void setTimeout(() => response.destroy(), 10);
    }
    const { status = 200, headers, body: other = answer, afterMs = 0 } = reaction;
    setTimeout(() => reply(response, status, other, headers), afterMs);
  }
}

const METADATA = {
  name: "halves",
  inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1, 4, 4] }],
  outputs: [{ name: "logits", datatype: "FP32", shape: [-1, 2] }],
};

function reply(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
}

const flat = (value: unknown) => (value as unknown[]).flat(9) as number[];

async function rowsOf(path: string, body: Record<string, unknown>): Promise<number[][]> {
  if (path.startsWith("/images"))
    return Promise.all((body["instances"] as { b64: string }[]).map(({ b64 }) => pixels(b64)));
  if (path.startsWith("/one") || path.startsWith("/label")) return [flat(body["x"])];
  if (path.startsWith("/records")) return (body["inputs"] as object[]).map((record) => Object.values(record));
  if (path.startsWith("/many")) return (body["instances"] as unknown[]).map(flat);
  const [{ shape, data }] = body["inputs"] as [{ shape: number[]; data: number[] }];
  return Array.from({ length: shape[0]! }, (_, i) => data.slice(16 * i, 16 * (i + 1)));
}

function answerOf(path: string, scores: readonly number[][]): unknown {
  const label = (row: readonly number[]) => (row[0]! >= row[1]! ? "left" : "right");
  if (path.startsWith("/label")) return { result: { label: label(scores[0]!) } };
  if (path.startsWith("/one")) return { result: { scores: { left: scores[0]![0], right: scores[0]![1] } } };
  if (path.startsWith("/many") || path.startsWith("/images"))
    return { predictions: scores.map((row) => ({ scores: row })) };
  return { outputs: [{ name: "logits", datatype: "FP32", shape: [scores.length, 2], data: scores.flat() }] };
}

/** Of a data URI or of plain base64, in 0..1. */
async function pixels(text: string): Promise<number[]> {
  const { data } = await plainPng.decode(
    new Uint8Array(Buffer.from(text.replace(/^data:image\/png;base64,/, ""), "base64")),
  );
  return Array.from(data, (level) => level / 255);
}
