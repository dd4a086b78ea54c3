import { cloneModel } from "../graph/index.ts";
import type { Graph, Model, Value } from "../graph/ir.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { find } from "./rewrite.ts";

/** Makes graph inputs of the named initializers, in place; returns the constants that they held. */
export function holdOpen(graph: Graph, names: readonly string[]): Map<Value, Tensor> {
  const wanted = new Set(names);
  const open = graph.initializers.filter((value) => wanted.has(value.name));
  graph.initializers = graph.initializers.filter((value) => !wanted.has(value.name));
  graph.inputs.push(...open);
  const held = new Map(open.map((value) => [value, value.constant!]));
  for (const value of open) value.constant = null;
  return held;
}

/**
 * A copy whose named initializers are inputs: one session then serves a model whose weights change from run to run.
 * Throws E_NAME_UNKNOWN for all that don't exist.
 */
export function withOpenWeights(source: Model, names: readonly string[]): Model {
  const model = cloneModel(source);
  find(model.graph, names);
  holdOpen(model.graph, names);
  return model;
}
