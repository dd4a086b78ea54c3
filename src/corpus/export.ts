import { BlindspotError } from "../base/errors.ts";
import { toLevels } from "../inputs/points.ts";
import { writeNpz } from "../tensor/npz.ts";
import { float32, int64, tensor } from "../tensor/tensor.ts";
import type { Corpus } from "./corpus.ts";
import type { Entry } from "./entry.ts";
import { type Form, formText } from "./identity.ts";

/** What can be trained on: the true label stands. */
export function trainable(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ trust }) => trust === "trusted");
}

/** How all of these samples are laid out. Throws where they are of several forms, or none. */
export function commonForm(corpus: Corpus, entries: readonly Entry[]): Form {
  const forms = new Map<string, number>();
  for (const { manifest } of entries) forms.set(formText(manifest), (forms.get(formText(manifest)) ?? 0) + 1);
  const [first] = entries;
  if (first !== undefined && forms.size === 1) return first.manifest;
  throw new BlindspotError({
    code: "E_CORPUS_EXPORT",
    subject: corpus.folder.name,
    expected: "samples of one form, with true labels that stand",
    got: first === undefined ? "none" : [...forms].map(([name, count]) => `${count} of ${name}`).join("; "),
  });
}

/**
 * `x` and `y` of an .npz file, as `npz:FILE` reads them: inputs in height-width-channel order (8-bit levels, or values in 0..1), true
 * classes by their index in `classes`. All samples must have one form, and a class of the list.
 */
export async function trainingFile(
  corpus: Corpus,
  entries: readonly Entry[],
  classes: readonly string[],
): Promise<Uint8Array> {
  const { dims, values } = commonForm(corpus, entries);
  const unknown = new Set(entries.map(({ label }) => label!.name).filter((name) => !classes.includes(name)));
  if (unknown.size > 0)
    throw new BlindspotError({
      code: "E_CLASSES",
      subject: "--classes",
      expected: `all classes of the samples, in the order of the model's outputs`,
      got: `none named ${[...unknown].slice(0, 10).join(", ")}`,
    });
  const size = dims.reduce((product, dim) => product * dim, 1);
  const eightBit = values === "uint8";
  const data = eightBit ? new Uint8Array(entries.length * size) : new Float32Array(entries.length * size);
  for (const [i, { manifest }] of entries.entries()) {
    const point = await corpus.point(manifest, "input");
    data.set(eightBit ? toLevels(point) : point, i * size);
  }
  // Gray images go without the axis of their one channel, as most tools write them.
  const shape = [entries.length, ...(dims.length === 3 && dims[2] === 1 ? dims.slice(0, 2) : dims)];
  const y = entries.map(({ label }) => classes.indexOf(label!.name));
  const x = eightBit ? tensor("uint8", shape, data as Uint8Array) : float32(shape, data as Float32Array);
  return writeNpz({ x, y: int64([y.length], y) });
}

/** The classes of the models on which these samples were found, if all have the same in the same order. */
export async function commonClasses(corpus: Corpus, entries: readonly Entry[]): Promise<readonly string[] | null> {
  const models = new Set(entries.flatMap(({ found }) => found.map(({ model }) => model)));
  const lists = await Promise.all([...models].map((digest) => corpus.model(digest)));
  const [first, ...others] = lists.map((record) => record?.classes ?? null);
  const same = (list: readonly string[] | null) => JSON.stringify(list) === JSON.stringify(first);
  return first != null && others.every(same) ? first : null;
}
