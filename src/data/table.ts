import { CsvError, parse } from "csv-parse/sync";
import type { Problem } from "../base/errors.ts";
import { readSource } from "./files.ts";
import { dataError } from "./problems.ts";
import { choice, type DataSpec } from "./spec.ts";

/** A line of a table. */
export interface TableRow {
  readonly record: string[];
  /** `lines`: of the file, up to the end of this row. */
  readonly info: { readonly lines: number };
}

export interface Table {
  readonly rows: readonly TableRow[];
  /** Of the columns; numbers from 0 where the file has no header. */
  readonly names: readonly string[];
  readonly named: boolean;
  readonly sha256: string;
}

/** The lines and column names of a file of comma-separated values, as texts. */
export async function readTable(spec: DataSpec, maxBytes: number): Promise<Table> {
  const { bytes, sha256 } = await readSource(spec.path, maxBytes);
  const rows = parseRows(bytes, spec.path);
  const named = choice(spec, "header", ["yes", "no"], "yes") === "yes";
  const names = named ? (rows.shift()?.record ?? []) : (rows[0]?.record ?? []).map((_, i) => String(i));
  if (rows.length === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "lines of values" });
  return { rows, names, named, sha256 };
}

function parseRows(bytes: Uint8Array, path: string): TableRow[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parse(text, {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as TableRow[];
  } catch (error) {
    const got = error instanceof CsvError ? error.message : "bytes that are no UTF-8 text";
    throw dataError(path, { code: "E_CSV_FORMAT", expected: "comma-separated values", got }, error);
  }
}

/** The column that a query key names. */
export function findColumn(spec: DataSpec, key: string, names: readonly string[]): number {
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

/** A line with too few or too many values, or null. */
export function raggedness({ record, info }: TableRow, columns: number): Omit<Problem, "subject"> | null {
  if (record.length === columns) return null;
  return {
    code: "E_CSV_COLUMNS",
    where: `line ${info.lines}`,
    expected: `${columns} columns`,
    got: `${record.length}`,
  };
}
