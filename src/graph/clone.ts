import { type Attribute, Graph, Model, Node, Value } from "./ir.ts";

/** A copy that can be rewritten without touching the original. Tensors (weights) are shared, everything else is new. */
export function cloneModel(model: Model): Model {
  const copy = new Model(cloneGraph(model.graph), model.opset, model.irVersion);
  copy.opsets = new Map(model.opsets);
  copy.producer = model.producer;
  copy.metadata = new Map(model.metadata);
  copy.functions = new Map(model.functions);
  copy.source = model.source;
  return copy;
}

/** @param outer Values of enclosing graphs and what stands for them in the copy; a value that isn't in it stays itself. */
export function cloneGraph(graph: Graph, outer: ReadonlyMap<Value, Value> = new Map()): Graph {
  const copies = new Map(outer);
  const cloneValue = (value: Value): Value => {
    const copy = new Value(value.name, value);
    copy.constant = value.constant;
    copy.shapeValue = value.shapeValue;
    copy.source = value.source;
    copies.set(value, copy);
    return copy;
  };
  const copyOf = (value: Value): Value => copies.get(value) ?? value;
  const copy = new Graph(graph.name);
  copy.source = graph.source;
  copy.inputs = graph.inputs.map(cloneValue);
  copy.initializers = graph.initializers.map(cloneValue);
  copy.nodes = graph.nodes.map((node) => {
    const inputs = node.inputs.map((input) => (input === null ? null : copyOf(input)));
    const attributes = [...node.attributes].map(([name, attribute]): [string, Attribute] =>
      attribute.type === "graph"
        ? [name, { type: "graph", value: cloneGraph(attribute.value, copies) }]
        : [name, attribute],
    );
    const made = new Node(node.op, inputs, node.outputs.map(cloneValue), new Map(attributes), node.domain, node.name);
    made.source = node.source;
    return made;
  });
  copy.outputs = graph.outputs.map(copyOf);
  return copy;
}
