import { join } from "node:path";
import { writeWhole } from "../assess/files.ts";
import { openDataset } from "../data/index.ts";
import type { FieldValue, RowSpace } from "../inputs/index.ts";

export const ROWS_FILE = "adversarial.csv";

/** Rows as the data holds them, with their true labels, so that `--schema` reads them again; returns them read back. */
export async function saveRows(
  directory: string,
  space: RowSpace,
  points: readonly Float32Array[],
  labels: readonly number[],
  classes: readonly string[],
): Promise<Float32Array[]> {
  if (points.length === 0) return [];
  const file = join(directory, ROWS_FILE);
  const names = labels.map((label) => classes[label]!);
  const label = await writeRows(file, space, points, names);
  const back = await openDataset(`csv:${file}?label=${encodeURIComponent(label)}`, { rows: space, classes });
  return Promise.all(points.map(async (_, i) => (await back.sample(i)).point));
}

/** Writes rows as the data holds them, with the names of their classes; returns the name of that column. */
export async function writeRows(
  file: string,
  space: RowSpace,
  points: readonly Float32Array[],
  names: readonly string[],
): Promise<string> {
  const columns = space.columns.flat();
  const label = freeName(columns, "label");
  const lines = points.map((point, i) => [...cellsOf(space, point), names[i]!]);
  await writeWhole(file, `${csvText([[...columns, label], ...lines])}\n`);
  return label;
}

/** RFC 4180, each value as it is: for programs, not for spreadsheets. */
export function csvText(lines: readonly (readonly FieldValue[])[]): string {
  return lines.map((line) => line.map(quoted).join(",")).join("\n");
}

function freeName(taken: readonly string[], name: string): string {
  return taken.includes(name) ? freeName(taken, `${name}_`) : name;
}

function cellsOf(space: RowSpace, point: Float32Array): FieldValue[] {
  const levels = space.levels(point);
  return space.columns.flatMap((own, f) => {
    const field = space.fields[f]!;
    return own.length === 1 ? [field.value(levels[f]!)] : own.map((_, value) => Number(value === levels[f]));
  });
}

function quoted(value: FieldValue): string {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
