import type { GraphBuilder } from "./builder.ts";
import { cloneGraph } from "./clone.ts";
import { type Attribute, Node, Value } from "./ir.ts";
import { dependencies } from "./walk.ts";

/**
 * Appends a second copy of all nodes between two values, with something else in the place of the first: f(replacement), where the graph computes
 * to = f(from). Weights, and what does not depend on `from`, are shared.
 */
export function repeatWith(op: GraphBuilder, from: Value, replacement: Value, to: Value): Value {
  const nodes = op.graph.nodes;
  const needed = new Set<Value>([to]);
  for (let i = nodes.length - 1; i >= 0; i--)
    if (nodes[i]!.outputs.some((output) => needed.has(output)))
      for (const value of dependencies(nodes[i]!)) needed.add(value);
  const copies = new Map<Value, Value>([[from, replacement]]);
  const again = nodes.filter((node) => {
    const on = node.outputs.some((output) => needed.has(output));
    const changed = on && [...dependencies(node)].some((value) => copies.has(value));
    if (changed)
      for (const output of node.outputs)
        copies.set(output, new Value(output.name === "" ? "" : op.freshName(output.name), output));
    return changed;
  });
  for (const { op: type, inputs, outputs, attributes, domain } of again) {
    const copiedInputs = inputs.map((input) => (input === null ? null : (copies.get(input) ?? input)));
    const copiedAttributes = [...attributes].map(([name, attribute]): [string, Attribute] =>
      attribute.type === "graph"
        ? [name, { type: "graph", value: cloneGraph(attribute.value, copies) }]
        : [name, attribute],
    );
    const made = outputs.map((output) => copies.get(output)!);
    const name = made.find((output) => output.name !== "")?.name ?? "";
    nodes.push(new Node(type, copiedInputs, made, new Map(copiedAttributes), domain, name));
  }
  return copies.get(to) ?? to;
}
