import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, writeWhole } from "../assess/files.ts";
import { bestAttempt } from "../assess/sample-line.ts";
import type { SampleRecord } from "../attacks/record.ts";
import { openDataset, sharpImages } from "../data/index.ts";
import { type Codec, imageCodec } from "../inputs/index.ts";
import { writeNpz } from "../tensor/npz.ts";
import { float32, int64, sizeOf, tensor } from "../tensor/tensor.ts";
import { goalClasses, predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import type { Target } from "./open.ts";
import type { Given } from "./options.ts";
import { dataRange, toUserUnits, UNIT } from "./ranges.ts";
import { ROWS_FILE, saveRows } from "./save-rows.ts";
import { saveTexts, TEXTS_FILE } from "./save-texts.ts";

export interface Saved {
  readonly directory: string;
  /** What was written, in words. */
  readonly files: string;
  /** How many, read back from their files, still fool the original model inside the threat. */
  readonly succeed: number;
  readonly of: number;
}

interface Adversarial {
  readonly record: SampleRecord;
  readonly point: Float32Array;
  readonly predicted: number;
}

/** Letters, digits and points of a name, for a file name. */
export function fileSafe(name: string): string {
  return name.replace(/[^\p{L}\p{N}.]+/gu, "-").slice(0, 40);
}

/**
 * Writes adversarial inputs: a PNG each for 8-bit images, a table of rows, texts as JSON Lines, else one `adversarial.npz` (x, y, predicted, index). Each is then read
 * back from its file and judged anew: inside the threat, and wrong for the original model.
 */
export async function saveAdversarial(
  directory: string,
  target: Target,
  threat: Threat,
  records: readonly SampleRecord[],
  given: Given,
): Promise<Saved> {
  const found = records.flatMap((record): Adversarial[] => {
    const candidate = bestAttempt(record)?.found;
    return candidate == null ? [] : [{ record, point: candidate.point, predicted: candidate.predicted }];
  });
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw fileError(error, directory);
  }
  const codec = imageCodec(target.data.dims, threat.quantize, sharpImages);
  const channels = target.data.dims[2];
  const asPng = target.data.modality === "image" && threat.quantize === "uint8" && (channels === 1 || channels === 3);
  const { rows } = target.data;
  const points = found.map(({ point }) => point);
  const labels = found.map(({ record }) => record.label);
  const { classes } = target.classifier;
  const isText = target.data.modality === "text";
  const readBack = asPng
    ? await savePngs(directory, target, codec, found)
    : isText
      ? await saveTexts(directory, points, labels, classes)
      : rows === undefined
        ? await saveArray(directory, target, found, given)
        : await saveRows(directory, rows, points, labels, classes);
  let succeed = 0;
  for (const [i, point] of readBack.entries()) if (await stillFools(target, threat, found[i]!, point)) succeed++;
  const table = isText ? TEXTS_FILE : rows === undefined ? "adversarial.npz" : ROWS_FILE;
  const files = asPng ? `${found.length} PNG files` : `${table} (${found.length} rows)`;
  return { directory, files, succeed, of: found.length };
}

async function savePngs(
  directory: string,
  target: Target,
  codec: Codec,
  found: readonly Adversarial[],
): Promise<Float32Array[]> {
  const name = (label: number) => fileSafe(target.classifier.classes[label] ?? String(label));
  const points: Float32Array[] = [];
  for (const { record, point, predicted } of found) {
    const file = join(directory, `${record.index}-${name(record.label)}-taken-for-${name(predicted)}.png`);
    await writeWhole(file, (await codec.encode(point)).bytes);
    points.push(await codec.decode(new Uint8Array(await readFile(file))));
  }
  return points;
}

/** In the user's own units, so that the same options read the file as the data that was attacked. */
async function saveArray(
  directory: string,
  target: Target,
  found: readonly Adversarial[],
  given: Given,
): Promise<Float32Array[]> {
  const { dims } = target.data;
  const ranges = given.inputRange ?? UNIT;
  const shape = [found.length, ...dims];
  const size = sizeOf(dims);
  const x = new Float64Array(found.length * size);
  for (const [i, { point }] of found.entries()) x.set(toUserUnits(point, ranges), i * size);

  const column = (values: readonly number[]) => int64([values.length], values);
  const file = join(directory, "adversarial.npz");
  await writeWhole(
    file,
    writeNpz({
      // Scaled values need more digits than float32 has to come back as they were.
      x: given.inputRange === undefined ? float32(shape, x) : tensor("float64", shape, x),
      y: column(found.map(({ record }) => record.label)),
      predicted: column(found.map(({ predicted }) => predicted)),
      index: column(found.map(({ record }) => record.index)),
    }),
  );
  if (found.length === 0) return [];
  const back = await openDataset(`npz:${file}?layout=hwc`, { inputRange: dataRange(ranges), dims });
  return Promise.all(found.map(async (_, i) => (await back.sample(i)).point));
}

async function stillFools(
  target: Target,
  threat: Threat,
  { record }: Adversarial,
  point: Float32Array,
): Promise<boolean> {
  const { point: clean } = await target.data.sample(record.index);
  if (threat.violation(point, threat.deployable(clean, clean)) !== null) return false;
  const predicted = predictedClass(await target.classifier.verify(point));
  return goalClasses(threat.goal, record.label, record.clean.scores).includes(predicted);
}
