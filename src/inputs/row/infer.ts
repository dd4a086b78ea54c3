import { ROW_SCHEMA, type RowField, type RowSchemaFile } from "./schema.ts";

/** Numbers with at most so many different values, none of them fractions, may be codes: a note says so. */
const FEW = 12;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;

/** A schema as inferred, with what its owner should look at. */
export interface InferredSchema {
  readonly schema: RowSchemaFile;
  readonly notes: readonly string[];
}

/**
 * A schema of the rows as they are: ranges, steps and values are those that occur, everything may change, nothing is related. To be edited by someone who
 * knows what a row means.
 * @param names of the columns, without the label
 * @param rows texts of these columns
 */
export function inferSchema(names: readonly string[], rows: readonly (readonly string[])[]): InferredSchema {
  const notes: string[] = [];
  const fields = names.map((name, column): RowField => {
    const distinct = [...new Set(rows.map((row) => row[column]!.trim()))];
    const texts = distinct.filter((text) => !NUMBER.test(text));
    if (texts.length > 0) {
      if (texts.length < distinct.length)
        notes.push(`${name}: texts among numbers (${texts.slice(0, 3).join(", ")}): read as a category`);
      return { name, type: "category", values: distinct.sort(), encoding: "code" };
    }
    return numeric(name, distinct, notes);
  });
  return { schema: { schema: ROW_SCHEMA, fields, relations: [] }, notes };
}

function numeric(name: string, distinct: readonly string[], notes: string[]): RowField {
  const values = distinct.map(Number);
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  if (values.length === 2 && min === 0 && max === 1) return { name, type: "boolean" };
  if (values.every(Number.isInteger)) {
    if (values.length <= FEW) notes.push(`${name}: ${values.length} whole numbers: a category, perhaps`);
    return { name, type: "integer", min, max };
  }
  const decimals = Math.max(...distinct.map(decimalsOf));
  // More digits than a person types are a measured number.
  return decimals > 6
    ? { name, type: "number", min, max }
    : { name, type: "number", min, max, step: Number(`1e-${decimals}`) };
}

/** Digits behind the point as written; `1.5e-3` has 4. */
function decimalsOf(text: string): number {
  const [digits = "", exponent = "0"] = text.toLowerCase().split("e");
  return Math.max(0, (digits.split(".")[1] ?? "").length - Number(exponent));
}
