import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { halvesLogits, startServer, type TestServer } from "../../models/queried/server.test.fixture.ts";
import { MAIN, requireBuilt } from "../built.test.fixture.ts";

const REQUEST_ROWS = 8;
const CONCURRENCY = 3;
const PROBES = 4;
const ROWS = 640;
const folder = mkdtempSync(join(tmpdir(), "blindspot-kill-"));
const built = (path: string) => pathToFileURL(MAIN.replace(/cli[\\/]main\.js$/, path)).href;

/** Asks a target about so many rows, as an attack would: some at once, each a while after the last. */
const CHILD = `
import { openJournal } from "${built("cli/models/journal-file.js")}";
import { arrange } from "${built("models/arrangement.js")}";
import { jsonTransport, PLAIN_ROWS, parseTemplate } from "${built("models/queried/json-template.js")}";
import { openQueried } from "${built("models/queried/queried-classifier.js")}";
const [url, journal, maxQueries] = process.argv.slice(2);
const template = parseTemplate({ request: { instances: "$inputs" }, scores: "$.predictions[*].scores" }, "t", PLAIN_ROWS);
const row = (i) => new Float32Array(16).map((_, j) => (i * 16 + j) / 65536);
const model = await openQueried({
  transport: jsonTransport({ url: url + "/many", headers: {} }, template, PLAIN_ROWS),
  journal: openJournal(journal, "target"),
  arrangement: arrange("input", ["", 16], { dims: [16] }),
  preprocessing: { units: { kind: "scale", low: [0], high: [1] }, reverseChannels: false },
  classes: null,
  asking: { timeoutMs: 10000, retries: 3, rate: Infinity, concurrency: ${CONCURRENCY}, requestRows: ${REQUEST_ROWS}, maxQueries: Number(maxQueries) },
  probes: Array.from({ length: ${PROBES} }, (_, i) => row(4000 + i)),
});
let next = 0;
let sum = 0;
await Promise.all(Array.from({ length: ${CONCURRENCY} + 2 }, async () => {
  while (next < ${ROWS}) {
    const from = next;
    next += ${REQUEST_ROWS};
    const data = new Float32Array(16 * ${REQUEST_ROWS});
    for (let i = 0; i < ${REQUEST_ROWS}; i++) data.set(row(from + i), 16 * i);
    for (const score of await model.scores({ data, count: ${REQUEST_ROWS} })) sum += Math.abs(score);
  }
}));
console.log(JSON.stringify({ queries: model.asked.queries, sum }));
await model.close();
`;

let server: TestServer;
beforeAll(async () => {
  requireBuilt();
  writeFileSync(join(folder, "child.mjs"), CHILD);
  server = await startServer();
});
beforeEach(() => {
  server.asked.length = 0;
  server.mischief = () => ({ afterMs: 3 });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(journal: string, maxQueries: number) {
  const child: ChildProcess = spawn(process.execPath, [
    join(folder, "child.mjs"),
    server.url,
    join(folder, journal),
    String(maxQueries),
  ]);
  let said = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  const ended = new Promise<{ code: number | null; said: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, said })),
  );
  return { child, ended };
}

/** Waits until the server has seen so many rows, and kills at once. */
async function killAt(rows: number, { child, ended }: ReturnType<typeof start>): Promise<void> {
  while (server.rowsAsked() < rows && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  child.kill("SIGKILL");
  expect((await ended).code).toBeNull();
}

/** How often each row was asked, probes apart. */
function timesAsked(): number[] {
  const times = new Map<string, number>();
  for (const row of server.asked.flatMap(({ rows }) => rows))
    if (row[0]! < 4000 / 4096) times.set(row.join(), (times.get(row.join()) ?? 0) + 1);
  return [...times.values()];
}

describe("SIGKILL", () => {
  const KILLS = 4;

  it("at random moments: no answer is paid for twice, nothing is lost, the budget holds", async () => {
    const rng = Rng.of(11).fold("kills");
    const inFlight = CONCURRENCY * REQUEST_ROWS;
    const budget = ROWS + KILLS * (PROBES + inFlight) + 2 * PROBES;
    for (let kill = 0; kill < KILLS; kill++) {
      const left = ROWS - timesAsked().length;
      const moment = server.rowsAsked() + 1 + rng.integer(Math.floor(left / 2));
      await killAt(moment, start("killed.jsonl", budget));
    }
    const { code, said } = await start("killed.jsonl", budget).ended;
    expect(code, said).toBe(0);
    const times = timesAsked();
    expect(times.length).toBe(ROWS);
    // Asked again: only what was on its way when it was killed.
    expect(times.reduce((sum, n) => sum + n - 1, 0)).toBeLessThanOrEqual(KILLS * inFlight);
    const { queries, sum } = JSON.parse(said) as { queries: number; sum: number };
    // What was written down may not have left: counts err on the safe side.
    expect(queries).toBeGreaterThanOrEqual(server.rowsAsked());
    expect(queries - server.rowsAsked()).toBeLessThanOrEqual(KILLS * inFlight);
    expect(server.rowsAsked()).toBeLessThanOrEqual(budget);
    // Every value is a multiple of 2^-16: the sum is exact in any order.
    const points = Array.from({ length: ROWS }, (_, i) => Array.from({ length: 16 }, (_, j) => (i * 16 + j) / 65536));
    expect(sum).toBe(points.flatMap(halvesLogits).reduce((total, z) => total + Math.abs(z), 0));
  });

  it("over and over: the budget is never exceeded", async () => {
    const budget = 150;
    for (const moment of [30, 100]) await killAt(moment, start("budget.jsonl", budget));
    const { code, said } = await start("budget.jsonl", budget).ended;
    expect(code).toBe(1);
    expect(said).toMatch(/E_BUDGET/);
    expect(server.rowsAsked()).toBeLessThanOrEqual(budget);
  });

  it("leaves a lock that the next process takes over; a living process keeps it", async () => {
    server.mischief = () => "hang";
    const first = start("lock.jsonl", 1e6);
    while (server.rowsAsked() === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await start("lock.jsonl", 1e6).ended).said).toMatch(/E_LOCKED .*lock\.jsonl/);
    first.child.kill("SIGKILL");
    await first.ended;
    server.mischief = () => undefined;
    expect(existsSync(join(folder, "lock.jsonl.lock"))).toBe(true);
    const { code, said } = await start("lock.jsonl", 1e6).ended;
    expect(code, said).toBe(0);
    expect(existsSync(join(folder, "lock.jsonl.lock"))).toBe(false);
  });
});
