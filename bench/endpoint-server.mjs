// What bench/endpoint.mjs asks: scores from the first number of each row, after a fixed time. Posts the port that it listens to.
import { createServer } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { x } = JSON.parse(Buffer.concat(parts).toString());
    const scores = x.map((row) => [row[0], -row[0]]);
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ scores }));
    }, workerData.ms);
  });
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
