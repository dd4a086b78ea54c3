import { fieldsOf, makeDataset, scaleRows, UNIT_RANGE } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { readSource } from "./files.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import type { DataSpec } from "./spec.ts";

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;
/** A feature with a higher number makes every row too long for a model of vectors. */
const MOST_FEATURES = 1_000_000;

/**
 * Sparse vectors as LIBSVM writes them: `label index:value index:value ...`, one a line; what a line leaves out is 0. A feature's index is its position in the row, from 0,
 * as files of that format that begin at 1 leave position 0 at zero; `first=1` counts from 1. `features=N` says how long rows are (default: to the highest index).
 */
export async function openLibsvm(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  const { bytes, sha256 } = await readSource(spec.path, options.maxBytes);
  const problems = new RecordProblems(spec.path);
  const first = count(spec, "first", [0, 1]) ?? 0;
  const lines = decoded(bytes, spec.path)
    .split(/\r?\n/)
    .map((text, i) => ({ text: text.replace(/#.*/, "").trim(), where: `line ${i + 1}` }))
    .filter(({ text }) => text !== "");
  if (lines.length === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "lines of label index:value" });
  const rows = lines.map(({ text, where }) => readLine(text, where, first, problems));
  problems.throwIfAny();
  const highest = rows.reduce((most, { cells }) => cells.reduce((m, [index]) => Math.max(m, index + 1), most), 0);
  const size = count(spec, "features") ?? highest;
  if (size < highest)
    throw dataError(spec.path, {
      code: "E_DATA_SHAPE",
      expected: `${size} features`,
      got: `an index of ${highest - 1 + first}`,
    });
  if (size === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "at least one feature" });
  const values = new Float64Array(rows.length * size);
  for (const [row, { cells }] of rows.entries()) for (const [index, value] of cells) values[row * size + index] = value;
  const range = options.inputRange ?? UNIT_RANGE;
  const where = (row: number, feature: number) => `${lines[row]!.where}, index ${feature + first}`;
  const scaled = scaleRows(values, size, range, spec.path, where);
  const dims = options.dims ?? [size];
  if (dims.reduce((a, b) => a * b, 1) !== size)
    throw dataError(spec.path, { code: "E_DATA_SHAPE", expected: dims.join("x"), got: `${size} features` });
  const described = {
    spec: spec.text,
    sha256,
    dims,
    naturalQuantize: "none",
    fields: fieldsOf(size, range),
    groups: null,
    ...resolveLabels(
      rows.map(({ label }) => label),
      options.classes,
      spec.path,
      (row) => lines[row]!.where,
    ),
  } as const;
  return makeDataset(described, (row) => scaled.slice(row * size, (row + 1) * size));
}

function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw dataError(path, { code: "E_LIBSVM_FORMAT", expected: "text in UTF-8", got: "other bytes" }, error);
  }
}

function count(spec: DataSpec, key: string, values?: readonly number[]): number | null {
  const text = spec.query.get(key);
  if (text === undefined) return null;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (values === undefined ? value >= 1 && value <= MOST_FEATURES : values.includes(value)) return value;
  const expected = values?.join(" or ") ?? `a number from 1 to ${MOST_FEATURES}`;
  throw dataError("--data", { code: "E_DATA_SPEC", where: key, expected, got: text });
}

function readLine(
  text: string,
  where: string,
  first: number,
  problems: RecordProblems,
): { label: string; cells: (readonly [number, number])[] } {
  const [label = "", ...parts] = text.split(/\s+/);
  const cells: (readonly [number, number])[] = [];
  const seen = new Set<number>();
  for (const part of parts) {
    const [key = "", value = ""] = part.split(":");
    const index = /^\d+$/.test(key) ? Number(key) - first : Number.NaN;
    const expected =
      !(index >= 0 && index < MOST_FEATURES) || !NUMBER.test(value) || part.split(":").length !== 2
        ? `index:value, indices from ${first} to ${MOST_FEATURES}`
        : seen.has(index)
          ? "each index once"
          : null;
    if (expected !== null) problems.add({ code: "E_LIBSVM_FORMAT", where, expected, got: `'${part.slice(0, 40)}'` });
    else cells.push([index, Number(value)]);
    seen.add(index);
  }
  if (!NUMBER.test(label))
    problems.add({ code: "E_LIBSVM_FORMAT", where, expected: "a label first", got: `'${label.slice(0, 40)}'` });
  return { label: NUMBER.test(label) ? String(Number(label)) : label, cells };
}
