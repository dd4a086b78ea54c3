import type { NumericData, NumericDType } from "../../tensor/tensor.ts";
import { arrayType, type DType, int64, isFloat, sizeOf, type Tensor, toNumbers } from "../../tensor/tensor.ts";
import type { OperatorTable, OperatorTypes } from "../builder.ts";
import { constantOf } from "../constant-node.ts";
import { type Graph, isKnown, type Model, type Node, type Value } from "../ir.ts";
import { subgraphs } from "../walk.ts";
import { inferNode } from "./infer-shapes.ts";

/** A tensor of the reference interpreter: see `Reference` of the operator table. */
interface Folded {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** What folding needs to know of an operator. */
export interface FoldableOperator extends OperatorTypes {
  evaluate?(inputs: readonly (Folded | null)[], node: Node): readonly Folded[];
}

/** Larger results stay nodes: the file would grow, and shapes, axes and masks that matter to inference are small. */
const MAX_ELEMENTS = 1024;

/** Floats pass through these unchanged, so that folding can't differ from any runtime by a bit. */
const MOVES_FLOATS = new Set(
  "Identity Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather Expand Tile Cast ConstantOfShape Where".split(
    " ",
  ),
);

/** IEEE 754 rounds these correctly: a result that is exact in float32 is the same everywhere (sizes times scales of old Upsamples). */
const ROUNDS_CORRECTLY = new Set("Add Sub Mul Div Neg Abs Floor Ceil Round Min Max".split(" "));

/** Each run gives something else, whatever the inputs. */
const RANDOM = new Set(
  "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split(" "),
);

/**
 * Replaces nodes whose result is known by initializers: Constant nodes; integers, booleans and sizes computed from constants or from
 * known shapes; floats where it can't change a bit. Weights are left alone even where they are only moved: somebody may want their
 * gradient. Infers types on the way, since one folded shape makes the next one known.
 */
export function foldConstants(model: Model, table: OperatorTable<FoldableOperator>): void {
  const parameters = new Set<Value>();
  foldGraph(model.graph, table, parameters);
}

function foldGraph(graph: Graph, table: OperatorTable<FoldableOperator>, parameters: Set<Value>): void {
  for (const weight of graph.initializers) if (isFloat(weight.dtype)) parameters.add(weight);
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    for (const inner of subgraphs(node)) foldGraph(inner, table, parameters);
    inferNode(node, table);
    const results = fold(node, table, parameters);
    if (results === undefined) kept.push(node);
    else
      node.outputs.forEach((output, i) => {
        becomeConstant(graph, output, results[i]!);
      });
  }
  graph.nodes = kept;
}

function becomeConstant(graph: Graph, value: Value, constant: Tensor): void {
  value.producer = null;
  value.constant = constant;
  value.dtype = constant.dtype;
  value.shape = constant.dims;
  graph.initializers.push(value);
}

function fold(
  node: Node,
  table: OperatorTable<FoldableOperator>,
  parameters: ReadonlySet<Value>,
): Tensor[] | undefined {
  if (node.op === "Constant" && node.domain === "") {
    const constant = constantOf(node);
    return constant === undefined ? undefined : [constant];
  }
  const sizes = node.outputs.map(knownSizes);
  if (sizes.every((tensor) => tensor !== undefined)) return sizes;
  return evaluated(node, table, parameters);
}

/** Sizes that inference knows: `Shape` of a value whose shape is known, and what was computed from it. */
function knownSizes(output: Value): Tensor | undefined {
  const sizes = output.shapeValue;
  if (sizes === null || !isKnown(sizes) || output.dtype !== "int64" || !isKnown(output.shape)) return undefined;
  return sizeOf(output.shape) === sizes.length ? int64(output.shape, sizes) : undefined;
}

function evaluated(
  node: Node,
  table: OperatorTable<FoldableOperator>,
  parameters: ReadonlySet<Value>,
): Tensor[] | undefined {
  const definition = table.get(node.op, node.domain);
  if (definition?.evaluate === undefined || node.inputs.length === 0 || !mayFold(node, parameters)) return undefined;
  const inputs: (Folded | null)[] = [];
  for (const input of node.inputs) {
    const folded = input === null ? null : toFolded(input.constant);
    if (folded === undefined) return undefined;
    inputs.push(folded);
  }
  let results: readonly Folded[];
  try {
    results = definition.evaluate(inputs, node);
  } catch {
    // Whatever is wrong with these inputs, the runtime says it better, and only if the node is ever run.
    return undefined;
  }
  const tensors: Tensor[] = [];
  for (const [i, output] of node.outputs.entries()) {
    const result = results[i];
    const tensor = result === undefined ? undefined : toTensor(result, output.dtype!);
    if (tensor === undefined) return undefined;
    tensors.push(tensor);
  }
  return tensors;
}

/** Whether every output is small, and of a kind that folding keeps exact. */
function mayFold(node: Node, parameters: ReadonlySet<Value>): boolean {
  if (RANDOM.has(node.op) || subgraphs(node).length > 0) return false;
  const exact = MOVES_FLOATS.has(node.op) || ROUNDS_CORRECTLY.has(node.op);
  if (node.inputs.some((input) => input !== null && (parameters.has(input) || input.constant === null))) return false;
  return node.outputs.every(
    ({ dtype, shape }) =>
      dtype !== null && isKnown(shape) && sizeOf(shape) <= MAX_ELEMENTS && (!isFloat(dtype) || exact),
  );
}

/** Undefined where float64 can't hold the elements. */
function toFolded(constant: Tensor | null): Folded | undefined {
  if (constant === null || constant.data.length > MAX_ELEMENTS || !isPlain(constant.dtype)) return undefined;
  const data = Float64Array.from(toNumbers(constant));
  const wide = constant.dtype === "int64" || constant.dtype === "uint64";
  // Bounds like INT64_MAX mean "to the end", whatever a double makes of them; a result that still holds one is refused below.
  const isExact = (value: number) => Number.isSafeInteger(value) || Math.abs(value) >= 2 ** 62;
  if (wide && !data.every(isExact)) return undefined;
  return { dtype: isFloat(constant.dtype) ? "float64" : constant.dtype, dims: constant.dims, data };
}

/** Undefined where the element type can't hold the results exactly. */
function toTensor(result: Folded, dtype: DType): Tensor | undefined {
  if (!isPlain(dtype)) return undefined;
  const wide = dtype === "int64" || dtype === "uint64";
  if (wide && !result.data.every(Number.isSafeInteger)) return undefined;
  const Type = arrayType(dtype) as unknown as { from(items: Iterable<number | bigint>): NumericData };
  const data = Type.from(wide ? Array.from(result.data, BigInt) : result.data);
  if (!wide && !result.data.every((value, i) => Object.is(Number(data[i]), value))) return undefined;
  return { dtype, dims: result.dims, data };
}

function isPlain(dtype: DType): dtype is NumericDType {
  return dtype !== "string" && dtype !== "float16" && dtype !== "bfloat16";
}
