import type { OpBuilder } from "../../graph/builder.ts";
import { replaceNodes } from "../../graph/index.ts";
import type { Model, Node, Value } from "../../graph/ir.ts";
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
  const replacement: WriteOut = (op, node) => (node.domain === "" ? (WRITTEN_OUT[node.op]?.(op, node) ?? null) : null);
  return replaceNodes(model.graph, replacement, table);
}
