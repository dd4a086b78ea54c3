// How near a queried model comes to the rate that it is asked at: a server on the loopback interface that takes 5 ms for a request.
//   node bench/endpoint.mjs [--rate 1500] [--rows 6000]
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { arrange } from "../dist/models/arrangement.js";
import { memoryJournal } from "../dist/models/queried/journal.js";
import { jsonTransport, PLAIN_ROWS, parseTemplate } from "../dist/models/queried/json-template.js";
import { openQueried } from "../dist/models/queried/queried-classifier.js";

const SERVER_MS = 5;
const FEATURES = 32;
const { values } = parseArgs({
  options: { rate: { type: "string", default: "1500" }, rows: { type: "string", default: "6000" } },
});
const [rate, rows] = [Number(values.rate), Number(values.rows)];
const concurrency = 4;
const requestRows = 16;

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { x } = JSON.parse(Buffer.concat(parts).toString());
    const scores = x.map((row) => [row[0], -row[0]]);
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ scores }));
    }, SERVER_MS);
  });
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const template = parseTemplate({ request: { x: "$inputs" }, scores: "$.scores" }, "template", PLAIN_ROWS);
const row = (i) => new Float32Array(FEATURES).map((_, j) => ((i * FEATURES + j) % 65521) / 65521);
const model = await openQueried({
  transport: jsonTransport({ url: `http://127.0.0.1:${server.address().port}/`, headers: {} }, template, PLAIN_ROWS),
  journal: memoryJournal(),
  arrangement: arrange("input", ["", FEATURES], { dims: [FEATURES] }),
  preprocessing: { units: { kind: "scale", low: [0], high: [1] }, reverseChannels: false },
  classes: null,
  asking: { timeoutMs: 10_000, retries: 0, rate, concurrency, requestRows },
  probes: [row(1e6), row(2e6)],
});

let next = 0;
async function client() {
  while (next < rows) {
    const data = new Float32Array(requestRows * FEATURES);
    for (let i = 0; i < requestRows; i++) data.set(row(next++), i * FEATURES);
    await model.scores({ data, count: requestRows });
  }
}
const started = performance.now();
await Promise.all(Array.from({ length: concurrency + 1 }, client));
const seconds = (performance.now() - started) / 1000;
const reached = next / seconds;
console.log(
  JSON.stringify({
    serverMs: SERVER_MS,
    concurrency,
    requestRows,
    rate,
    reached: Number(reached.toFixed(0)),
    overhead: `${(100 * (1 - reached / rate)).toFixed(1)} %`,
  }),
);
await model.close();
server.close();
