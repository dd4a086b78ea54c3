import type { Graph, Model, Value } from "../ir.ts";
import { dependencies, subgraphs } from "../walk.ts";

/** Removes nodes and weights that no output of the model depends on. Inputs stay: callers feed them by name. */
export function removeDeadCode(model: Model): void {
  cleanGraph(model.graph);
}

function cleanGraph(graph: Graph): void {
  for (const node of graph.nodes) for (const inner of subgraphs(node)) cleanGraph(inner);
  const live = new Set<Value>(graph.outputs);
  const kept = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => live.has(output))) continue;
    kept.push(node);
    for (const value of dependencies(node)) live.add(value);
  }
  graph.nodes = kept.reverse();
  graph.initializers = graph.initializers.filter((weight) => live.has(weight));
}
