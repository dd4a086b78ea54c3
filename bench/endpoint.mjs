// How near a queried model comes to the rate that it is asked at, and to a bare loop of requests where no rate is stated: against a server on the
// loopback interface that takes 5 ms for a request. The three in turns.
//   node bench/endpoint.mjs [--rate 1500] [--rows 6000] [--rounds 5] [--out FILE]
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { arrange } from "../dist/models/arrangement.js";
import { memoryJournal } from "../dist/models/queried/journal.js";
import { jsonTransport, PLAIN_ROWS, parseTemplate } from "../dist/models/queried/json-template.js";
import { openQueried } from "../dist/models/queried/queried-classifier.js";

const SERVER_MS = 5;
const FEATURES = 32;
const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "1500" },
    rows: { type: "string", default: "6000" },
    rounds: { type: "string", default: "5" },
    out: { type: "string" },
  },
});
const [rate, rows, rounds] = [Number(values.rate), Number(values.rows), Number(values.rounds)];
const concurrency = 4;
const requestRows = 16;

// A thread of its own: else what the server computes would look like time that the client lost.
const server = new Worker(new URL("endpoint-server.mjs", import.meta.url), { workerData: { ms: SERVER_MS } });
const [port] = await once(server, "message");
const url = `http://127.0.0.1:${port}/`;

const template = parseTemplate({ request: { x: "$inputs" }, scores: "$.scores" }, "template", PLAIN_ROWS);
let next = 0;
/** Never the same row twice. */
const row = (i) => new Float32Array(FEATURES).map((_, j) => (j === 0 ? i / 2 ** 24 : j / FEATURES));

/** Rows per second of so many loops. */
async function measure(loops, ask) {
  const end = next + rows;
  const client = async () => {
    while (next < end) {
      const batch = Array.from({ length: requestRows }, () => row(next++));
      await ask(batch);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: loops }, client));
  return rows / ((performance.now() - started) / 1000);
}

const bare = () =>
  measure(concurrency, async (batch) => {
    const body = JSON.stringify({ x: batch.map((values) => Array.from(values)) });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    await response.json();
  });

async function blindspot(stated) {
  const model = await openQueried({
    transport: jsonTransport({ url, headers: {} }, template, PLAIN_ROWS),
    journal: memoryJournal(),
    arrangement: arrange("input", ["", FEATURES], { dims: [FEATURES] }),
    preprocessing: { units: { kind: "scale", low: [0], high: [1] }, reverseChannels: false },
    classes: null,
    asking: { timeoutMs: 10_000, retries: 0, rate: stated, concurrency, requestRows },
    probes: [row(next++), row(next++)],
  });
  const reached = await measure(concurrency + 1, async (batch) => {
    const data = new Float32Array(requestRows * FEATURES);
    for (const [i, values] of batch.entries()) data.set(values, i * FEATURES);
    await model.scores({ data, count: requestRows });
  });
  await model.close();
  return reached;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const times = { bare: [], unlimited: [], atRate: [] };
for (let round = 0; round < rounds; round++) {
  times.bare.push(await bare());
  times.unlimited.push(await blindspot(Number.POSITIVE_INFINITY));
  times.atRate.push(await blindspot(rate));
}
await server.terminate();
const result = {
  serverMs: SERVER_MS,
  concurrency,
  requestRows,
  rows,
  rate,
  rowsPerSecond: { bare: median(times.bare), unlimited: median(times.unlimited), atRate: median(times.atRate) },
  overhead: {
    ofTheStatedRate: 1 - median(times.atRate) / rate,
    ofABareLoop: 1 - median(times.unlimited.map((reached, i) => reached / times.bare[i])),
  },
  times,
};
console.log(JSON.stringify({ ...result, times: undefined }, null, 2));
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
