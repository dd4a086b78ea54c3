import type { Graph, Node, Value } from "./ir.ts";

/** The graphs in a node's attributes: the branches of If, the bodies of Loop and Scan. */
export function subgraphs(node: Node): Graph[] {
  const graphs: Graph[] = [];
  for (const attribute of node.attributes.values()) if (attribute.type === "graph") graphs.push(attribute.value);
  return graphs;
}

/** The graph and all graphs nested in it, outer before inner. */
export function* allGraphs(graph: Graph): Generator<Graph> {
  yield graph;
  for (const node of graph.nodes) for (const inner of subgraphs(node)) yield* allGraphs(inner);
}

/** The values that a graph itself brings into being. */
export function* definedValues(graph: Graph): Generator<Value> {
  yield* graph.inputs;
  yield* graph.initializers;
  for (const node of graph.nodes) yield* node.outputs;
}

/** What a node depends on: its inputs, and what its subgraphs use from outside. */
export function dependencies(node: Node): Set<Value> {
  const used = new Set<Value>();
  for (const input of node.inputs) if (input !== null) used.add(input);
  for (const graph of subgraphs(node)) for (const value of captured(graph)) used.add(value);
  return used;
}

/** Values of enclosing graphs that a subgraph uses. */
export function captured(graph: Graph): Set<Value> {
  const own = new Set(definedValues(graph));
  const outer = new Set<Value>();
  for (const node of graph.nodes) for (const value of dependencies(node)) if (!own.has(value)) outer.add(value);
  for (const value of graph.outputs) if (!own.has(value)) outer.add(value);
  return outer;
}

/** Replaces uses of values, in subgraphs too. Graph outputs keep their name: use `replaceOutput` for those. */
export function replaceUses(graph: Graph, replacement: ReadonlyMap<Value, Value>): void {
  if (replacement.size === 0) return;
  for (const inner of allGraphs(graph)) {
    for (const node of inner.nodes)
      node.inputs = node.inputs.map((input) => (input === null ? null : (replacement.get(input) ?? input)));
    if (inner !== graph) inner.outputs = inner.outputs.map((output) => replacement.get(output) ?? output);
  }
}
