import { BlindspotError } from "../base/errors.ts";
import { textPoint } from "../inputs/text/code-points.ts";
import { makeDataset } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { readSource } from "./files.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import type { DataSpec } from "./spec.ts";
import { findColumn, raggedness, readTable } from "./table.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Code points that a text may have. */
const LONGEST = 16_384;
/** Code points that an attack may add to the longest text. */
const ROOM = 256;

/** A text with its label, as the source has them. */
export interface LabeledText {
  readonly text: string;
  readonly label: string;
  readonly group?: string;
  /** Of the file, for messages. */
  readonly line: number;
}

type Options = OpenOptions & { maxBytes: number };

/**
 * Texts of a table: `text`, `label` and `group` name columns. A text is taken as it stands, blanks and all (`trim=yes`: without those around it).
 * Lines whose text or label is what `missing` says are left out.
 */
export async function openTextTable(spec: DataSpec, options: Options): Promise<Dataset> {
  const { rows, names, sha256 } = await readTable(spec, options.maxBytes, "no");
  const [text, label] = ["text", "label"].map((key) => findColumn(spec, key, names)) as [number, number];
  const group = spec.query.has("group") ? findColumn(spec, "group", names) : -1;
  if (text === label)
    throw dataError("--data", {
      code: "E_DATA_SPEC",
      where: "text",
      expected: "another column than label",
      got: names[text]!,
    });
  const missing = spec.query.get("missing");
  const problems = new RecordProblems(spec.path);
  const found = rows.flatMap((row): LabeledText[] => {
    const ragged = raggedness(row, names.length);
    if (ragged !== null) {
      problems.add(ragged);
      return [];
    }
    const { record, info } = row;
    if (missing !== undefined && [record[text], record[label]].includes(missing)) return [];
    const grouped = group < 0 ? {} : { group: record[group]! };
    return [{ text: record[text]!, label: record[label]!, ...grouped, line: info.lines }];
  });
  problems.throwIfAny("If quotation marks or separators are part of the texts, see quote= (docs/text.md)");
  return textDataset(spec, sha256, found, options);
}

/** Texts of JSON Lines: each line is an object, of which `text`, `label` and `group` name members. */
export async function openJsonLines(spec: DataSpec, options: Options): Promise<Dataset> {
  const { bytes, sha256 } = await readSource(spec.path, options.maxBytes);
  for (const key of ["text", "label"])
    if (!spec.query.get(key))
      throw dataError("--data", {
        code: "E_DATA_SPEC",
        where: key,
        expected: "the name of a member",
        hint: `Give jsonl:FILE?text=KEY&label=KEY`,
      });
  const problems = new RecordProblems(spec.path);
  const found = decodeUtf8(bytes, spec.path)
    .split("\n")
    .flatMap((line, i) => {
      if (line.trim() === "") return [];
      const read = readLine(spec, line);
      if (typeof read !== "string") return [{ ...read, line: i + 1 }];
      problems.add({ code: "E_JSONL", where: `line ${i + 1}`, expected: read });
      return [];
    });
  problems.throwIfAny();
  return textDataset(spec, sha256, found, options);
}

/** The text and label of a line, or what was expected of it. */
function readLine(spec: DataSpec, line: string): Omit<LabeledText, "line"> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "a JSON object";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "a JSON object";
  const member = (key: string): unknown => {
    const name = spec.query.get(key)!;
    return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  };
  const text = member("text");
  if (typeof text !== "string") return `a string '${spec.query.get("text")}'`;
  const [label, group] = [member("label"), spec.query.has("group") ? member("group") : ""];
  if (!isName(label)) return `a name or number '${spec.query.get("label")}'`;
  if (!isName(group)) return `a name or number '${spec.query.get("group")}'`;
  return { text, label: String(label), ...(spec.query.has("group") ? { group: String(group) } : {}) };
}

function isName(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** Points of a size that all texts share, with room for what attacks insert. */
export function textDataset(spec: DataSpec, sha256: string, found: readonly LabeledText[], options: Options): Dataset {
  if (found.length === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "labeled texts" });
  const problems = new RecordProblems(spec.path);
  let longest = 0;
  for (const { text, label, line } of found) {
    const where = `line ${line}`;
    if (label.trim() === "")
      problems.add({
        code: "E_DATA_LABEL",
        where,
        expected: "a label",
        got: "none",
        hint: "Leave such lines out with missing=",
      });
    try {
      longest = Math.max(longest, lengthOf(textPoint(text, Math.min(text.length, LONGEST))));
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      for (const { expected, got, where: at } of error.problems)
        problems.add({
          code: "E_DATA_TEXT",
          where: at === undefined ? where : `${where}, ${at}`,
          ...(expected === undefined ? {} : { expected }),
          ...(got === undefined ? {} : { got }),
        });
    }
  }
  problems.throwIfAny();
  const size = longest + ROOM;
  const resolved = resolveLabels(
    found.map(({ label }) => label),
    options.classes,
    spec.path,
    (record) => `line ${found[record]!.line}`,
  );
  const described = {
    spec: spec.text,
    sha256,
    modality: "text",
    dims: [size],
    naturalQuantize: "none",
    groups: spec.query.has("group") ? found.map(({ group }) => group!) : null,
    ...resolved,
  } as const;
  return makeDataset(described, (index) => textPoint(found[index]!.text, size));
}

function lengthOf(point: Float32Array): number {
  const end = point.indexOf(0);
  return end < 0 ? point.length : end;
}
