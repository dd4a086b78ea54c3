import fc from "fast-check";
import { imageCodec, RowSpace, readRowSchema, rowCodec, textCodec, textPoint, vectorCodec } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import { fromLevels } from "../inputs/points.ts";
import { Corpus, type NewSample } from "./corpus.ts";
import { type CorpusFolder, memoryFolder } from "./folder.ts";
import { modelFile } from "./layout.ts";
import { type EventBody, MODEL_SCHEMA } from "./schema.ts";

/** Small samples, made up; nothing was attacked. */

export const MODEL = {
  kind: "onnx",
  identity: "5".repeat(64),
  classes: ["stop", "yield", "turn"],
  dims: [2, 2, 1],
  preprocessing: { inputRange: [0, 1] },
};
const MODEL_DIGEST = modelFile({ schema: MODEL_SCHEMA, ...MODEL }).digest;

const gray = imageCodec([2, 2, 1], "uint8", plainPng);
const vector = vectorCodec([3]);

export function foundEvent(change: Partial<Extract<EventBody, { event: "found" }>> = {}): EventBody {
  return {
    event: "found",
    kind: "adversarial",
    run: "first",
    model: MODEL_DIGEST,
    modelName: "signs.onnx",
    label: { name: "stop", index: 0 },
    predicted: { name: "yield", index: 1 },
    data: { spec: "npz:test.npz", sample: "s1", index: 1 },
    threat: "linf:8/255;uint8;untargeted",
    attack: { name: "pgd", knowledge: "white-box", settings: { steps: 5 }, seed: 0, queries: 9, gradients: 8 },
    ...change,
  };
}

/** A gray image of four levels, made from another one unless `clean` is null. */
export function imageSample(
  levels: readonly number[],
  clean: readonly number[] | null = [0, 0, 0, 0],
  events: readonly EventBody[] = [foundEvent()],
): NewSample {
  const point = (values: readonly number[]) => fromLevels(Uint8Array.from(values));
  return { codec: gray, point: point(levels), clean: clean === null ? null : point(clean), events };
}

export function vectorSample(values: readonly number[], events: readonly EventBody[] = [foundEvent()]): NewSample {
  return { codec: vector, point: Float32Array.from(values), clean: null, events };
}

const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "age", type: "integer", min: 18, max: 90 },
    { name: "job", type: "category", values: ["none", "clerk", "chef"], encoding: "one-hot" },
  ],
};

/** What a model makes of the rows and texts of these samples. */
export const READING = { rows: new RowSpace(readRowSchema(SCHEMA, "schema.json")), size: 12 };

export function rowSample(age: number, job: number, clean: boolean, events: readonly EventBody[]): NewSample {
  const point = (levels: readonly number[]) => READING.rows.point(Int32Array.from(levels));
  return { codec: rowCodec(READING.rows), point: point([age, job]), clean: clean ? point([0, 0]) : null, events };
}

export function textSample(text: string, clean: string | null, events: readonly EventBody[]): NewSample {
  const point = (one: string) => textPoint(one, READING.size);
  return { codec: textCodec(READING.size), point: point(text), clean: clean === null ? null : point(clean), events };
}

const level = fc.integer({ min: 0, max: 3 });
const levels = fc.array(level, { minLength: 4, maxLength: 4 });
const event = fc.oneof(
  fc.record({ seed: fc.integer({ min: 0, max: 2 }), name: fc.constantFrom("pgd", "fgsm") }).map(({ seed, name }) =>
    foundEvent({
      attack: { name, knowledge: "white-box", settings: { steps: 5 }, seed, queries: 9, gradients: 8 },
    }),
  ),
  fc.constantFrom<EventBody>(
    { event: "reported", kind: "reported", file: "x.png" },
    { event: "judged", by: "ann", verdict: "valid", label: { name: "turn" } },
    { event: "judged", by: "bob", verdict: "invalid" },
    { event: "imported", kind: "adversarial", label: { name: "stop" }, data: { spec: "npz:art.npz" } },
    { event: "forgotten", by: "ann", reason: "a face" },
  ),
);

/** Few different samples, so that two lists often share some. */
export const anySample: fc.Arbitrary<NewSample> = fc.oneof(
  fc
    .tuple(levels, fc.option(fc.constant([0, 0, 0, 0])), fc.array(event, { minLength: 1, maxLength: 3 }))
    .map(([input, clean, events]) => imageSample(input, clean, events)),
  fc
    .tuple(fc.array(fc.constantFrom(0, 0.5, 1), { minLength: 3, maxLength: 3 }), event)
    .map(([values, one]) => vectorSample(values, [one])),
  fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }), fc.boolean(), event)
    .map(([age, job, clean, one]) => rowSample(age, job, clean, [one])),
  fc
    .tuple(fc.constantFrom("free", "fr\u0435e", "fr\u200bee"), fc.constantFrom(null, "", "caf\u00e9"), event)
    .map(([text, clean, one]) => textSample(text, clean, [one])),
);

/** Samples of which many are alike: brighter images of one seed, rows with one changed field. Each has one wrong class, whoever finds it. */
export const likelyAlike: fc.Arbitrary<NewSample> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom("image", "age", "job"))
  .map(([drawn, what]) => {
    // There are but two other jobs.
    const level = what === "job" ? Math.min(drawn, 2) : drawn;
    const predicted = level === 3 ? { name: "turn", index: 2 } : { name: "yield", index: 1 };
    const change = { predicted, distance: { l0: 1, l1: 1, l2: level, linf: 1 } };
    if (what === "image") return imageSample([level, level, level, level], [0, 0, 0, 0], [foundEvent(change)]);
    const [age, job] = what === "age" ? [level, 0] : [0, level];
    return rowSample(age, job, true, [foundEvent({ ...change, where: { fields: [what] } })]);
  });

export const anySamples = fc.array(anySample, { maxLength: 5 });

/** A clock that ticks a millisecond a look. */
export function ticking(start = 0): () => Date {
  let at = start;
  return () => new Date(at++);
}

export async function corpusOf(
  samples: readonly NewSample[],
  folder: CorpusFolder = memoryFolder(),
  now: () => Date = ticking(),
): Promise<Corpus> {
  const corpus = await Corpus.create(folder, { toolVersion: "1.2.3", now });
  await corpus.storeModel(MODEL);
  for (const sample of samples) await corpus.add(sample);
  return corpus;
}

/** All files of a corpus, as text that can be compared. */
export async function filesOf({ folder }: Corpus): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const visit = async (path: string): Promise<void> => {
    for (const name of await folder.list(path)) {
      const full = path === "" ? name : `${path}/${name}`;
      const bytes = /\.[a-z]+$|^FORMAT$/.test(name) ? await folder.read(full, 2 ** 26).catch(() => null) : null;
      if (bytes === null) await visit(full);
      else files[full] = Buffer.from(bytes).toString("latin1");
    }
  };
  await visit("");
  return files;
}
