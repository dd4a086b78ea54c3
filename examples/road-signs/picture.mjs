// The picture of the README: findings of a run, before, difference and after, with what the model said.
//
//   node examples/road-signs/picture.mjs RUN_DIRECTORY docs/road-signs.png
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const [directory, out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: node examples/road-signs/picture.mjs RUN_DIRECTORY OUT.png");
  process.exit(2);
}
const COLUMNS = 5;
const TILE = 128;
const GAP = 30;
const LEFT = 92;
const TOP = 26;
const LINE = 48;
const AMPLIFIED = 12;

const { classes } = JSON.parse(readFileSync(join(directory, "result.json"), "utf8")).model;
const findings = readFileSync(join(directory, "findings.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

function confidence({ scores, label }) {
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - largest));
  return weights[label] / weights.reduce((sum, weight) => sum + weight, 0);
}

/** The surest mistakes on signs of which the model was just as sure before, one for each true class. */
function mostTelling() {
  const sure = ({ outputChange: { before, after } }) => Math.min(confidence(before), confidence(after));
  const chosen = new Map();
  for (const finding of findings
    .filter(({ perturbation }) => perturbation.blob !== undefined)
    .sort((a, b) => sure(b) - sure(a))) {
    const { trueLabel } = finding.outputChange;
    if (!chosen.has(trueLabel)) chosen.set(trueLabel, finding);
  }
  return [...chosen.values()].slice(0, COLUMNS);
}

const pixels = async (name) => sharp(join(directory, name)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
const enlarge = (data, { width, height }) =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .resize(TILE, TILE, { kernel: "nearest" })
    .png()
    .toBuffer();

const chosen = mostTelling();
const layers = [];
const texts = [];
const text = (x, y, content, weight = "normal") =>
  texts.push(
    `<text x="${x}" y="${y}" font-size="12" font-family="sans-serif" font-weight="${weight}" fill="#222">${content}</text>`,
  );
for (const [column, { outputChange, perturbation }] of chosen.entries()) {
  const before = await pixels(perturbation.blob.original);
  const after = await pixels(perturbation.blob.adversarial);
  const difference = before.data.map((value, i) =>
    Math.max(0, Math.min(255, 128 + AMPLIFIED * (after.data[i] - value))),
  );
  const left = LEFT + column * (TILE + GAP);
  for (const [row, data] of [before.data, difference, after.data].entries())
    layers.push({ input: await enlarge(data, before.info), left, top: TOP + row * (TILE + LINE) });
  const caption = (state, row, weight) => {
    const y = TOP + row * (TILE + LINE) + TILE + 16;
    text(left, y, classes[state.label], weight);
    text(left, y + 16, `${Math.round(100 * confidence(state))} % sure`, weight);
  };
  caption(outputChange.before, 0, "normal");
  caption(outputChange.after, 2, "bold");
}
for (const [row, name] of ["before", `change x${AMPLIFIED}`, "after"].entries())
  text(10, TOP + row * (TILE + LINE) + TILE / 2, name);
const width = LEFT + chosen.length * (TILE + GAP);
const height = TOP + 3 * (TILE + LINE) + 6;
const captions = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts.join("")}</svg>`,
);
await sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
  .composite([...layers, { input: captions, left: 0, top: 0 }])
  .png({ compressionLevel: 9 })
  .toFile(out);
