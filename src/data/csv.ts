import { CsvError, parse } from "csv-parse/sync";
import { fieldsOf, makeDataset, scaleRows, UNIT_RANGE } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { readSource } from "./files.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import { choice, type DataSpec } from "./spec.ts";

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;

interface Row {
  readonly record: string[];
  /** `lines`: of the file, up to the end of this row. */
  readonly info: { readonly lines: number };
}

/**
 * Vectors of numbers, one a line. `label` (and `group`) name a column of the header; with `header=no`, columns are numbered from 0 and -1 is the last.
 * Everything else in a line is a feature.
 */
export async function openCsv(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  const { bytes, sha256 } = await readSource(spec.path, options.maxBytes);
  const rows = parseRows(bytes, spec.path);
  const named = choice(spec, "header", ["yes", "no"], "yes") === "yes";
  const names = named ? (rows.shift()?.record ?? []) : (rows[0]?.record ?? []).map((_, i) => String(i));
  if (rows.length === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "lines of numbers" });
  const label = findColumn(spec, "label", names);
  const group = spec.query.has("group") ? findColumn(spec, "group", names) : -1;
  const features = names.map((_, i) => i).filter((i) => i !== label && i !== group);
  const where = (row: number, feature: number) => `line ${rows[row]!.info.lines}, column ${names[features[feature]!]}`;
  const values = readNumbers(rows, features, names.length, spec.path, where);
  const range = options.inputRange ?? UNIT_RANGE;
  const scaled = scaleRows(values, features.length, range, spec.path, where);
  const dims = options.dims ?? [features.length];
  if (dims.reduce((a, b) => a * b, 1) !== features.length)
    throw dataError(spec.path, { code: "E_DATA_SHAPE", expected: dims.join("x"), got: `${features.length} features` });
  const described = {
    spec: spec.text,
    sha256,
    dims,
    naturalQuantize: "none",
    fields: fieldsOf(features.length, range, named ? features.map((column) => names[column]!) : null),
    groups: group < 0 ? null : rows.map((row) => row.record[group]!),
    ...resolveLabels(
      rows.map((row) => row.record[label]!),
      options.classes,
      spec.path,
      (row) => `line ${rows[row]!.info.lines}`,
    ),
  } as const;
  return makeDataset(described, (row) => scaled.slice(row * features.length, (row + 1) * features.length));
}

function parseRows(bytes: Uint8Array, path: string): Row[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parse(text, {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as Row[];
  } catch (error) {
    const got = error instanceof CsvError ? error.message : "bytes that are no UTF-8 text";
    throw dataError(path, { code: "E_CSV_FORMAT", expected: "comma-separated values", got }, error);
  }
}

function findColumn(spec: DataSpec, key: string, names: readonly string[]): number {
  const wanted = spec.query.get(key) ?? "";
  const index = wanted === "-1" && !names.includes("-1") ? names.length - 1 : names.indexOf(wanted);
  if (index >= 0) return index;
  const shown = names.slice(0, 20).join(", ");
  throw dataError("--data", {
    code: "E_DATA_SPEC",
    where: key,
    expected: `a column: ${shown}`,
    got: `'${wanted}'`,
    hint: `Give csv:FILE?${key}=COLUMN`,
  });
}

function readNumbers(
  rows: readonly Row[],
  features: readonly number[],
  columns: number,
  path: string,
  where: (row: number, feature: number) => string,
): Float64Array {
  const problems = new RecordProblems(path);
  const values = new Float64Array(rows.length * features.length);
  rows.forEach(({ record, info }, row) => {
    if (record.length !== columns) {
      problems.add({
        code: "E_CSV_COLUMNS",
        where: `line ${info.lines}`,
        expected: `${columns} columns`,
        got: `${record.length}`,
      });
      return;
    }
    features.forEach((column, feature) => {
      const text = record[column]!;
      if (NUMBER.test(text)) values[row * features.length + feature] = Number(text);
      else problems.add({ code: "E_CSV_NUMBER", where: where(row, feature), expected: "a number", got: `'${text}'` });
    });
  });
  problems.throwIfAny();
  return values;
}
