import { GraphBuilder } from "../graph/builder.ts";
import { cloneModel, forgetShapes } from "../graph/index.ts";
import type { Model, Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import { int64Vector, type Tensor, toNumbers } from "../tensor/tensor.ts";

/** Name of a batch dimension that we freed. */
export const FREE_BATCH = "N";

/** Relative to the largest logit. Kernels differ by batch size in the last bits only; rows that mix differ by far more. */
const TOLERANCE = 1e-4;

function constantOf(value: Value | null | undefined): Tensor | null {
  return value?.constant ?? (value?.producer?.op === "Constant" ? (value.producer.tensor("value") ?? null) : null);
}

/**
 * A copy of the model that takes any number of rows where the file says `batch`: the input's first dimension gets a name, declared inner
 * shapes are forgotten, and Reshapes that begin with the batch size keep their rows instead. Nothing proves that this is the same function
 * for each row: `disagreement` decides, on results.
 */
export function freeBatch(source: Model, batch: number, table: OpTable): Model {
  const model = cloneModel(source);
  const { graph } = model;
  const input = graph.inputs[0]!;
  input.shape = [FREE_BATCH, ...input.shape!.slice(1)];
  const builder = new GraphBuilder(graph, table);
  for (const node of graph.nodes) {
    if (node.op !== "Reshape" || node.int("allowzero", 0) !== 0) continue;
    const target = constantOf(node.inputs[1]);
    if (target === null) continue;
    const [first, ...rest] = toNumbers(target);
    if (first !== batch || rest.length === 0) continue;
    // 0 copies the size of the input's first axis, where -1 is taken already.
    const rows = rest.includes(-1) ? 0 : -1;
    node.inputs[1] = builder.initializer("shape", int64Vector([rows, ...rest]));
  }
  forgetShapes(model);
  return model;
}

function argmax(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > row[best]! ? i : best), 0);
}

/**
 * Compares logits [count, classes] of rows computed together with those of the same rows computed alone.
 * Null where they agree, else what differs.
 */
export function disagreement(together: Float32Array, alone: readonly Float32Array[]): string | null {
  const classes = alone[0]!.length;
  if (together.length !== classes * alone.length)
    return `${alone.length} rows gave ${together.length} numbers instead of ${classes * alone.length}`;
  for (const [i, single] of alone.entries()) {
    const row = together.subarray(i * classes, (i + 1) * classes);
    const scale = single.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
    const worst = single.reduce((largest, value, c) => Math.max(largest, Math.abs(value - row[c]!)), 0);
    if (!(worst <= TOLERANCE * scale)) return `row ${i} differs by ${worst.toPrecision(2)}`;
    if (worst > 0 && argmax(row) !== argmax(single)) return `row ${i} changes its class`;
  }
  return null;
}
