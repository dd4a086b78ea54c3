import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { cloneModel, replaceUses } from "../graph/index.ts";
import { type Graph, type Model, Value } from "../graph/ir.ts";
import { codeFromDtype } from "../onnx/index.ts";
import type { OpTable } from "../ops/define.ts";
import { type DType, float32, int64Vector, isFloat, type NumericDType, scalar, tensor } from "../tensor/tensor.ts";
import type { Arrangement } from "./arrangement.ts";
import { isIdentity, type Preprocessing, type Units } from "./preprocessing.ts";
import type { ScoreHead } from "./score-head.ts";
import { widenFloat16 } from "./widen-float16.ts";

/** The model as attacks see it: one input of rows in attack space, one output of logits [N, classes], both float32. */
export interface AttackGraph {
  readonly model: Model;
  readonly input: string;
  readonly output: string;
}

export interface AttackGraphOptions {
  readonly table: OpTable;
  readonly arrangement: Arrangement;
  readonly preprocessing: Preprocessing;
  readonly head: ScoreHead;
  /** Rows per pass, or the name of the free dimension. */
  readonly batch: number | string;
}

/**
 * Writes the preprocessing and the way to the logits into a copy of the model. `source` is left as it is; weights are shared, but for
 * float16, which is widened to float32. All nodes added are of operators whose form is the same from opset 7 on.
 */
export function buildAttackGraph(source: Model, options: AttackGraphOptions): AttackGraph {
  const model = cloneModel(source);
  widenFloat16(model);
  const { graph } = model;
  const input = graph.inputs[0]!;
  const logits = valueNamed(graph, options.head.logits.name);
  const op = opBuilder(graph, options.table);
  const forward = graph.nodes.length;

  const x = new Value(op.freshName("x"), { dtype: "float32", shape: [options.batch, ...options.arrangement.dims] });
  const fed = appendModelInput(op, x, input, options);
  graph.nodes.unshift(...graph.nodes.splice(forward));
  replaceUses(graph, new Map([[input, fed]]));
  const z = appendLogits(op, logits === input ? fed : logits, options);

  graph.inputs = [x];
  graph.outputs = [z];
  return { model, input: x.name, output: z.name };
}

function valueNamed(graph: Graph, name: string): Value {
  const values = [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)];
  return values.find((value) => value.name === name)!;
}

type InputOptions = Pick<AttackGraphOptions, "arrangement" | "preprocessing" | "batch">;

/** What the model's input is for rows of attack space: preprocessing, order, shape and element type. */
export function appendModelInput(op: OpBuilder, x: Value, input: Value, options: InputOptions): Value {
  return feed(op, appendPreprocessing(op, x, options), input);
}

/** The same steps as `toModelUnits` and `toModelOrder`, on a batch. */
function appendPreprocessing(op: OpBuilder, x: Value, options: InputOptions): Value {
  const { arrangement, preprocessing, batch } = options;
  const { dims, order, shape, hasBatch } = arrangement;
  let v = appendUnits(op, x, preprocessing.units);
  if (preprocessing.reverseChannels) v = op.Gather(v, int64Vector([2, 1, 0]), { axis: 3 });
  if (order === "chw" && dims[2] !== 1) v = op.Transpose(v, { perm: [0, 3, 1, 2] });
  const current = order === "chw" ? [dims[2]!, dims[0]!, dims[1]!] : dims;
  const moved = order === "chw" && dims[2] === 1;
  if (hasBatch && !moved && current.join() === shape.join()) return v;
  return op.Reshape(v, int64Vector(hasBatch ? [rowsOf(batch), ...shape] : shape));
}

function appendUnits(op: OpBuilder, x: Value, units: Units): Value {
  if (isIdentity(units)) return x;
  const constant = (values: readonly number[]) => float32(values.length === 1 ? [] : [values.length], values);
  if (units.kind === "grid") return appendGrid(op, x, units);
  if (units.kind === "normalize") return op.Div(op.Sub(x, constant(units.mean)), constant(units.std));
  const widths = units.high.map((high, i) => high - units.low[i]!);
  const scaled = op.Mul(x, constant(widths));
  return units.low.every((low) => low === 0) ? scaled : op.Add(scaled, constant(units.low));
}

/** Below 1/2, a difference of places times this is an integer that int64 holds exactly. */
const FINEST = 2 ** 61;

/**
 * The very values that `toModelUnits` gives, in float64: a tree's threshold may lie exactly on one of them. Gradients pass straight through: what
 * rounding adds to a place goes through integers, where none flow.
 */
function appendGrid(op: OpBuilder, x: Value, { low, high, steps }: Extract<Units, { kind: "grid" }>): Value {
  const constant = (values: readonly number[]) => tensor("float64", [values.length], Float64Array.from(values));
  const number = (value: number) => scalar("float64", value);
  const double = codeFromDtype("float64");
  const truncate = (v: Value) => op.Cast(op.Cast(v, { to: codeFromDtype("int64") }), { to: double });
  const place = op.Mul(op.Cast(x, { to: double }), constant(steps));
  const nearest = truncate(op.Add(place, number(0.5)));
  const rounding = truncate(op.Mul(op.Sub(nearest, place), number(FINEST)));
  const rounded = op.Add(place, op.Mul(rounding, number(1 / FINEST)));
  const widths = steps.map((count, i) => (high[i]! - low[i]!) / count);
  const v = op.Add(op.Mul(rounded, constant(widths)), constant(low));
  return op.Cast(v, { to: codeFromDtype("float32") });
}

/**
 * Converts to the element type of the model's input. Where the model itself begins by casting integers to floats, the floats are handed to
 * that Cast as they are: gradients then pass straight through. Other integer inputs are quantized, with ONNX's own rounding.
 */
function feed(op: OpBuilder, v: Value, input: Value): Value {
  const dtype = input.dtype ?? "float32";
  if (dtype === "float32") return v;
  if (isFloat(dtype)) return op.Cast(v, { to: codeFromDtype(dtype) });
  if (readersOf(op.graph, input).every((reader) => reader === "Cast")) return v;
  if (dtype === "uint8" || dtype === "int8")
    return op.QuantizeLinear(v, scalar("float32", 1), scalar(dtype as NumericDType, 0));
  return op.Cast(v, { to: codeFromDtype(dtype) });
}

/** A free batch size is Reshape's -1. */
function rowsOf(batch: number | string): number {
  return typeof batch === "number" ? batch : -1;
}

function readersOf(graph: Graph, value: Value): string[] {
  return graph.nodes.filter((node) => node.inputs.includes(value)).map((node) => node.op);
}

/** Logits [N, classes] of the head, in float32. */
export function appendLogits(
  op: OpBuilder,
  logits: Value,
  { head, batch }: Pick<AttackGraphOptions, "head" | "batch">,
): Value {
  const binary = head.kind === "binary-logit" || head.kind === "binary-probability";
  const perRow = binary ? 1 : head.classes;
  const wanted: DType = "float32";
  let z = logits.dtype === wanted ? logits : op.Cast(logits, { to: codeFromDtype(wanted) });
  if (logits.rank !== 2 || logits.shape![1] !== perRow) z = op.Reshape(z, int64Vector([rowsOf(batch), perRow]));
  // One score z becomes the two logits [0, z]: class 1 where z > 0, that is where its sigmoid is above 0.5.
  return binary ? op.Mul(z, float32([1, 2], [0, 1])) : op.Identity(z);
}
