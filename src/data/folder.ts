import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { fromLevels } from "../inputs/points.ts";
import { makeDataset } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { hashOf, readError } from "./files.ts";
import { resolveLabels, sortNames } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import { decodeImage, imageSize } from "./sharp-images.ts";
import type { DataSpec } from "./spec.ts";

const EXTENSIONS = new Set([".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff"]);
const FILES_AT_ONCE = 8;

interface Entry {
  /** `stop/0001.png`, with forward slashes: the sample's id. */
  readonly name: string;
  readonly path: string;
  readonly folder: string;
}

/**
 * One folder of image files per class. All images have one size; gray ones become RGB where some are in color. Each file is read once now (hash
 * and size), and again when its sample is asked for. Links that lead out of the folder are refused.
 */
export async function openFolder(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  const { folders, entries } = await list(spec);
  if (entries.length === 0)
    throw dataError(spec.text, {
      code: "E_DATA_EMPTY",
      expected: "one folder per class with image files in it",
      got: folders.length === 0 ? "no folders" : `${folders.length} folders without images`,
    });
  const { labels, classes } = resolveFolders(entries, folders, options, spec);
  const problems = new RecordProblems(spec.text);
  const results = await mapLimited(entries, FILES_AT_ONCE, (entry) => scan(entry, options.maxBytes));
  const scans = results.filter((result) => "dims" in result);
  for (const result of results) if (!("dims" in result)) problems.add(result);
  if (scans.length === 0) problems.throwIfAny();
  const sizes = scans.map(({ dims }) => dims);
  const dims = options.dims ?? [sizes[0]![0], sizes[0]![1], sizes.reduce((most, size) => Math.max(most, size[2]), 0)];
  const misfits = [...results.entries()].filter(([, result]) => "dims" in result && !fits(result.dims, dims));
  for (const [i, result] of misfits) {
    const got = (result as Scan).dims.join("x");
    problems.add({ code: "E_DATA_SHAPE", where: entries[i]!.name, expected: dims.join("x"), got });
  }
  problems.throwIfAny(
    misfits.length > 0 ? "All images need the size that the model takes: resize them first" : undefined,
  );
  const described = {
    spec: spec.text,
    sha256: hashOf(scans.map(({ line }) => line).join("")),
    dims,
    naturalQuantize: "uint8",
    labels,
    classes,
    groups: null,
  } as const;
  return makeDataset(
    described,
    (index) => readPoint(entries[index]!, dims, options.maxBytes),
    (index) => entries[index]!.name,
  );
}

/** Without the model's classes, folder i in sorted order is class i, also where the names are numbers. */
function resolveFolders(entries: readonly Entry[], folders: readonly string[], options: OpenOptions, spec: DataSpec) {
  return resolveLabels(
    entries.map((entry) => entry.folder),
    options.classes ?? sortNames(folders),
    spec.text,
    (record) => entries[record]!.name,
  );
}

interface Scan {
  readonly dims: readonly number[];
  /** What the hash of the folder is made of. */
  readonly line: string;
}

async function scan(entry: Entry, maxBytes: number): Promise<Scan | Problem> {
  try {
    const bytes = await readBounded(entry.path, maxBytes);
    return { dims: await imageSize(bytes, entry.name), line: `${entry.name}\t${bytes.length}\t${hashOf(bytes)}\n` };
  } catch (error) {
    if (error instanceof BlindspotError) return { ...error.problems[0]!, where: entry.name };
    throw readError(entry.path, error);
  }
}

async function list(spec: DataSpec): Promise<{ folders: string[]; entries: Entry[] }> {
  try {
    const root = await realpath(spec.path);
    const folders: string[] = [];
    const entries: Entry[] = [];
    for (const folder of sortNames(await readdir(root))) {
      const inside = await contained(root, join(root, folder));
      if (folder.startsWith(".") || !(await stat(inside)).isDirectory()) continue;
      folders.push(folder);
      for (const file of sortNames(await readdir(inside))) {
        if (file.startsWith(".") || !EXTENSIONS.has(extname(file).toLowerCase())) continue;
        entries.push({ name: `${folder}/${file}`, path: await contained(root, join(inside, file)), folder });
      }
    }
    return { folders, entries };
  } catch (error) {
    throw readError(spec.path, error);
  }
}

async function contained(root: string, path: string): Promise<string> {
  const real = await realpath(path);
  const inside = relative(root, real);
  if (inside !== ".." && !inside.startsWith(`..${sep}`)) return real;
  throw dataError(root, {
    code: "E_DATA_ESCAPE",
    where: relative(root, path),
    expected: "a path inside the folder",
    got: "a link that leads out of it",
  });
}

async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > maxBytes)
    throw dataError(path, { code: "E_DATA_SIZE", expected: `at most ${maxBytes} bytes`, got: `${size}` });
  return new Uint8Array(await readFile(path));
}

/** Gray images fit a dataset of RGB images. */
function fits(size: readonly number[], dims: readonly number[]): boolean {
  return size[0] === dims[0] && size[1] === dims[1] && (size[2] === dims[2] || (size[2] === 1 && dims[2] === 3));
}

async function readPoint(entry: Entry, dims: readonly number[], maxBytes: number): Promise<Float32Array> {
  const image = await decodeImage(await readBounded(entry.path, maxBytes), entry.name);
  const got = [image.height, image.width, image.channels];
  if (!fits(got, dims))
    throw dataError(entry.name, {
      code: "E_DATA_SHAPE",
      expected: dims.join("x"),
      got: got.join("x"),
      hint: "The file changed while it was used",
    });
  if (image.channels === dims[2]) return fromLevels(image.data);
  return fromLevels(Uint8Array.from({ length: image.data.length * 3 }, (_, i) => image.data[Math.floor(i / 3)]!));
}

/** Results in the order of the items; at most `limit` are under way at a time. */
async function mapLimited<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await map(items[i]!);
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}
