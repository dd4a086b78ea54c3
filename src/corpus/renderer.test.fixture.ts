import { Rng } from "../base/rng.ts";
import { imageCodec } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import type { Judge } from "../minimize/index.ts";
import { linf } from "../threats/lp.ts";
import type { Corpus, NewSample } from "./corpus.ts";
import { diskFolder } from "./files.ts";
import { modelFile } from "./layout.ts";
import { render } from "./render.ts";
import { corpusOf, foundEvent } from "./samples.test.fixture.ts";
import { MODEL_SCHEMA } from "./schema.ts";

/** Stores and shrinks samples against a linear model of three classes, so that whatever is killed is killed while it writes. */
const DIMS = [4, 4, 1];
const SIZE = 16;
const CLASSES = ["stop", "yield", "turn"];
const codec = imageCodec(DIMS, "uint8", plainPng);
const threat = linf(64 / 255, { quantize: "uint8", spelled: "64/255" });
const record = { kind: "onnx", identity: "9".repeat(64), classes: CLASSES, dims: DIMS, preprocessing: {} };
const weights = Array.from({ length: 3 * SIZE }, (_, i) => Math.sin(7 * i + 1));

function shares(x: Float32Array): Float32Array {
  const powers = CLASSES.map((_, c) =>
    Math.exp(x.reduce((sum, value, i) => sum + 3 * weights[c * SIZE + i]! * value, 0)),
  );
  const sum = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

const classOf = (x: Float32Array) => shares(x).indexOf(Math.max(...shares(x)));
const judge: Judge = { output: "scores", probabilities: async (x) => shares(x), verify: async (x) => shares(x) };

/** The i-th sample: always the same. */
export function sampleOf(i: number): NewSample {
  for (let draw = 0; ; draw++) {
    const rng = Rng.of(i).fold(draw);
    const clean = Float32Array.from({ length: SIZE }, () => rng.integer(256) / 255);
    const point = threat.deployable(threat.randomBoundaryPoint(clean, rng), clean);
    const [label, predicted] = [classOf(clean), classOf(point)];
    if (label === predicted) continue;
    const event = foundEvent({
      model: modelFile({ schema: MODEL_SCHEMA, ...record }).digest,
      threat: threat.id,
      label: { name: CLASSES[label]!, index: label },
      predicted: { name: CLASSES[predicted]!, index: predicted },
    });
    return { codec, point, clean, events: [event] };
  }
}

/** Stores one sample and makes its renditions; calls `said` after each of the two. */
export async function storeAndShrink(corpus: Corpus, i: number, said: (what: string) => void): Promise<void> {
  const { id } = await corpus.add(sampleOf(i));
  said(`stored ${id}`);
  const model = { judge, record: await corpus.storeModel(record), classes: CLASSES, dims: DIMS };
  await render(corpus, [await corpus.find(id)], model);
  said(`shrunk ${id}`);
}

// As a program: `node renderer.test.fixture.js DIR FROM TO`.
const [, program = "", directory, from = "0", to = "0"] = process.argv;
if (directory !== undefined && /renderer\.test\.fixture\.js$/.test(program)) {
  const corpus = await corpusOf([], await diskFolder(directory), () => new Date());
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say("open");
  for (let i = Number(from); i < Number(to); i++) await storeAndShrink(corpus, i, say);
  say("done");
}
