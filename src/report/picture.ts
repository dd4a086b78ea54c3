import type { Finding } from "../assess/schema.ts";
import type { StoredRun } from "../assess/store.ts";
import { isPng, plainPng } from "../inputs/png.ts";
import { toLevels } from "../inputs/points.ts";
import { readStored, type StoredInput } from "../inputs/stored.ts";
import { boxMeans, largestChanges, type Raster } from "./raster.ts";

/** The pictures of one finding, as `data:` addresses of PNG files; all three have the same size. */
export interface Pictures {
  readonly before: string;
  readonly after: string;
  /** Middle gray where nothing changed. */
  readonly change: string;
  /** How many times larger than it is the change is drawn. */
  readonly amplified: number;
  readonly width: number;
  readonly height: number;
  /** Size of the input itself, where the pictures are smaller. */
  readonly reducedFrom: { readonly width: number; readonly height: number } | null;
  /** How channels became colors, where that is not plain. */
  readonly note: string | null;
}

export interface Album {
  readonly pictures: ReadonlyMap<Finding, Pictures>;
  /** Findings whose inputs were not stored, are missing or can't be read. */
  readonly unreadable: number;
  /** Findings for which no room was left. */
  readonly noRoom: number;
  readonly reduced: number;
}

/** Longest sides that pictures are reduced to, until they fit. */
const SIDES = [256, 192, 128, 96, 64, 48];
const MAX_AMPLIFIED = 128;
/** No change: a whole grey level, so that whole levels of change stay whole. */
const MIDDLE = 128 / 255;

/**
 * Before, after and change of these image findings, in their order, within `budget` characters in all. Each finding may use an equal share
 * of what is left, so a run of large images gets smaller pictures instead of fewer.
 */
export async function makeAlbum(findings: readonly Finding[], blob: StoredRun["blob"], budget: number): Promise<Album> {
  const pictures = new Map<Finding, Pictures>();
  let left = budget;
  let unreadable = 0;
  let noRoom = 0;
  let reduced = 0;
  let rung = 0;
  for (const [i, finding] of findings.entries()) {
    const pair = await readPair(finding, blob);
    if (pair === null) {
      unreadable++;
      continue;
    }
    const share = left / (findings.length - i);
    // The images of a run are alike: what was too large for one finding is not tried on the next.
    let drawn = await draw(pair, SIDES[rung]!);
    while (drawn.size > share && rung + 1 < SIDES.length) drawn = await draw(pair, SIDES[++rung]!);
    if (drawn.size > share) {
      noRoom++;
      continue;
    }
    left -= drawn.size;
    if (drawn.pictures.reducedFrom !== null) reduced++;
    pictures.set(finding, drawn.pictures);
  }
  return { pictures, unreadable, noRoom, reduced };
}

/** The pictures of one image before and after (dims [height, width, channels]), from values instead of stored files. */
export async function drawChange(before: StoredInput, after: StoredInput): Promise<Pictures> {
  const bytes = new Uint8Array();
  const { pictures } = await draw(
    [
      { ...before, bytes },
      { ...after, bytes },
    ],
    SIDES[0]!,
  );
  return pictures;
}

interface Stored extends StoredInput {
  readonly bytes: Uint8Array;
}

async function readPair(finding: Finding, blob: StoredRun["blob"]): Promise<readonly [Stored, Stored] | null> {
  const paths = finding.perturbation.blob;
  if (paths === undefined) return null;
  const read = async (path: string): Promise<Stored | null> => {
    const bytes = await blob(path);
    // A file that can't be read as an image is shown as missing: the rest of the report stands.
    return bytes === null
      ? null
      : readStored(bytes).then(
          (input) => ({ ...input, bytes }),
          () => null,
        );
  };
  const [before, after] = [await read(paths.original), await read(paths.adversarial)];
  if (before === null || after === null || before.dims.length !== 3) return null;
  return before.dims.join() === after.dims.join() ? [before, after] : null;
}

async function draw(
  [before, after]: readonly [Stored, Stored],
  side: number,
): Promise<{ readonly pictures: Pictures; readonly size: number }> {
  const [height, width] = before.dims as [number, number, number];
  const scale = Math.min(1, side / Math.max(height, width));
  const size = { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) };
  const change = after.values.map((value, i) => value - before.values[i]!);
  const amplified = amplification(change);
  const whole = scale === 1;
  // PNG files are embedded as they are.
  const input = async (stored: Stored) =>
    whole && isPng(stored.bytes) ? dataUri(stored.bytes) : png(boxMeans(asColors(stored), size));
  const shown = await Promise.all([
    input(before),
    input(after),
    png(gray(largestChanges(asColors({ dims: before.dims, values: change }), size), amplified)),
  ]);
  const [first, second, third] = shown;
  const pictures = {
    before: first,
    after: second,
    change: third,
    amplified,
    ...size,
    reducedFrom: whole ? null : { width, height },
    note: channelNote(before.dims[2]!),
  };
  return { pictures, size: shown.reduce((sum, { length }) => sum + length, 0) };
}

/** The largest power of two, up to 128, that keeps the change within a quarter of the range (2 % more for 8/255 times 8): colors stay apart. */
function amplification(change: Float32Array): number {
  const largest = change.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  let factor = 1;
  while (factor < MAX_AMPLIFIED && 2 * factor * largest <= 0.25 * 1.02) factor *= 2;
  return factor;
}

function gray({ height, width, channels, values }: Raster, amplified: number): Raster {
  return { height, width, channels, values: values.map((value) => MIDDLE + amplified * value) };
}

/** One or three channels as they are, any other number as their mean. */
function asColors({ dims, values }: StoredInput): Raster {
  const [height, width, channels] = dims as [number, number, number];
  if (channels === 1 || channels === 3) return { height, width, channels, values };
  const means = new Float32Array(height * width);
  for (let pixel = 0; pixel < means.length; pixel++) {
    for (let channel = 0; channel < channels; channel++)
      means[pixel]! += values[pixel * channels + channel]! / channels;
  }
  return { height, width, channels: 1, values: means };
}

function channelNote(channels: number): string | null {
  return channels === 1 || channels === 3 ? null : `mean of ${channels} channels`;
}

async function png({ height, width, channels, values }: Raster): Promise<string> {
  const data = toLevels(values.map((value) => Math.min(1, Math.max(0, value))));
  return dataUri(await plainPng.encode({ height, width, channels, data }));
}

/** Characters that `String.fromCharCode` takes at once. */
const CHUNK = 8192;

function dataUri(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += CHUNK) binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return `data:image/png;base64,${btoa(binary)}`;
}
