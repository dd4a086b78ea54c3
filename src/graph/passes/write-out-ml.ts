import { codeFromDtype } from "../../onnx/index.ts";
import { float32, int64Vector, scalar, type Tensor, tensor } from "../../tensor/tensor.ts";
import type { OpBuilder } from "../builder.ts";
import type { Model, Node, Value } from "../ir.ts";
import { replaceNodes } from "../replace-nodes.ts";

/** Below the norm of every row that is not all zeros; those stay as they are. */
const LEAST_NORM = 1e-30;
/** From here on the axes of ReduceL1 and ReduceL2 are an input. */
const AXES_AS_INPUT = 18;

/** What takes the place of a node's outputs; null for a node that is left as it is. */
type WriteOut = (op: OpBuilder, node: Node, opset: number) => Value[] | null;

const WRITTEN_OUT: Readonly<Record<string, WriteOut>> = {
  Scaler: scaled,
  LinearClassifier: classified,
  Normalizer: normalized,
};

const FLOAT = { to: codeFromDtype("float32") };

/**
 * Writes operators of ai.onnx.ml, in which scikit-learn's scaling, linear models and normalization are exported, out in those of ai.onnx, in place: they have gradients, and a Softmax at
 * the end is seen. Left as they are: anything else of that domain, and linear models whose scores are not one for each class.
 */
export function writeOutMl(model: Model): void {
  replaceNodes(model.graph, (op, node) =>
    node.domain === "ai.onnx.ml" ? (WRITTEN_OUT[node.op]?.(op, node, model.opset) ?? null) : null,
  );
}

/** Rows divided by their norm. */
export function overNorm(op: OpBuilder, rows: Value, norm: "L1" | "L2", opset: number): Value {
  const reduce = `Reduce${norm}` as const;
  const size =
    opset < AXES_AS_INPUT
      ? op[reduce]!(rows, { axes: [-1], keepdims: 1 })
      : op[reduce]!(rows, int64Vector([-1]), { keepdims: 1 });
  return op.Div(rows, op.Max(size, scalar("float32", LEAST_NORM)));
}

function normalized(op: OpBuilder, node: Node, opset: number): Value[] | null {
  const norm = node.string("norm", "MAX");
  return norm === "L1" || norm === "L2" ? [overNorm(op, op.Cast(node.inputs[0]!, FLOAT), norm, opset)] : null;
}

function scaled(op: OpBuilder, node: Node): Value[] | null {
  const [offset, scale] = [floats(node, "offset"), floats(node, "scale")];
  if (offset === null || scale === null) return null;
  return [op.Mul(op.Sub(op.Cast(node.inputs[0]!, FLOAT), vector(offset)), vector(scale))];
}

function classified(op: OpBuilder, node: Node): Value[] | null {
  const labels = labelsOf(node);
  const [coefficients, intercepts] = [floats(node, "coefficients"), floats(node, "intercepts")];
  const transform = node.string("post_transform", "NONE");
  const count = labels?.data.length ?? 0;
  const features = (coefficients?.length ?? 0) / count;
  const isPlain = Number.isInteger(features) && intercepts?.length === count;
  if (coefficients === null || count < 2 || !isPlain || !["NONE", "LOGISTIC", "SOFTMAX"].includes(transform))
    return null;
  const columns = Float32Array.from(
    { length: coefficients.length },
    (_, i) => coefficients[(i % count) * features + Math.floor(i / count)]!,
  );
  const products = op.MatMul(op.Cast(node.inputs[0]!, FLOAT), float32([features, count], columns));
  const sums = op.Add(products, float32([count], intercepts!));
  const best = op.ArgMax(sums, { axis: 1, keepdims: 0 });
  const scores =
    transform === "NONE" ? sums : transform === "SOFTMAX" ? op.Softmax(sums, { axis: 1 }) : op.Sigmoid(sums);
  return [op.Gather(labels!, best, { axis: 0 }), scores];
}

function labelsOf({ attributes }: Node): Tensor | null {
  const given = attributes.get("classlabels_ints") ?? attributes.get("classlabels_strings");
  if (given?.type === "ints") return int64Vector(given.value);
  return given?.type === "strings" ? tensor("string", [given.value.length], given.value) : null;
}

function floats(node: Node, name: string): readonly number[] | null {
  const given = node.attributes.get(name);
  return given?.type === "floats" || given?.type === "ints" ? given.value : null;
}

function vector(values: readonly number[]): Tensor {
  return float32(values.length === 1 ? [] : [values.length], values);
}
