import type { Tensor } from "../tensor/tensor.ts";
import type { Attribute, Graph, Node, Shape, Value } from "./ir.ts";
import { assignNames } from "./names.ts";

/** Tensors up to this size are shown with their elements. */
const SHOWN_ELEMENTS = 8;

type Names = ReadonlyMap<Value, string>;

/**
 * The graph as text, one node a line, under the names it would be written with:
 * `y: float32[N,10] = Gemm(x, w, b) {transB: 1}`.
 */
export function printGraph(graph: Graph): string {
  return graphLines(graph, assignNames(graph)).join("\n");
}

function graphLines(graph: Graph, names: Names): string[] {
  const list = (values: readonly Value[]): string =>
    values.map((value) => `${names.get(value)}${typeOf(value)}`).join(", ");
  return [
    `${graph.name}(${list(graph.inputs)}) -> (${list(graph.outputs)}) {`,
    ...graph.initializers.map((value) => `  ${names.get(value)}${typeOf(value)}${elementsOf(value.constant)}`),
    ...graph.nodes.flatMap((node) => nodeLines(node, names).map((line) => `  ${line}`)),
    "}",
  ];
}

function nodeLines(node: Node, names: Names): string[] {
  const outputs = node.outputs.map((value) => (names.has(value) ? `${names.get(value)}${typeOf(value)}` : "_"));
  const inputs = node.inputs.map((value) => (value === null ? "_" : names.get(value)));
  const op = node.domain === "" ? node.op : `${node.domain}.${node.op}`;
  const plain: string[] = [];
  const nested: string[] = [];
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === "graph") {
      const [first, ...rest] = graphLines(attribute.value, names);
      nested.push(`  ${name}: ${first}`, ...rest.map((line) => `  ${line}`));
    } else plain.push(`${name}: ${attributeText(attribute)}`);
  }
  const attributes = plain.length === 0 ? "" : ` {${plain.join(", ")}}`;
  return [`${outputs.join(", ")} = ${op}(${inputs.join(", ")})${attributes}`, ...nested];
}

function attributeText(attribute: Exclude<Attribute, { type: "graph" }>): string {
  switch (attribute.type) {
    case "tensor":
      return `${attribute.value.dtype}[${attribute.value.dims}]${elementsOf(attribute.value)}`;
    case "opaque":
      return "(opaque)";
    default:
      return JSON.stringify(attribute.value);
  }
}

function typeOf({ dtype, shape }: Value): string {
  if (dtype === null && shape === null) return "";
  return `: ${dtype ?? "?"}${shapeText(shape)}`;
}

function shapeText(shape: Shape | null): string {
  return shape === null ? "" : `[${shape.map((dim) => dim ?? "?").join(",")}]`;
}

function elementsOf(tensor: Tensor | null): string {
  if (tensor === null || tensor.data.length > SHOWN_ELEMENTS) return "";
  return ` = {${Array.from(tensor.data as ArrayLike<unknown>, String).join(", ")}}`;
}
