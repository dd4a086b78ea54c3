import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value, ValueType } from "../graph/ir.ts";
import { int64Vector, sizeOf } from "../tensor/tensor.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type OpDefinition } from "./define.ts";
import { requireRank, typeOfInput } from "./dims.ts";
import { castLike } from "./dtypes.ts";
import { countTrailing, expandLike } from "./emit.ts";
import { cotangentOfNorm, derivativeOfPower } from "./pooling.ts";

/** Pools over all of space: [N, C, ...sizes] to [N, C, 1, ..]. Their rules need no sizes. */

function inferGlobal(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  return [{ dtype, shape: shape && shape.map((dim, axis) => (axis < 2 ? dim : 1)) }];
}

function evaluateGlobal(reduce: (channel: Float64Array, node: Node) => number): OpDefinition["evaluate"] {
  return ([x], node) => {
    const [batch, channels, ...sizes] = x!.dims;
    const size = sizeOf(sizes);
    const y = Float64Array.from({ length: batch * channels }, (_, c) =>
      reduce(x!.data.subarray(c * size, (c + 1) * size), node),
    );
    return [reference([batch, channels, ...sizes.map(() => 1)], y, x!.dtype)];
  };
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
const images = [{ inputs: [[2, 3, 4, 5]] }, { inputs: [[2, 2, 5]] }, { inputs: [[1, 2, 2, 3, 2]] }];

const globalAveragePool = defineOp({
  type: "GlobalAveragePool",
  infer: inferGlobal,
  evaluate: evaluateGlobal((channel) => sum(channel) / channel.length),
  /** dx = dy / (elements of a channel), everywhere */
  gradient: ({ op, inputs, cotangents }) => [
    expandLike(op, op.Div(cotangents[0]!, countTrailing(op, inputs[0]!, 2)), inputs[0]!),
  ],
  examples: images,
});

/** 1 at the maxima, 0 elsewhere. */
function maxima(op: OpBuilder, x: Value, y: Value): Value {
  return castLike(op, op.Equal(x, y), x);
}

const globalMaxPool = defineOp({
  type: "GlobalMaxPool",
  infer: inferGlobal,
  evaluate: evaluateGlobal((channel) =>
    channel.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  ),
  /** dx = dy at the maximum; equal maxima share it */
  gradient({ op, node, inputs, outputs, cotangents }) {
    const spatial = Array.from({ length: requireRank(node, 0) - 2 }, (_, axis) => axis + 2);
    const mask = maxima(op, inputs[0]!, outputs[0]);
    const ties = op.ReduceSum(mask, int64Vector(spatial), { keepdims: 1 });
    return [op.Mul(mask, op.Div(cotangents[0]!, ties))];
  },
  examples: images,
});

const globalLpPool = defineOp({
  type: "GlobalLpPool",
  infer: inferGlobal,
  evaluate: evaluateGlobal((channel, node) => {
    const p = node.int("p", 2);
    return sum(channel.map((value) => Math.abs(value) ** p)) ** (1 / p);
  }),
  /** dx = sign(x) |x|^(p-1) dy y^(1-p) */
  gradient({ op, node, inputs, outputs, cotangents }) {
    const p = node.int("p", 2);
    return [op.Mul(derivativeOfPower(op, inputs[0]!, p), cotangentOfNorm(op, cotangents[0]!, outputs[0], p))];
  },
  examples: [...images, { inputs: [[2, 3, 4]], attributes: { p: 3 } }],
});

export const globalPoolingOperators: readonly OpDefinition[] = [globalAveragePool, globalMaxPool, globalLpPool];
