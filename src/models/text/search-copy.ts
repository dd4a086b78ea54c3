import { cloneModel, overNorm, replaceNodes, writeModel } from "../../graph/index.ts";
import type { Model, Node } from "../../graph/ir.ts";

/** Before, axes may not be counted from the end. */
const LEAST_OPSET = 11;

/**
 * The same model with what ONNX Runtime is slow at taken apart; null where there is nothing of it. `Normalizer` goes over rows value by value, with roots and
 * divisions: of a bag of 7,485 words that is two thirds of a pass. Results may differ in the last bits, so the copy is for searches alone.
 */
export function searchCopy(source: Model): Uint8Array | null {
  if (source.opset < LEAST_OPSET || !source.graph.nodes.some(isSlow)) return null;
  const model = cloneModel(source);
  replaceNodes(model.graph, (op, node) => (isSlow(node) ? [overNorm(op, node.inputs[0]!, "L2", model.opset)] : null));
  return writeModel(model);
}

function isSlow(node: Node): boolean {
  return node.op === "Normalizer" && node.domain === "ai.onnx.ml" && node.string("norm", "MAX") === "L2";
}
