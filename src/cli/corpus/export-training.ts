import { mkdir, readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileError, writeWhole } from "../../assess/files.ts";
import { BlindspotError } from "../../base/errors.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Entry } from "../../corpus/entry.ts";
import { commonClasses, commonForm, trainingFile } from "../../corpus/export.ts";
import { type Dataset, openDataset } from "../../data/index.ts";
import { RowSpace, readRowSchema, textOf, textPoint } from "../../inputs/index.ts";
import { readUtf8 } from "../../inputs/text/text-codec.ts";
import { classNames, openSchema } from "../open.ts";
import type { Given } from "../options.ts";
import { csvText, writeRows } from "../save-rows.ts";

/** Samples of one form, in the order of their ids. */
interface Training {
  readonly corpus: Corpus;
  readonly entries: readonly Entry[];
  readonly out: string;
  readonly given: Given;
}

interface Way {
  readonly writes: string;
  write(training: Training): Promise<void>;
}

const ARRAYS: Way = { writes: ".npz", write: arrays };
/** Ways to write the samples of a modality, by the extension of `--out`; none: a folder. */
const WAYS: Readonly<Record<string, Readonly<Record<string, Way>>>> = {
  vector: { ".npz": ARRAYS },
  image: { ".npz": ARRAYS, "": { writes: "a folder", write: imageFolders } },
  row: { ".csv": { writes: ".csv", write: rows } },
  text: {
    ".jsonl": { writes: ".jsonl", write: (training) => texts(training, (list) => list.map(jsonLine).join("")) },
    ".csv": { writes: ".csv", write: (training) => texts(training, csvOf) },
  },
};

/**
 * Writes inputs and their true classes as users' own frameworks read them, and reads them back: each must come back as it is stored, or this throws. Class names are those
 * of the samples; arrays have indices.
 */
export async function exportTraining(
  corpus: Corpus,
  entries: readonly Entry[],
  given: Given & { readonly out: string },
): Promise<void> {
  const { modality, values } = commonForm(corpus, entries);
  const { out } = given;
  const ways = Object.entries(WAYS[modality]!).filter(([extension]) => extension !== "" || values === "uint8");
  const way = ways.find(([extension]) => extension === extname(out))?.[1];
  if (way === undefined)
    throw new BlindspotError({
      code: "E_CORPUS_EXPORT",
      subject: `--out ${out}`,
      expected: `${ways.map(([, { writes }]) => writes).join(" or ")}: these are ${modality} samples, ${values}`,
    });
  await way.write({ corpus, entries, out, given });
}

async function arrays({ corpus, entries, out, given }: Training): Promise<void> {
  const named = given.classes === undefined ? await commonClasses(corpus, entries) : await classNames(given.classes);
  if (named === null)
    throw new BlindspotError({
      code: "E_CLASSES",
      subject: "blindspot corpus export",
      expected: "--classes: the samples come from models with different classes, or from none",
    });
  await writeWhole(out, await trainingFile(corpus, entries, named));
}

/** `OUT/CLASS/ID.png`, as image folders are read everywhere. A class whose name is no plain name of a folder is refused: names may come from an import. */
async function imageFolders({ corpus, entries, out }: Training): Promise<void> {
  const odd = entries
    .map(({ label }) => label!.name)
    .find((name) => !/^[\p{L}\p{N}_][\p{L}\p{N}_ .+-]{0,99}$/u.test(name));
  if (odd !== undefined)
    throw new BlindspotError({
      code: "E_CORPUS_EXPORT",
      subject: `class '${odd.slice(0, 60)}'`,
      expected: "names of classes that can be names of folders",
      hint: "Write arrays: --out FILE.npz",
    });
  await requireEmpty(out);
  const read = (name: string) => join(out, name);
  for (const { id, manifest, label } of entries) {
    await mkdir(read(label!.name), { recursive: true });
    await writeWhole(read(`${label!.name}/${id}.png`), await corpus.file(manifest, "input"));
  }
  const back = await openDataset(`folder:${out}`);
  const byName = new Map<string, Float32Array>();
  for (let i = 0; i < back.length; i++) {
    const { id, point } = await back.sample(i);
    byName.set(id, point);
  }
  for (const { id, manifest, label } of entries)
    requireSame(id, byName.get(`${label!.name}/${id}.png`), await corpus.point(manifest, "input"));
}

async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.length > 0)
    throw new BlindspotError({
      code: "E_CORPUS_NOT_EMPTY",
      subject: `--out ${folder}`,
      expected: "an empty folder, or none yet",
      got: `${names.length} files`,
    });
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
}

async function rows({ corpus, entries, out, given }: Training): Promise<void> {
  const space = given.schema === undefined ? await knownRows(corpus) : await openSchema(given.schema, given);
  const points = await Promise.all(entries.map(({ manifest }) => corpus.point(manifest, "input", { rows: space })));
  const label = await writeRows(out, space, points, namesOf(entries));
  const back = await openDataset(`csv:${out}?label=${encodeURIComponent(label)}`, { rows: space });
  await requireAll(entries, points, back);
}

async function knownRows(corpus: Corpus): Promise<RowSpace> {
  const schemas = new Map(
    (await corpus.models()).flatMap(({ rows: schema }) =>
      schema === undefined ? [] : [[JSON.stringify(schema), schema]],
    ),
  );
  const [schema] = schemas.values();
  if (schema !== undefined && schemas.size === 1) return new RowSpace(readRowSchema(schema, "schema of the corpus"));
  throw new BlindspotError({
    code: "E_CORPUS_EXPORT",
    subject: "blindspot corpus export",
    expected: "--schema FILE: what the columns are",
    got: `${schemas.size} schemas in the corpus`,
  });
}

interface Line {
  readonly text: string;
  readonly label: string;
}

async function texts({ corpus, entries, out }: Training, format: (lines: readonly Line[]) => string): Promise<void> {
  const lines: Line[] = [];
  for (const { manifest, label } of entries)
    lines.push({ text: readUtf8(await corpus.file(manifest, "input")), label: label!.name });
  await writeWhole(out, format(lines));
  const kind = extname(out).slice(1);
  const back = await openDataset(`${kind}:${out}?text=text&label=label`);
  for (const [i, { text }] of lines.entries()) {
    const { point } = await back.sample(i);
    requireSame(entries[i]!.id, textPoint(textOf(point), text.length), textPoint(text, text.length));
  }
}

function jsonLine(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

function csvOf(lines: readonly Line[]): string {
  return `${csvText([["text", "label"], ...lines.map(({ text, label }) => [text, label])])}\n`;
}

function namesOf(entries: readonly Entry[]): string[] {
  return entries.map(({ label }) => label!.name);
}

async function requireAll(entries: readonly Entry[], points: readonly Float32Array[], back: Dataset): Promise<void> {
  for (const [i, { id }] of entries.entries()) requireSame(id, (await back.sample(i)).point, points[i]!);
}

/** What another program reads must be what is stored. */
function requireSame(id: string, got: Float32Array | undefined, stored: Float32Array): void {
  if (got?.length === stored.length && got.every((value, i) => value === stored[i])) return;
  throw new BlindspotError({
    code: "E_CORPUS_EXPORT",
    subject: `sample ${id.slice(0, 12)}`,
    expected: "the same input when the file is read again",
    got: got === undefined ? "none" : "another one",
    hint: "Leave it out, or write another kind of file",
  });
}
