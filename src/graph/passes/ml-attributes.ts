import { codeFromDtype } from "../../onnx/index.ts";
import { float32, int64Vector, type Tensor, tensor } from "../../tensor/tensor.ts";
import type { OpBuilder } from "../builder.ts";
import type { Node, Value } from "../ir.ts";

/** What takes the place of a node's outputs; null for a node that is left as it is. */
export type WriteOut = (op: OpBuilder, node: Node, opset: number) => Value[] | null;

/** From here on the axes of reductions other than ReduceSum are an input. */
const AXES_AS_INPUT = 18;

export const FLOAT = { to: codeFromDtype("float32") };

/** The class names of a classifier of ai.onnx.ml; null where it has none. */
export function labelsOf({ attributes }: Node): Tensor | null {
  const given = attributes.get("classlabels_ints") ?? attributes.get("classlabels_strings");
  if (given?.type === "ints") return int64Vector(given.value);
  return given?.type === "strings" ? tensor("string", [given.value.length], given.value) : null;
}

export function vector(values: readonly number[]): Tensor {
  return float32(values.length === 1 ? [] : [values.length], values);
}

/** Rows reduced to one number each, which keeps its axis. */
export function perRow(op: OpBuilder, kind: "ReduceL1" | "ReduceL2" | "ReduceMax", rows: Value, opset: number): Value {
  return opset < AXES_AS_INPUT
    ? op[kind]!(rows, { axes: [-1], keepdims: 1 })
    : op[kind]!(rows, int64Vector([-1]), { keepdims: 1 });
}
