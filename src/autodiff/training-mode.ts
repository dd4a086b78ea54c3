import type { OpBuilder } from "../graph/builder.ts";
import { floatAttribute, type Graph, intAttribute, type Node, Value } from "../graph/ir.ts";
import { dtypeCode } from "../ops/dtypes.ts";
import { toNumbers } from "../tensor/tensor.ts";

/** How operators that behave differently while a model is trained are switched to that. */

export function isBatchNormalization(node: Node): boolean {
  return node.domain === "" && node.op === "BatchNormalization";
}

/**
 * Switches a BatchNormalization to the batch's statistics. Returns the running mean and variance with what they become:
 * momentum * old + (1 - momentum) * batch, the batch's variance being N / (N - 1) times ONNX's biased one, as in PyTorch; N is the
 * number of elements per channel.
 */
export function normalizeByBatch(op: OpBuilder, node: Node): [Value, Value][] {
  const [x, , , mean, variance] = node.inputs as [Value, Value, Value, Value, Value];
  const momentum = node.float("momentum", 0.9);
  const outputs = ["batch_mean", "batch_var"].map((stem) => {
    const output = new Value(op.freshName(`${node.name || node.outputs[0]!.name}/${stem}`), mean);
    output.producer = node;
    return output;
  });
  const [batchMean, batchVariance] = outputs as [Value, Value];
  node.outputs = [node.outputs[0]!, batchMean, batchVariance];
  node.attributes.set("training_mode", intAttribute(1));
  // With momentum 0 the outputs are the batch's own statistics.
  node.attributes.set("momentum", floatAttribute(0));
  // ONNX Runtime writes outputs 1 and 2 into the memory of inputs 3 and 4, even where that is the caller's: give it scratch values.
  const scratch = [op.Neg(mean), op.Neg(variance)];
  node.inputs.splice(3, 2, ...scratch);
  moveBefore(op.graph, node, scratch.length);

  const count = op.Cast(op.Div(op.Size(x), op.Size(mean)), { to: dtypeCode("float32") });
  const unbiased = op.Mul(batchVariance, op.Div(count, op.Sub(count, op.scalarLike(count, 1))));
  const blend = (old: Value, batch: Value): Value =>
    op.Add(op.Mul(old, op.scalarLike(old, momentum)), op.Mul(batch, op.scalarLike(batch, 1 - momentum)));
  return [
    [mean, blend(mean, batchMean)],
    [variance, blend(variance, unbiased)],
  ];
}

/** Moves the last nodes of the graph to just before another, which came to depend on them. */
function moveBefore(graph: Graph, node: Node, count: number): void {
  const moved = graph.nodes.splice(-count);
  graph.nodes.splice(graph.nodes.indexOf(node), 0, ...moved);
}

/** An input that decides what a Dropout drops: float32 [N, ...dims], 0 with probability `ratio`, else 1 / (1 - ratio). */
export interface DropoutMask {
  readonly input: string;
  /** Of one row. */
  readonly dims: readonly number[];
  readonly ratio: number;
}

/**
 * Turns each Dropout into a product with a mask that is fed. ONNX Runtime's own training mode draws from a generator that cannot be set
 * back, so a resumed run would not repeat an uninterrupted one. A Dropout stays the identity where the size of a row is not known
 * or where the file itself fixes its mode.
 */
export function feedDropouts(op: OpBuilder): DropoutMask[] {
  const masks: DropoutMask[] = [];
  for (const node of op.graph.nodes) {
    if (node.domain !== "" || node.op !== "Dropout" || node.inputs[2] != null || node.outputs.length > 1) continue;
    const x = node.inputs[0]!;
    const ratio = node.inputs[1] == null ? 0.5 : node.inputs[1].constant && toNumbers(node.inputs[1].constant)[0];
    const dims = x.shape?.slice(1);
    if (!ratio || dims === undefined || !dims.every((dim) => typeof dim === "number")) continue;
    const mask = op.input(`dropout_mask_${node.outputs[0]!.name}`, { dtype: "float32", shape: x.shape });
    node.op = "Mul";
    node.inputs = [x, mask];
    node.attributes.clear();
    masks.push({ input: mask.name, dims, ratio });
  }
  return masks;
}
