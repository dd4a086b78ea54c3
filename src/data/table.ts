import { CsvError, parse } from "csv-parse/sync";
import type { Problem } from "../base/errors.ts";
import { readSource } from "./files.ts";
import { dataError } from "./problems.ts";
import { choice, type DataSpec } from "./spec.ts";
import { decodeUtf8 } from "./utf8.ts";

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

/**
 * The lines and column names of a file of values separated by commas (`csv:`) or tabs (`tsv:`).
 * @param trim whether blanks around values are none of them, unless the query says
 */
export async function readTable(spec: DataSpec, maxBytes: number, trim: "yes" | "no" = "yes"): Promise<Table> {
  const { bytes, sha256 } = await readSource(spec.path, maxBytes);
  const rows = parseRows(bytes, spec, choice(spec, "trim", ["yes", "no"], trim) === "yes");
  const named = choice(spec, "header", ["yes", "no"], "yes") === "yes";
  const names = named ? (rows.shift()?.record ?? []) : (rows[0]?.record ?? []).map((_, i) => String(i));
  if (rows.length === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "lines of values" });
  return { rows, names, named, sha256 };
}

function parseRows(bytes: Uint8Array, spec: DataSpec, trim: boolean): TableRow[] {
  const quoted = choice(spec, "quote", ["double", "none"], "double") === "double";
  const text = decodeUtf8(bytes, spec.path);
  try {
    return parse(text, {
      delimiter: spec.kind === "tsv" ? "\t" : ",",
      quote: quoted ? '"' : false,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim,
    }) as unknown as TableRow[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const hint = quoted ? { hint: "If quotation marks are part of the texts, give quote=none" } : {};
    const expected = `${spec.kind === "tsv" ? "tab" : "comma"}-separated values`;
    throw dataError(spec.path, { code: "E_CSV_FORMAT", expected, got: error.message, ...hint }, error);
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
    hint: `Give ${spec.kind}:FILE?${key}=COLUMN`,
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
