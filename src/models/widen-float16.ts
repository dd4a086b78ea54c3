import type { Attribute, Model } from "../graph/ir.ts";
import { codeFromDtype } from "../onnx/index.ts";
import { referenceOf } from "../ops/dtypes.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";

const FLOAT16 = codeFromDtype("float16");
const FLOAT32 = codeFromDtype("float32");
/** Attributes that name an element type: of Cast, and of the operators that create tensors. */
const TYPE_ATTRIBUTES = ["to", "dtype"];

function widen(value: Tensor): Tensor {
  return value.dtype === "float16" ? float32(value.dims, Float32Array.from(referenceOf(value).data)) : value;
}

function widenAttribute(name: string, attribute: Attribute): Attribute {
  if (attribute.type === "tensor") return { type: "tensor", value: widen(attribute.value) };
  const names = attribute.type === "int" && TYPE_ATTRIBUTES.includes(name) && attribute.value === FLOAT16;
  return names ? { type: "int", value: FLOAT32 } : attribute;
}

/**
 * Turns a float16 model into the same model in float32, in place: attacks follow smoother gradients, on kernels that every CPU has.
 * The numbers differ by float16's rounding; what counts is decided by the original file anyway.
 */
export function widenFloat16(model: Model): void {
  const { graph } = model;
  const values = [...graph.inputs, ...graph.initializers, ...graph.nodes.flatMap((node) => node.outputs)];
  for (const value of values) {
    if (value.constant !== null) value.constant = widen(value.constant);
    if (value.dtype === "float16") value.dtype = "float32";
  }
  for (const node of graph.nodes)
    for (const [name, attribute] of node.attributes) node.attributes.set(name, widenAttribute(name, attribute));
}
