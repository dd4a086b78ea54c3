import { float32, int64Vector, scalar } from "../../tensor/tensor.ts";
import type { OpBuilder } from "../builder.ts";
import type { Model, Node, Value } from "../ir.ts";
import { replaceNodes } from "../replace-nodes.ts";
import { FLOAT, labelsOf, perRow, vector, type WriteOut } from "./ml-attributes.ts";
import { writtenOutMachine } from "./write-out-svm.ts";

/** Below the norm of every row that is not all zeros; those stay as they are. */
const LEAST_NORM = 1e-30;
const WRITTEN_OUT: Readonly<Record<string, WriteOut>> = {
  Scaler: scaled,
  LinearClassifier: classified,
  Normalizer: normalized,
  SVMClassifier: writtenOutMachine,
  ArrayFeatureExtractor: extracted,
  Imputer: imputed,
};

/**
 * Writes operators of ai.onnx.ml, in which scikit-learn's scaling, linear models, support vector machines and normalization are exported, out in those of ai.onnx, in place: they have gradients, and a Softmax at
 * the end is seen. Left as they are: anything else of that domain, and linear models whose scores are not one for each class.
 */
export function writeOutMl(model: Model): void {
  replaceNodes(model.graph, (op, node) =>
    node.domain === "ai.onnx.ml" ? (WRITTEN_OUT[node.op]?.(op, node, model.opset) ?? null) : null,
  );
}

/** Rows divided by their norm. */
export function overNorm(op: OpBuilder, rows: Value, norm: "L1" | "L2", opset: number): Value {
  const size = perRow(op, `Reduce${norm}`, rows, opset);
  return op.Div(rows, op.Max(size, scalar("float32", LEAST_NORM)));
}

function normalized(op: OpBuilder, node: Node, opset: number): Value[] | null {
  const norm = node.string("norm", "MAX");
  return norm === "L1" || norm === "L2" ? [overNorm(op, op.Cast(node.inputs[0]!, FLOAT), norm, opset)] : null;
}

function scaled(op: OpBuilder, node: Node): Value[] | null {
  const [offset, scale] = [node.numbers("offset"), node.numbers("scale")];
  if (offset === undefined || scale === undefined) return null;
  return [op.Mul(op.Sub(op.Cast(node.inputs[0]!, FLOAT), vector(offset)), vector(scale))];
}

function classified(op: OpBuilder, node: Node): Value[] | null {
  const labels = labelsOf(node);
  const [coefficients, intercepts] = [node.numbers("coefficients"), node.numbers("intercepts")];
  const transform = node.string("post_transform", "NONE");
  const count = labels?.data.length ?? 0;
  const features = (coefficients?.length ?? 0) / count;
  const isPlain = Number.isInteger(features) && intercepts?.length === count;
  if (coefficients === undefined || count < 2 || !isPlain || !["NONE", "LOGISTIC", "SOFTMAX"].includes(transform))
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

/** A number is put in the place of one that stands for none. */
function imputed(op: OpBuilder, node: Node): Value[] | null {
  const rows = op.Cast(node.inputs[0]!, FLOAT);
  const [values, replaced] = [node.numbers("imputed_value_floats"), node.float("replaced_value_float", 0)];
  if (values === undefined) return null;
  const isNone = Number.isNaN(replaced) ? op.IsNaN(rows) : op.Equal(rows, scalar("float32", replaced));
  return [op.Where(isNone, vector(values), rows)];
}

/** Some columns. */
function extracted(op: OpBuilder, { inputs: [rows, columns] }: Node): Value[] | null {
  return [op.Gather(rows!, op.Reshape(columns!, int64Vector([-1])), { axis: -1 })];
}
