import { int64, int64Vector, scalar, type Tensor, tensor } from "../tensor/tensor.ts";
import type { Node } from "./ir.ts";

/** The tensor of a Constant node, in whichever attribute it is given; undefined for a sparse one. */
export function constantOf(node: Node): Tensor | undefined {
  for (const [name, attribute] of node.attributes) {
    if (!name.startsWith("value")) continue;
    if (attribute.type === "tensor") return attribute.value;
    if (attribute.type === "int") return int64([], [attribute.value]);
    if (attribute.type === "ints") return int64Vector(attribute.value);
    if (attribute.type === "float") return scalar("float32", attribute.value);
    if (attribute.type === "floats")
      return tensor("float32", [attribute.value.length], Float32Array.from(attribute.value));
    if (attribute.type === "string") return tensor("string", [], [attribute.value]);
    if (attribute.type === "strings") return tensor("string", [attribute.value.length], attribute.value);
  }
  return undefined;
}
