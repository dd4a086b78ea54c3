import { z } from "zod";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { compileRelation, type NamedField, type Relation } from "./relation.ts";
import { ExpressionError } from "./tokens.ts";

export const ROW_SCHEMA = "blindspot-rows/1";

const name = z.string().min(1);
const common = {
  name,
  cost: z.number().positive().optional().describe("what a change costs, beside others (default 1)"),
};
const anyChange = z.enum(["any", "none", "increase", "decrease"]).optional();
const number = z.number();

const rowField = z.discriminatedUnion("type", [
  z.strictObject({
    ...common,
    type: z.literal("number"),
    min: number,
    max: number,
    step: z
      .number()
      .positive()
      .optional()
      .describe("legal values are min, min + step, ... (default: as fine as float32)"),
    change: anyChange,
  }),
  z.strictObject({ ...common, type: z.literal("integer"), min: z.int(), max: z.int(), change: anyChange }),
  z.strictObject({ ...common, type: z.literal("boolean"), change: anyChange }),
  z.strictObject({
    ...common,
    type: z.literal("category"),
    values: z.array(z.union([z.string(), number])).min(1),
    encoding: z.enum(["code", "one-hot"]).optional().describe("one number (default), or one 0 or 1 for each value"),
    codes: z.array(z.int()).optional().describe("of `code`: what the model takes for each value"),
    columns: z.array(name).optional().describe("of `one-hot`: the data's own columns of 0 and 1, one for each value"),
    change: z.enum(["any", "none"]).optional(),
  }),
]);

const rowSchemaFile = z.strictObject({
  $schema: z.string().optional(),
  schema: z.literal(ROW_SCHEMA),
  fields: z.array(rowField).min(1),
  relations: z.array(z.string()).optional(),
  ignore: z.array(name).optional().describe("columns of the data that the model does not take"),
});

/** A schema as written: see docs/rows.md. */
export type RowSchemaFile = z.infer<typeof rowSchemaFile>;
/** One field as written. */
export type RowField = z.infer<typeof rowField>;

/** A schema that was read: everything in it fits together. */
export interface RowSchema {
  readonly fields: readonly RowField[];
  readonly relations: readonly Relation[];
  readonly ignore: readonly string[];
  /** As written, for its identity. */
  readonly source: RowSchemaFile;
}

/** Levels that float32 can tell apart between 0 and 1. */
export const MOST_STEPS = 2 ** 24;

/**
 * Reads a schema from parsed JSON. Throws one BlindspotError that lists everything that is wrong with it: `E_SCHEMA` for its form,
 * `E_SCHEMA_FIELD` for fields that contradict themselves, `E_SCHEMA_RELATION` for relations, with the position in their text.
 * @param subject of messages: the file
 */
export function readRowSchema(json: unknown, subject: string): RowSchema {
  const parsed = rowSchemaFile.safeParse(json);
  if (!parsed.success)
    throw new BlindspotError(
      parsed.error.issues.map((issue) => ({
        code: "E_SCHEMA",
        subject,
        where: placeOf(issue.path, json),
        expected: issue.message,
      })),
    );
  const { fields, relations = [], ignore = [] } = parsed.data;
  const problems: Problem[] = [...fieldProblems(fields, subject), ...nameProblems(fields, ignore, subject)];
  const named = fields.map(namedField);
  const compiled = relations.flatMap((text, i) => {
    try {
      return compileRelation(text, named);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const where = `relation ${i + 1}, character ${error.at + 1}`;
      problems.push({
        code: "E_SCHEMA_RELATION",
        subject,
        where,
        got: `${error.message} in \`${text.slice(0, 200)}\``,
      });
      return [];
    }
  });
  if (problems.length > 0) throw new BlindspotError(problems);
  return { fields, relations: compiled, ignore, source: parsed.data };
}

/** `field income, step`, where the field has a name. */
function placeOf(path: readonly PropertyKey[], json: unknown): string {
  const [part, index, ...rest] = path;
  if (part !== "fields" || typeof index !== "number") return path.map(String).join(".") || "the file";
  const field = (json as { fields: { name?: unknown }[] }).fields[index];
  const called = typeof field?.name === "string" ? field.name : String(index);
  return [`field ${called}`, ...rest.map(String)].join(", ");
}

/** What relations know of a field. Categories of numbers are numbers to them. */
function namedField(field: RowField): NamedField {
  const { name } = field;
  if (field.type === "boolean") return { name, kind: "boolean" };
  const text = field.type === "category" && field.values.some((value) => typeof value === "string");
  return { name, kind: text ? "text" : "number" };
}

function fieldProblems(fields: readonly RowField[], subject: string): Problem[] {
  const problems: Problem[] = [];
  for (const field of fields) {
    const refuse = (expected: string, got: string) =>
      problems.push({ code: "E_SCHEMA_FIELD", subject, where: `field ${field.name}`, expected, got });
    if (field.type === "number" || field.type === "integer") {
      const { min, max } = field;
      const step = field.type === "integer" ? 1 : field.step;
      if (min > max) refuse("min <= max", `${min} and ${max}`);
      else if (step !== undefined && (max - min) / step > MOST_STEPS)
        refuse(`at most ${MOST_STEPS} steps: float32 can't tell more apart`, `${(max - min) / step}`);
    }
    if (field.type === "category") categoryProblems(field, refuse);
  }
  return problems;
}

function categoryProblems(
  { values, encoding = "code", codes, columns }: Extract<RowField, { type: "category" }>,
  refuse: (expected: string, got: string) => void,
): void {
  if (new Set(values.map(String)).size < values.length) refuse("each value once", "a value twice");
  if (new Set(values.map((value) => typeof value)).size > 1) refuse("texts or numbers", "both");
  if (
    encoding === "code" &&
    codes === undefined &&
    values.some((value) => typeof value === "number" && !Number.isInteger(value))
  )
    refuse("whole numbers as values, or `codes`", "fractions");
  if (
    codes !== undefined &&
    (encoding !== "code" || codes.length !== values.length || new Set(codes).size < codes.length)
  )
    refuse(`${values.length} different codes, and encoding "code"`, `${codes.length}, ${encoding}`);
  if (columns !== undefined && (encoding !== "one-hot" || columns.length !== values.length))
    refuse(`${values.length} columns, and encoding "one-hot"`, `${columns.length}, ${encoding}`);
}

function nameProblems(fields: readonly RowField[], ignore: readonly string[], subject: string): Problem[] {
  const seen = new Set<string>(ignore);
  const problems: Problem[] = [];
  for (const column of [...fields.map((field) => field.name), ...fields.flatMap(ownColumns)]) {
    if (seen.has(column))
      problems.push({ code: "E_SCHEMA_FIELD", subject, where: `field ${column}`, expected: "each name once" });
    seen.add(column);
  }
  return problems;
}

function ownColumns(field: RowField): readonly string[] {
  return field.type === "category" ? (field.columns ?? []) : [];
}
