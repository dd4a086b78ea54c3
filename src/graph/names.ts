import type { Graph, Value } from "./ir.ts";
import { allGraphs, definedValues } from "./walk.ts";

/**
 * The names under which values are written: their own where these are free, else with a suffix. Inputs, outputs and weights of the main
 * graph come first, so what callers know by name keeps it. Unique across subgraphs too, as ONNX demands.
 */
export function assignNames(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>();
  const taken = new Set<string>();
  const suffixes = new Map<string, number>();
  const give = (value: Value): void => {
    if (names.has(value)) return;
    const stem = value.name === "" ? "value" : value.name;
    let name = stem;
    for (let i = suffixes.get(stem) ?? 1; taken.has(name); i++) {
      name = `${stem}_${i}`;
      suffixes.set(stem, i + 1);
    }
    taken.add(name);
    names.set(value, name);
  };
  for (const value of [...graph.inputs, ...graph.outputs, ...graph.initializers]) give(value);
  const used = usedValues(graph);
  for (const inner of allGraphs(graph)) {
    // An unnamed value that nothing uses is an optional output left out.
    for (const value of definedValues(inner)) if (value.name !== "" || used.has(value)) give(value);
  }
  return names;
}

function usedValues(graph: Graph): Set<Value> {
  const used = new Set<Value>();
  for (const inner of allGraphs(graph)) {
    for (const node of inner.nodes) for (const input of node.inputs) if (input !== null) used.add(input);
    for (const output of inner.outputs) used.add(output);
  }
  return used;
}
