import { BlindspotError } from "../base/errors.ts";
import { opBuilder } from "../graph/builder.ts";
import { cloneModel, prepareForGradient, removeDeadCode } from "../graph/index.ts";
import type { Model, Node, Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import type { AttackGraph } from "./attack-graph.ts";

/** What may stand behind the last linear layer without making another kind of function of the scores. */
const AFTERWARDS = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Identity",
  "Cast",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "QuantizeLinear",
  "DequantizeLinear",
]);

/** A model that ends where its last linear layer would begin. */
export interface FeatureGraph {
  readonly model: Model;
  readonly input: string;
  /** Its output, [N, size]. */
  readonly features: string;
  readonly size: number;
}

/**
 * Cuts an attack graph before the last Gemm or MatMul: what it gives are the features that the scores are a linear function of. Null where the
 * scores do not come from such a layer with constant weights.
 */
export function featuresBehind(source: AttackGraph, table: OpTable): FeatureGraph | null {
  const model = cloneModel(source.model);
  try {
    prepareForGradient(model, table);
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return null;
  }
  const behind = lastFeatures(model.graph.outputs[0]!);
  if (behind === null) return null;
  const { features, size } = behind;
  const output = opBuilder(model.graph, table).Identity(features);
  model.graph.outputs = [output];
  removeDeadCode(model);
  return { model, input: source.input, features: output.name, size };
}

/** What the last linear layer behind these logits reads, [N, size]; null where there is no such layer with constant weights. */
export function lastFeatures(logits: Value): { readonly features: Value; readonly size: number } | null {
  const layer = lastLinear(logits);
  if (layer === null) return null;
  const [features, weights] = layer.inputs as [Value, Value];
  const dims = weights.constant!.dims;
  if (dims.length !== 2 || features.rank !== 2) return null;
  return { features, size: layer.int("transB", 0) === 1 ? dims[1]! : dims[0]! };
}

function lastLinear(logits: Value): Node | null {
  let node = logits.producer;
  while (node !== null && node.domain === "") {
    if (node.op === "Gemm" || node.op === "MatMul")
      return node.inputs[1]?.constant != null && node.int("transA", 0) === 0 ? node : null;
    const varying = node.inputs.filter((input) => input !== null && input.constant === null);
    if (!AFTERWARDS.has(node.op) || varying.length !== 1) return null;
    node = varying[0]!.producer;
  }
  return null;
}
