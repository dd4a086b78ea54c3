import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { OperatorTable } from "../builder.ts";
import type { Dim, Graph, Model, Node, Shape, Value, ValueType } from "../ir.ts";
import { allGraphs, subgraphs } from "../walk.ts";

/** What inference found, completed by what was known before (declared in the file, or inferred earlier). */
function mergeShape(inferred: Shape | null, known: Shape | null): Shape | null {
  if (inferred === null) return known;
  if (known === null || known.length !== inferred.length) return inferred;
  // Inferred sizes win: declared ones go stale when a batch size is freed, and exporters get them wrong.
  return inferred.map((dim, i): Dim => dim ?? known[i]!);
}

/**
 * Infers the types of one node's outputs from those of its inputs, and stores them. Types of operators that aren't in the table stay as
 * declared. Whoever appends nodes one by one can keep a graph typed with it.
 *
 * @throws BlindspotError as `infer` of the operator does, when the inputs contradict each other, or E_OP_INVALID.
 */
export function inferNode(node: Node, table: OperatorTable): void {
  typesOf(node, table).forEach((type: ValueType, i) => {
    const output = node.outputs[i];
    if (output === undefined) return;
    output.dtype = type.dtype ?? output.dtype;
    output.shape = mergeShape(type.shape, output.shape);
  });
}

function typesOf(node: Node, table: OperatorTable): readonly ValueType[] {
  try {
    return table.get(node.op, node.domain)?.infer(node) ?? [];
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    // Operators trust that a node has the inputs and attributes that ONNX demands; a damaged file need not.
    const expected = `inputs and attributes as the definition of ${node.op} says`;
    const problem = { code: "E_OP_INVALID", subject: node.describe(), expected, got: (error as Error).message };
    throw new BlindspotError(problem, { cause: error });
  }
}

/**
 * Fills in the element type and shape of every value that can be known. Unnamed free dimensions of the model's inputs get a name
 * (`input_dim0`), so that sizes derived from them can be seen to be equal.
 *
 * @throws BlindspotError with the contradictions of all nodes.
 */
export function inferShapes(model: Model, table: OperatorTable): void {
  for (const input of model.graph.inputs)
    input.shape = input.shape?.map((dim, i) => dim ?? `${input.name}_dim${i}`) ?? null;
  const problems: Problem[] = [];
  inferGraph(model.graph, table, problems);
  if (problems.length > 0) throw new BlindspotError(problems);
}

function inferGraph(graph: Graph, table: OperatorTable, problems: Problem[]): void {
  for (const node of graph.nodes) {
    for (const inner of subgraphs(node)) inferGraph(inner, table, problems);
    try {
      inferNode(node, table);
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      problems.push(...error.problems);
    }
  }
}

/** Forgets the sizes of all values but inputs and weights: needed before inferring again after an input's shape was changed. */
export function forgetShapes(model: Model): void {
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) for (const output of node.outputs) forget(output);
  }
}

function forget(value: Value): void {
  value.shape = null;
  value.shapeValue = null;
}
