import { type OpBuilder, type OperatorTable, opBuilder } from "./builder.ts";
import { type Graph, Node, type Value } from "./ir.ts";

/** For rewriting that needs no types. */
const UNTYPED: OperatorTable = { get: () => undefined };

/**
 * Puts others in the place of some nodes, in place and in order; the values that they made keep their names and their readers.
 * @param replacement appends what makes a node's outputs and returns them (null for one that nobody has); null leaves the node as it is
 * @param table infers types of what is appended; default: none
 * @returns whether anything changed
 */
export function replaceNodes(
  graph: Graph,
  replacement: (op: OpBuilder, node: Node) => readonly (Value | null)[] | null,
  table: OperatorTable = UNTYPED,
): boolean {
  const op = opBuilder(graph, table);
  const nodes = graph.nodes;
  graph.nodes = [];
  let changed = false;
  for (const node of nodes) {
    const made = replacement(op, node);
    if (made === null) {
      graph.nodes.push(node);
      continue;
    }
    changed = true;
    for (const [i, output] of node.outputs.entries())
      if (output.name !== "") graph.nodes.push(new Node("Identity", [made[i]!], [output], undefined, "", output.name));
  }
  return changed;
}
