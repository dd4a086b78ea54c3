import { BlindspotError, internalError } from "../base/errors.ts";
import type { Graph, Node, Value } from "../graph/ir.ts";
import { arrayType, type DType, type NumericData, type NumericDType, type Tensor, tensor } from "../tensor/tensor.ts";
import type { OpTable, Reference } from "./define.ts";
import { convert, referenceOf } from "./dtypes.ts";

/**
 * Evaluates a graph in float64, node by node, by the table's `evaluate`. `feeds` holds its inputs (inner values may be fed too: what
 * makes them is then skipped). Returns every value that was computed or fed; `wanted` limits the work to what they need.
 * Errors: E_OP_UNKNOWN naming each node that has no definition; E_INPUT_MISSING.
 */
export function interpret(
  graph: Graph,
  feeds: ReadonlyMap<Value, Reference>,
  table: OpTable,
  wanted: readonly Value[] = graph.outputs,
): Map<Value, Reference> {
  const nodes = neededFor(wanted, graph.nodes, feeds);
  const unknown = nodes.filter((node) => table.get(node.op, node.domain) === undefined);
  if (unknown.length > 0)
    throw new BlindspotError(
      unknown.map((node) => ({
        code: "E_OP_UNKNOWN",
        subject: node.describe(),
        expected: "an operator of the reference interpreter",
        got: node.domain === "" ? node.op : `${node.domain}.${node.op}`,
      })),
    );
  const values = new Map(feeds);
  const read = (value: Value | null): Reference | null => {
    if (value === null) return null;
    let known = values.get(value);
    if (known === undefined && value.constant !== null) {
      known = referenceOf(value.constant);
      values.set(value, known);
    }
    if (known === undefined)
      throw new BlindspotError({
        code: "E_INPUT_MISSING",
        subject: `input '${value.name}'`,
        expected: "a value",
        got: "none",
      });
    return known;
  };
  for (const node of nodes) {
    const results = table.get(node.op, node.domain)!.evaluate(node.inputs.map(read), node);
    node.outputs.forEach((output, i) => {
      if (results[i] !== undefined) values.set(output, results[i]);
    });
  }
  for (const value of wanted) read(value);
  return values;
}

/** The nodes that some wanted value depends on, in their order. */
function neededFor(wanted: readonly Value[], nodes: readonly Node[], feeds: ReadonlyMap<Value, Reference>): Node[] {
  const needed = new Set(wanted.filter((value) => !feeds.has(value)));
  const keep = (node: Node): boolean => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) if (input !== null && !feeds.has(input)) needed.add(input);
    return true;
  };
  return [...nodes].reverse().filter(keep).reverse();
}

/** A tensor of the interpreter as ONNX would hold it. Half-precision floats are refused. */
export function tensorOf(value: Reference, dtype: DType): Tensor {
  if (dtype === "string" || dtype === "float16" || dtype === "bfloat16")
    throw internalError(`the reference interpreter asked for ${dtype}`);
  const { data, dims } = convert(value, dtype);
  if (dtype === "int64" || dtype === "uint64") {
    const array = dtype === "int64" ? BigInt64Array : BigUint64Array;
    return tensor(dtype, dims, array.from(Array.from(data, BigInt)));
  }
  const array = arrayType(dtype as NumericDType) as unknown as { from(values: ArrayLike<number>): NumericData };
  return tensor(dtype, dims, array.from(data));
}
