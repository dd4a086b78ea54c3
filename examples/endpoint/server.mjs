/**
 * An endpoint to be attacked: the road-sign classifier behind HTTP, on this machine alone. It answers with labels, as many services do.
 *
 *   node examples/endpoint/server.mjs [PORT]
 *
 * POST / with {"image": "<base64 PNG>"} -> {"label": "stop"}. The first line it prints is its address.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { loadClassifier } from "blindspot";
import sharp from "sharp";

const example = (name) => fileURLToPath(new URL(`../road-signs/${name}`, import.meta.url));
const classes = readFileSync(example("classes.txt"), "utf8").trim().split("\n");
const model = await loadClassifier(example("road-signs.onnx"), { classes });
const [height, width, channels] = model.dims;
/** Larger requests are refused before they are read to their end. */
const LARGEST_REQUEST = 1 << 20;

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_REQUEST) throw new Error("the request is too large");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

async function classify({ image }) {
  const { data, info } = await sharp(Buffer.from(image, "base64"))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.height !== height || info.width !== width || info.channels !== channels)
    throw new Error(`expected an image of ${height}x${width}x${channels}`);
  const scores = await model.scores({ data: Float32Array.from(data, (level) => level / 255), count: 1 });
  return classes[scores.indexOf(Math.max(...scores))];
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  try {
    answer(200, { label: await classify(await read(request)) });
  } catch (error) {
    answer(400, { error: error.message });
  }
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
