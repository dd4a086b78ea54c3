import { type OpBuilder, opBuilder } from "../../graph/builder.ts";
import { type Model, Node, type Value } from "../../graph/ir.ts";
import type { OpTable } from "../../ops/define.ts";
import { sampled } from "./grid-sample.ts";
import { unrolled } from "./recurrent.ts";

/** What takes the place of a node's outputs; null for a node that is left as it is. */
type WriteOut = (op: OpBuilder, node: Node) => (Value | null)[] | null;

const WRITTEN_OUT: Readonly<Record<string, WriteOut>> = {
  RNN: unrolled,
  LSTM: unrolled,
  GRU: unrolled,
  GridSample: sampled,
};

/**
 * Writes operators out, in place, whose gradients are those of what they can be made of. For gradients alone: a runtime's own are faster. Returns whether
 * anything changed; shapes behind it are to be inferred again then.
 */
export function writeOut(model: Model, table: OpTable): boolean {
  const { graph } = model;
  const wayOf = ({ op, domain }: Node) => (domain === "" ? WRITTEN_OUT[op] : undefined);
  if (graph.nodes.every((node) => wayOf(node) === undefined)) return false;
  const op = opBuilder(graph, table);
  const nodes = graph.nodes;
  graph.nodes = [];
  let changed = false;
  for (const node of nodes) {
    const made = wayOf(node)?.(op, node) ?? null;
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
