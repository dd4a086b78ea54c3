import { type InferredSchema, inferSchema } from "../inputs/row/infer.ts";
import type { Levels, RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { makeDataset } from "./arrays.ts";
import { Contradictions } from "./contradictions.ts";
import type { Dataset } from "./dataset.ts";
import { resolveLabels } from "./labels.ts";
import { DEFAULT_MAX_BYTES, type OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import { type DataSpec, parseDataSpec } from "./spec.ts";
import { findColumn, raggedness, readTable, type Table } from "./table.ts";

/** A cell of a line, by column name. */
type Cell = (column: string) => string;

/**
 * A table read by a schema: a point has a coordinate for each number that the model takes. Columns are found by name (numbers from 0 where the
 * file has no header); every line must be legal and keep the relations. One error lists what is not. Lines in which a value is what `missing` says are left out.
 */
export async function openRows(
  spec: DataSpec,
  space: RowSpace,
  options: OpenOptions & { maxBytes: number },
): Promise<Dataset> {
  const table = withoutMissing(spec, await readTable(spec, options.maxBytes), space.schema.ignore);
  const { rows, names, sha256 } = table;
  const label = findColumn(spec, "label", names);
  const group = spec.query.has("group") ? findColumn(spec, "group", names) : -1;
  requireColumns(spec, space, table, [label, group]);
  const problems = new Contradictions(spec.path);
  const points = rows.map((line) => {
    const at = line.info.lines;
    if (line.record.length === names.length) return readRow(space, line.record, names, at, problems);
    problems.add(at, "", { code: "E_CSV_COLUMNS", expected: `${names.length} columns` }, `${line.record.length}`);
    return null;
  });
  problems.throwIfAny(rows.length);
  const resolved = resolveLabels(
    rows.map(({ record }) => record[label]!),
    options.classes,
    spec.path,
    (row) => `line ${rows[row]!.info.lines}`,
  );
  const described = {
    spec: spec.text,
    sha256,
    dims: [space.size],
    naturalQuantize: "none",
    rows: space,
    groups: group < 0 ? null : rows.map(({ record }) => record[group]!),
    ...resolved,
  } as const;
  return makeDataset(described, (row) => space.point(points[row]!));
}

/** Without the lines in which a column that counts holds what `missing` says. */
function withoutMissing(spec: DataSpec, table: Table, ignore: readonly string[]): Table {
  const missing = spec.query.get("missing");
  if (missing === undefined) return table;
  const counts = table.names.map((name) => !ignore.includes(name));
  const rows = table.rows.filter(({ record }) => !record.some((cell, i) => cell === missing && counts[i] === true));
  if (rows.length > 0) return { ...table, rows };
  throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: `a line without '${missing}'`, got: "none" });
}

/** Each column must be a field (or of one), the label, the group, or ignored; each field must have its columns. */
function requireColumns(spec: DataSpec, space: RowSpace, { names }: Table, others: readonly number[]): void {
  const wanted = space.columns.flat();
  const problems = new RecordProblems(spec.path);
  for (const column of wanted.filter((one) => !names.includes(one)))
    problems.add({ code: "E_ROW_COLUMN", where: column, expected: "a column of the data", got: "none of this name" });
  for (const [i, column] of names.entries())
    if (!others.includes(i) && !wanted.includes(column) && !space.schema.ignore.includes(column))
      problems.add({
        code: "E_ROW_COLUMN",
        where: column,
        expected: "a field of the schema, or a name in its `ignore`",
        got: "neither",
      });
  if (others[0]! >= 0 && wanted.includes(names[others[0]!]!))
    problems.add({ code: "E_ROW_COLUMN", where: names[others[0]!]!, expected: "the label or a field", got: "both" });
  problems.throwIfAny();
}

function readRow(
  space: RowSpace,
  record: readonly string[],
  names: readonly string[],
  line: number,
  problems: Contradictions,
): Levels | null {
  const cell: Cell = (column) => record[names.indexOf(column)]!;
  let legal = true;
  const levels = Int32Array.from(space.fields, (field, f) => {
    const columns = space.columns[f]!;
    const level = columns.length === 1 ? field.parse(cell(columns[0]!)) : hotColumn(columns.map(cell));
    if (level !== null) return level;
    legal = false;
    const expected = columns.length === 1 ? field.legal : `a single 1 among ${columns.join(", ")}, else 0`;
    problems.add(line, field.name, { code: "E_ROW_VALUE", expected }, columns.map(cell).join(", "));
    return 0;
  });
  if (!legal) return null;
  const broken = space.broken(levels);
  if (broken === null) return levels;
  problems.add(line, "", { code: "E_ROW_RELATION", expected: broken }, "rows that break it");
  return null;
}

/** Which of the columns holds the 1. */
function hotColumn(texts: readonly string[]): number | null {
  const numbers = texts.map((text) => (text === "" ? Number.NaN : Number(text)));
  const ones = numbers.filter((number) => number === 1).length;
  return ones === 1 && numbers.every((number) => number === 0 || number === 1) ? numbers.indexOf(1) : null;
}

/**
 * A first schema of a table, to be edited: the columns but label and group (where the query names them), with the ranges and values that occur.
 * @param spec `csv:FILE?label=COLUMN`
 */
export async function inferRows(
  spec: string,
  { maxBytes = DEFAULT_MAX_BYTES }: OpenOptions = {},
): Promise<InferredSchema> {
  const parsed = parseDataSpec(spec);
  if (parsed.kind !== "csv" && parsed.kind !== "tsv")
    throw dataError("--data", { code: "E_DATA_KIND", expected: "csv:FILE or tsv:FILE", got: spec });
  const { rows, names } = withoutMissing(parsed, await readTable(parsed, maxBytes), []);
  const problems = new RecordProblems(parsed.path);
  for (const row of rows) {
    const ragged = raggedness(row, names.length);
    if (ragged !== null) problems.add(ragged);
  }
  problems.throwIfAny();
  const others = ["label", "group"].filter((key) => parsed.query.has(key)).map((key) => findColumn(parsed, key, names));
  const columns = [...names.keys()].filter((column) => !others.includes(column));
  const inferred = inferSchema(
    columns.map((column) => names[column]!),
    rows.map(({ record }) => columns.map((column) => record[column]!)),
  );
  readRowSchema(inferred.schema, parsed.path);
  return inferred;
}
