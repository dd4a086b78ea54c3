import type { Model, Node, Value } from "../../graph/ir.ts";
import { codeFromDtype } from "../../onnx/index.ts";
import type { Tensor } from "../../tensor/tensor.ts";

type Step = (value: number) => number;

/**
 * What trees read as one feature: a number of the model's input, scaled upwards; a constant; what a table says of each of its codes, in ascending order; or something else, which no tree may
 * look at.
 */
export type TreeColumn =
  | { readonly kind: "number"; readonly source: number; readonly steps: readonly Step[] }
  | { readonly kind: "constant"; readonly value: number }
  | {
      readonly kind: "table";
      readonly source: number;
      readonly codes: readonly number[];
      readonly values: readonly number[];
    }
  | null;

const FLOATS = new Set([codeFromDtype("float32"), codeFromDtype("float64")]);
const WHOLE = new Set([codeFromDtype("int32"), codeFromDtype("int64")]);
/** Longer chains are nothing that a pipeline makes. */
const DEEPEST = 64;
/** What gives the numbers of each row as they are, in their order. */
const PASSING = new Set(["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

/**
 * The columns that trees read, each as what it is of the model's input: pipelines of scikit-learn scale every feature by itself (`Scaler`; products, quotients, sums and differences with
 * constants; `Clip`; in float32 like the runtime), choose some, put them one after another, and encode categories. Null where anything else stands between.
 * @param size numbers of a row
 */
export function columnsOf(model: Model, read: Value | null | undefined, size: number): readonly TreeColumn[] | null {
  const [input] = model.graph.inputs;
  const known = new Map<Value, readonly TreeColumn[] | null>();
  const of = (value: Value | null | undefined, depth: number): readonly TreeColumn[] | null => {
    if (value == null || depth > DEEPEST) return null;
    if (value.name === input?.name)
      return Array.from({ length: size }, (_, source) => ({ kind: "number", source, steps: [] }));
    if (!known.has(value))
      known.set(value, value.producer === null ? null : made(value.producer, (one) => of(one, depth + 1)));
    return known.get(value)!;
  };
  return of(read, 0);
}

type Of = (value: Value | null | undefined) => readonly TreeColumn[] | null;

function made(node: Node, of: Of): readonly TreeColumn[] | null {
  const { op, domain, inputs } = node;
  const [first, second] = inputs;
  if (domain === "ai.onnx.ml") return madeByMl(node, of(first));
  if (domain !== "") return null;
  if (PASSING.has(op) || (op === "Cast" && FLOATS.has(node.int("to", 0)))) return of(first);
  if (op === "Cast" && WHOLE.has(node.int("to", 0))) return stepped(of(first), [1], () => Math.trunc);
  if (op === "Concat" && node.int("axis", 0) !== 0) {
    const parts = inputs.map(of);
    return parts.some((part) => part === null) ? null : parts.flatMap((part) => part!);
  }
  if (op === "Gather") return gathered(node, of);
  if (op === "MatMul") return encoded(of(first), second?.constant);
  if (op === "Clip") return clipped(node, of(first));
  // Nothing before it makes NaN of a number.
  if (op === "Where" && first?.producer?.op === "IsNaN" && first.producer.inputs[0] === inputs[2]) return of(inputs[2]);
  const constant = second?.constant ?? first?.constant;
  return constant == null
    ? null
    : arithmetic(op, of(second?.constant == null ? second : first), constant, second?.constant != null);
}

function madeByMl(node: Node, columns: readonly TreeColumn[] | null): readonly TreeColumn[] | null {
  // In the place of NaN, which never comes in.
  if (node.op === "Imputer" && Number.isNaN(node.float("replaced_value_float", 0))) return columns;
  if (node.op !== "Scaler") return null;
  const [offset, scale] = [node.numbers("offset") ?? [], node.numbers("scale") ?? []];
  return stepped(columns, scale, (f) => (value) => Math.fround(Math.fround(value - at(offset, f)) * at(scale, f)));
}

/** Some of the columns; or rows of a table, which are something else. */
function gathered(node: Node, of: Of): readonly TreeColumn[] | null {
  const [first, second] = node.inputs;
  const table = first?.constant;
  if (table != null) return lookedUp(table, second, of);
  const [columns, which] = [of(first), second?.constant];
  if (columns === null || which == null || node.int("axis", 0) === 0) return null;
  const places = Array.from(which.data as ArrayLike<number | bigint>, Number);
  return places.every((place) => place in columns) ? places.map((place) => columns[place]!) : null;
}

/** Rows of a table, by the code that a number is nearest to: how categories that a schema has as codes are encoded. */
function lookedUp(table: Tensor, index: Value | null | undefined, of: Of): readonly TreeColumn[] | null {
  const difference = index?.producer?.op === "ArgMin" ? index.producer.inputs[0]?.producer?.inputs[0]?.producer : null;
  const [numbers, known] = difference?.op === "Sub" ? difference.inputs : [];
  const [column] = of(numbers) ?? [];
  const codes = Array.from((known?.constant?.data ?? []) as ArrayLike<number>, Number);
  const width = table.data.length / codes.length;
  if (column?.kind !== "number" || column.steps.length > 0 || !Number.isInteger(width))
    return new Array<TreeColumn>(table.dims[1] ?? 1).fill(null);
  const cells = Array.from(table.data as ArrayLike<number | bigint>, Number);
  const order = codes.map((_, i) => i).sort((a, b) => codes[a]! - codes[b]!);
  return Array.from({ length: width }, (_, c) => ({
    kind: "table",
    source: column.source,
    codes: order.map((i) => codes[i]!),
    values: order.map((i) => cells[i * width + c]!),
  }));
}

/** A product with a matrix of 0 and 1, at most one of them 1 in each column: numbers in another order, and 0 where there is none. */
function encoded(
  columns: readonly TreeColumn[] | null,
  matrix: Tensor | null | undefined,
): readonly TreeColumn[] | null {
  const [rows, width] = matrix?.dims ?? [];
  if (columns === null || matrix == null || matrix.dims.length !== 2 || rows !== columns.length) return null;
  const cells = Array.from(matrix.data as ArrayLike<number | bigint>, Number);
  if (cells.some((cell) => cell !== 0 && cell !== 1)) return new Array<TreeColumn>(width!).fill(null);
  return Array.from({ length: width! }, (_, c): TreeColumn => {
    const ones = columns.filter((__, r) => cells[r * width! + c] === 1);
    return ones.length > 1 ? null : ones.length === 0 ? { kind: "constant", value: 0 } : ones[0]!;
  });
}

function clipped({ inputs, attributes }: Node, columns: readonly TreeColumn[] | null) {
  // Before opset 11 the ends are attributes: pipelines that old scale nothing with it.
  const ends = [inputs[1], inputs[2]].map((end) => (end == null ? null : (end.constant?.data ?? [])));
  if (attributes.size > 0 || ends.some((end) => end !== null && end.length !== 1)) return null;
  const [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY] = ends.map((end) =>
    end === null ? undefined : Number(end[0]),
  );
  return stepped(columns, [1], () => (value) => Math.min(Math.max(value, low), high));
}

function arithmetic(op: string, columns: readonly TreeColumn[] | null, constant: Tensor, isSecond: boolean) {
  const steps: Readonly<Record<string, (value: number, other: number) => number>> = {
    Add: (value, other) => value + other,
    Sub: (value, other) => value - other,
    Mul: (value, other) => value * other,
    Div: (value, other) => value / other,
  };
  const step = steps[op];
  const isByColumn = constant.data.length === 1 || constant.data.length === constant.dims.at(-1);
  if (step === undefined || !isByColumn || (!isSecond && (op === "Sub" || op === "Div"))) return null;
  const numbers = Array.from(constant.data as ArrayLike<number | bigint>, Number);
  const scale = op === "Mul" || op === "Div" ? numbers : [1];
  return stepped(columns, scale, (f) => (value) => Math.fround(step(value, at(numbers, f))));
}

/** Each column one step further; null where that would turn one. */
function stepped(
  columns: readonly TreeColumn[] | null,
  scale: readonly number[],
  stepOf: (feature: number) => Step,
): readonly TreeColumn[] | null {
  if (columns === null || scale.length === 0 || !scale.every((one) => one > 0 && Number.isFinite(one))) return null;
  return columns.map((column, f): TreeColumn => {
    if (column === null) return null;
    const step = stepOf(f);
    if (column.kind === "constant") return { ...column, value: step(column.value) };
    return column.kind === "table"
      ? { ...column, values: column.values.map(step) }
      : { ...column, steps: [...column.steps, step] };
  });
}

function at(values: readonly number[], feature: number): number {
  return values.length === 1 ? values[0]! : (values[feature] ?? Number.NaN);
}
