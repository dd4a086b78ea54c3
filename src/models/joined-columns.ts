import { BlindspotError, type Problem } from "../base/errors.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { cloneModel, replaceUses, writeModel } from "../graph/index.ts";
import { type Model, Value } from "../graph/ir.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";
import type { RowField } from "../inputs/row/schema.ts";
import { codeFromDtype } from "../onnx/index.ts";
import { operators } from "../ops/index.ts";
import { type DType, float32, int64Vector, tensor } from "../tensor/tensor.ts";
import type { OpenedModel } from "./open-model.ts";
import { type MadeColumn, smoothColumns } from "./smooth-columns.ts";

type Category = Extract<RowField, { type: "category" }>;

const NUMBERS: ReadonlySet<DType> = new Set(["float32", "float64", "int32", "int64", "bool"] as const);

/**
 * A pipeline that was exported from a table takes its columns one by one, by name, texts among them. In their place comes one input that holds a row as the schema has it, from which each is made:
 * what the file computes stays as it is. `note` says so; null where the model takes rows already.
 *
 * Throws `E_MODEL_COLUMNS` where inputs and fields don't fit, all problems at once.
 */
export function withJoinedColumns(
  opened: OpenedModel,
  rows: RowSpace | undefined,
): { readonly opened: OpenedModel; readonly note: string | null } {
  if (rows === undefined || !takesColumns(opened)) return { opened, note: null };
  requireFit(opened, rows);
  const note = `its ${opened.model.graph.inputs.length} inputs are made of the fields of the schema`;
  const bytes = writeModel(joined(opened.model, rows).model);
  const { model, columns } = joined(opened.model, rows);
  smoothColumns(model.graph, columns);
  return { opened: { ...opened, model, bytes }, note };
}

/** A copy with one input. */
function joined(source: Model, rows: RowSpace): { readonly model: Model; readonly columns: readonly MadeColumn[] } {
  const model = cloneModel(source);
  const { graph } = model;
  const op = opBuilder(graph, operators);
  const before = graph.nodes.length;
  const row = new Value(op.freshName("row"), { dtype: "float32", shape: ["N", rows.size] });
  const columns = graph.inputs.map((input) => {
    const place = rows.schema.fields.findIndex(({ name }) => name === input.name);
    const made = columnOf(op, row, rows, place, input);
    replaceUses(graph, new Map([[input, made.value]]));
    return made;
  });
  graph.nodes.unshift(...graph.nodes.splice(before));
  graph.inputs = [row];
  return { model, columns };
}

/** Whether a model takes something else than one table of numbers. */
export function takesColumns({ model: { graph } }: OpenedModel): boolean {
  return graph.inputs.length > 1 || graph.inputs.some(({ dtype }) => dtype === "string");
}

function requireFit({ model: { graph }, label }: OpenedModel, { schema: { fields } }: RowSpace): void {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const problems: Problem[] = [];
  const refuse = (where: string, expected: string, got: string, hint?: string) =>
    problems.push({
      code: "E_MODEL_COLUMNS",
      subject: label,
      where,
      expected,
      got,
      ...(hint === undefined ? {} : { hint }),
    });
  for (const { name, dtype, shape } of graph.inputs) {
    const field = byName.get(name);
    const where = `input ${name}`;
    if (field === undefined) refuse(where, "a field of the schema with this name", "none");
    else if (shape === null || shape.length > 2 || (shape.length === 2 && shape[1] !== 1))
      refuse(where, "one column", `shape [${shape?.join(", ") ?? "?"}]`);
    else if (
      dtype === "string" &&
      (field.type !== "category" || field.values.some((value) => typeof value !== "string"))
    )
      refuse(where, "a category of texts, as the model takes it", `a field of type ${field.type}`);
    else if (dtype !== "string" && (dtype === null || !NUMBERS.has(dtype)))
      refuse(where, "numbers or texts", String(dtype));
    else if (dtype !== "string" && field.type === "category" && field.encoding === "one-hot")
      refuse(where, 'one number: encoding "code"', "one-hot");
  }
  const taken = new Set(graph.inputs.map(({ name }) => name));
  for (const { name } of fields)
    if (!taken.has(name))
      refuse(
        `field ${name}`,
        "an input of the model with this name",
        "none",
        'Columns that it does not take stand under "ignore"',
      );
  if (problems.length > 0) throw new BlindspotError(problems);
}

/** What an input takes of a row. */
function columnOf(op: OpBuilder, row: Value, rows: RowSpace, place: number, { dtype, rank }: Value): MadeColumn {
  const field = rows.schema.fields[place]!;
  const start = rows.starts[place]!;
  const numbers = op.Gather(row, int64Vector(rows.fields[place]!.boxes.map((_, i) => start + i)), { axis: 1 });
  const shaped = (value: Value) => (rank === 1 ? op.Reshape(value, int64Vector([-1])) : value);
  if (dtype !== "string") {
    const plain = shaped(numbers);
    return { value: op.Cast(plain, { to: codeFromDtype(dtype!) }), numbers: plain, category: null };
  }
  const { values, encoding } = field as Category;
  const index = indexOf(op, numbers, field as Category);
  const texts = values.map(String);
  const value = shaped(op.Gather(tensor("string", [texts.length], texts), index));
  return { value, numbers, category: { values: texts, index, hot: encoding === "one-hot" } };
}

/** Which of its values a category has: of one-hot the largest, of codes the nearest, by operators that old opsets have, too. */
function indexOf(op: OpBuilder, numbers: Value, { values, encoding = "code", codes }: Category): Value {
  if (encoding === "one-hot") return op.ArgMax(numbers, { axis: 1, keepdims: 1 });
  const known = float32([1, values.length], codes ?? values.map((_, i) => i));
  return op.ArgMin(op.Abs(op.Sub(numbers, known)), { axis: 1, keepdims: 1 });
}
