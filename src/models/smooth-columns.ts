import type { OpBuilder } from "../graph/builder.ts";
import { replaceUses } from "../graph/index.ts";
import type { Graph, Node, Value } from "../graph/ir.ts";
import { replaceNodes } from "../graph/replace-nodes.ts";
import { codeFromDtype } from "../onnx/index.ts";
import { type DType, float32, int64Vector } from "../tensor/tensor.ts";

/** An input of the file as it is made of a row. */
export interface MadeColumn {
  /** [N, 1]: what the file takes. */
  readonly value: Value;
  /** [N, width] of float32: the numbers of the row that it is made of. */
  readonly numbers: Value;
  /** Of a text: its values, and which of them it is; `hot`: the numbers say it as a 0 or 1 for each. */
  readonly category: { readonly values: readonly string[]; readonly index: Value; readonly hot: boolean } | null;
}

const INTEGERS: ReadonlySet<DType> = new Set(["int32", "int64", "bool"]);
const INTEGER_CODES = new Set((["int32", "int64"] as const).map(codeFromDtype));
/** Operators of ai.onnx.ml that take floats where they took integers, and give the same. */
const TAKES_FLOATS = new Set([
  "Scaler",
  "Normalizer",
  "LinearClassifier",
  "SVMClassifier",
  "TreeEnsembleClassifier",
  "TreeEnsembleRegressor",
  "OneHotEncoder",
]);
/** What changes neither numbers nor their order. */
const PASSING = new Set(["Concat", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

/**
 * Takes steps out of a graph, in place, that change nothing for the rows of a schema and have no gradients: numbers that are whole already are not turned into integers, and a text is not
 * encoded by 0 and 1 again. For the copy that is searched; the file itself decides.
 */
export function smoothColumns(graph: Graph, columns: readonly MadeColumn[]): void {
  keepFloats(graph, columns);
  encodeAtOnce(graph, columns);
}

function keepFloats(graph: Graph, columns: readonly MadeColumn[]): void {
  const whole = columns.filter(({ value }) => value.producer?.op === "Cast" && INTEGERS.has(value.dtype!));
  // Integers that become floats, and floats that are whole.
  const turned = new Set(whole.map(({ value }) => value));
  const floats = new Set<Value>();
  const casts: Node[] = [];
  // Values are made before they are read, so that one pass finds all.
  for (const node of graph.nodes) {
    const [from] = node.inputs;
    const isTurned = from != null && turned.has(from);
    if (node.domain !== "" || from == null || !(isTurned || floats.has(from))) continue;
    const to = node.op === "Cast" ? node.int("to", 0) : null;
    if (to !== null && INTEGER_CODES.has(to)) casts.push(node);
    if (casts.at(-1) === node || (PASSING.has(node.op) && isTurned)) turned.add(node.outputs[0]!);
    else if (to === codeFromDtype("float32") || PASSING.has(node.op)) floats.add(node.outputs[0]!);
  }
  const isFloat = (value: Value | null) => value !== null && (floats.has(value) || value.dtype === "float32");
  const takesFloats = ({ op, domain, inputs }: Node) => {
    if (!inputs.some((input) => input !== null && turned.has(input)) || op === "Cast") return true;
    if (domain === "ai.onnx.ml") return TAKES_FLOATS.has(op);
    return PASSING.has(op) && (op !== "Concat" || inputs.every((input) => isFloat(input) || turned.has(input!)));
  };
  if (graph.outputs.some((output) => turned.has(output)) || !graph.nodes.every(takesFloats)) return;
  for (const node of casts) {
    node.op = "Identity";
    node.attributes.clear();
  }
  replaceUses(graph, new Map(whole.map(({ value, numbers }) => [value, numbers])));
  for (const value of turned) value.dtype = "float32";
}

function encodeAtOnce(graph: Graph, columns: readonly MadeColumn[]): void {
  const byValue = new Map(columns.map((column) => [column.value, column]));
  replaceNodes(graph, (op, node) => {
    const column = node.inputs[0] == null ? undefined : byValue.get(node.inputs[0]);
    const category = column?.category;
    if (category == null) return null;
    if (node.op === "LabelEncoder") return numbered(op, node, category);
    const names = node.attributes.get("cats_strings");
    if (node.op !== "OneHotEncoder" || names?.type !== "strings") return null;
    // Unknown texts are an error of some files: that is theirs to say.
    if (node.int("zeros", 1) === 0 && category.values.some((value) => !names.value.includes(value))) return null;
    const cells = category.values.flatMap((value) => names.value.map((name) => Number(name === value)));
    const matrix = float32([category.values.length, names.value.length], cells);
    const encoded = category.hot ? op.MatMul(column!.numbers, matrix) : op.Gather(matrix, category.index);
    const shape = column!.value.rank === 1 ? [-1, names.value.length] : [-1, 1, names.value.length];
    return [op.Reshape(encoded, int64Vector(shape))];
  });
}

/** A number for each text; null of a form that is not scikit-learn's. */
function numbered(op: OpBuilder, node: Node, { values, index }: NonNullable<MadeColumn["category"]>): Value[] | null {
  const keys = node.attributes.get("keys_strings");
  const [whole, parts] = [node.attributes.get("values_int64s"), node.attributes.get("values_floats")];
  const given = whole ?? parts;
  if (keys?.type !== "strings" || (given?.type !== "ints" && given?.type !== "floats")) return null;
  const none = whole === undefined ? node.float("default_float", -0) : node.int("default_int64", -1);
  const table = values.map((value) => given.value[keys.value.indexOf(value)] ?? none);
  const numbers = op.Gather(float32([values.length], table), index);
  return [whole === undefined ? numbers : op.Cast(numbers, { to: codeFromDtype("int64") })];
}
