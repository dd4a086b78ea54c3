import { fieldsOf, makeDataset, scaleRows, UNIT_RANGE } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import { openRows } from "./rows.ts";
import type { DataSpec } from "./spec.ts";
import { findColumn, raggedness, readTable, type TableRow } from "./table.ts";
import { openTextTable } from "./texts.ts";

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;

/**
 * A table: texts (`text` names their column), rows of a schema, or vectors of numbers, one a line. `label` (and `group`) name a column of the header; with `header=no`, columns are numbered from 0 and -1 is the last.
 * Everything else in a line is a feature.
 */
export async function openCsv(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  if (options.rows !== undefined) return openRows(spec, options.rows, options);
  if (spec.query.has("text")) return openTextTable(spec, options);
  const { rows, names, named, sha256 } = await readTable(spec, options.maxBytes);
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

function readNumbers(
  rows: readonly TableRow[],
  features: readonly number[],
  columns: number,
  path: string,
  where: (row: number, feature: number) => string,
): Float64Array {
  const problems = new RecordProblems(path);
  const values = new Float64Array(rows.length * features.length);
  rows.forEach((line, row) => {
    const ragged = raggedness(line, columns);
    if (ragged !== null) {
      problems.add(ragged);
      return;
    }
    const { record } = line;
    features.forEach((column, feature) => {
      const text = record[column]!;
      if (NUMBER.test(text)) values[row * features.length + feature] = Number(text);
      else
        problems.add({
          code: "E_CSV_NUMBER",
          where: where(row, feature),
          expected: "a number",
          got: `'${text}'`,
          hint: "Columns of texts take a schema, --schema: blindspot init --data writes one",
        });
    });
  });
  problems.throwIfAny();
  return values;
}
