import type { Dataset } from "./dataset.ts";
import { DEFAULT_MAX_BYTES, type OpenOptions } from "./options.ts";
import { dataError, RecordProblems } from "./problems.ts";
import type { DataSpec } from "./spec.ts";
import { raggedness, readTable } from "./table.ts";
import { type LabeledText, textDataset } from "./texts.ts";

const COLUMNS = ["original_text", "perturbed_text", "ground_truth_output", "result_type"] as const;
/** How its logger writes a line break inside a text. */
const LINE_BREAK = "<SPLIT>";

/**
 * The CSV log of TextAttack (`textattack attack --log-to-csv`): the texts that it says fool the model, and the texts that they were made from, line by line.
 * Its logger puts changed words into [[double brackets]] and writes line breaks as <SPLIT>; both are taken back, so a text that has double brackets of
 * its own loses them. Attacks that failed or were skipped are left out.
 */
export async function openTextAttack(
  path: string,
  options: OpenOptions,
): Promise<{ readonly inputs: Dataset; readonly clean: Dataset }> {
  const spec: DataSpec = { text: `textattack:${path}`, kind: "csv", path, query: new Map() };
  const limits = { maxBytes: DEFAULT_MAX_BYTES, ...options };
  const { rows, names, sha256 } = await readTable(spec, limits.maxBytes, "no");
  const places = COLUMNS.map((name) => names.indexOf(name)) as [number, number, number, number];
  const missing = COLUMNS.filter((_, i) => places[i]! < 0);
  if (missing.length > 0)
    throw dataError(path, {
      code: "E_TEXTATTACK",
      expected: `the columns of TextAttack's CSV log: ${COLUMNS.join(", ")}`,
      got: `none named ${missing.join(", ")}`,
    });
  const [original, perturbed, label, outcome] = places;
  const problems = new RecordProblems(path);
  const sides: { inputs: LabeledText[]; clean: LabeledText[] } = { inputs: [], clean: [] };
  for (const row of rows) {
    const ragged = raggedness(row, names.length);
    if (ragged !== null) problems.add(ragged);
    if (ragged !== null || row.record[outcome] !== "Successful") continue;
    const text = (column: number) => ({
      text: unmarked(row.record[column]!),
      label: row.record[label]!,
      line: row.info.lines,
    });
    sides.inputs.push(text(perturbed));
    sides.clean.push(text(original));
  }
  problems.throwIfAny();
  if (sides.inputs.length === 0)
    throw dataError(path, { code: "E_DATA_EMPTY", expected: "attacks with the result_type Successful" });
  return {
    inputs: textDataset(spec, sha256, sides.inputs, limits),
    clean: textDataset(spec, sha256, sides.clean, limits),
  };
}

function unmarked(text: string): string {
  return text.replaceAll(/\[\[(.*?)\]\]/g, "$1").replaceAll(LINE_BREAK, "\n");
}
