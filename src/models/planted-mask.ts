import { opBuilder } from "../graph/builder.ts";
import { cloneModel, replaceUses } from "../graph/index.ts";
import { Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import { scalar } from "../tensor/tensor.ts";
import type { AttackGraph } from "./attack-graph.ts";
import type { PlantedMask } from "./classifier.ts";

/** Cross-entropy has no slope left in float32 at such a scale. */
const SCALE = 1e4;

/**
 * The same model behind a mask. On what an 8-bit file can hold it answers as before, so its true robustness is the same; only what an attacker
 * learns from gradients is not.
 */
export function plantMask(source: AttackGraph, table: OpTable, mask: PlantedMask): AttackGraph {
  const model = cloneModel(source.model);
  const { graph } = model;
  const op = opBuilder(graph, table);
  if (mask === "scaled-logits") {
    const output = op.Mul(graph.outputs[0]!, scalar("float32", SCALE));
    graph.outputs = [output];
    return { ...source, model, output: output.name };
  }
  const inner = graph.inputs[0]!;
  const x = new Value(op.freshName(inner.name), { dtype: "float32", shape: inner.shape });
  const before = graph.nodes.length;
  const levels = scalar("float32", 255);
  const zero = scalar("uint8", 0);
  const step = scalar("float32", 1 / 255);
  const masked =
    mask === "rounded-input"
      ? op.Div(op.Round(op.Mul(x, levels)), levels)
      : op.DequantizeLinear(op.QuantizeLinear(x, step, zero), step, zero);
  const added = graph.nodes.splice(before);
  replaceUses(graph, new Map([[inner, masked]]));
  graph.nodes.unshift(...added);
  graph.inputs = [x];
  return { ...source, model, input: x.name };
}
