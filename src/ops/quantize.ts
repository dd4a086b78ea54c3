import { BlindspotError } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/ir.ts";
import { type DType, int64Vector } from "../tensor/tensor.ts";
import { aroundAxis, normalizeAxis } from "./axes.ts";
import { mapElements, reference } from "./broadcast.ts";
import { defineOp, type ExampleInput, type OpDefinition, type Reference } from "./define.ts";
import { requireRank, typeOfInput } from "./dims.ts";
import { castLike, dtypeOfCode } from "./dtypes.ts";
import { integerOperators } from "./integer-products.ts";
import { within } from "./pointwise.ts";
import { clamp, quantizedTo, rangeOf, roundHalfEven } from "./rounding.ts";

/**
 * Quantization is a staircase: its derivative is zero almost everywhere. These rules are straight-through estimators (Bengio et al.,
 * arXiv 1308.3432): rounding is taken as the identity inside the range that integers can hold, and as a constant outside. Scale and zero
 * point count as constants. Between QuantizeLinear and DequantizeLinear the value is an integer, and a float cotangent flows on it:
 * `straightThrough` tells the engine to let it.
 */

/** The type that QuantizeLinear makes: its zero point's, the attribute's (opset 21), or uint8. */
function quantizedType(node: Node): DType | null {
  const zeroPoint = node.inputs[2];
  if (zeroPoint !== null && zeroPoint !== undefined) return zeroPoint.dtype;
  return dtypeOfCode(node.int("output_dtype", 0)) ?? "uint8";
}

/** The index into scale and zero point for each element of x: one for the tensor, one along an axis, or one for each block (opset 21). */
function parameterIndex(x: Reference, scale: Reference, node: Node): (index: number) => number {
  if (scale.data.length === 1) return () => 0;
  const axis = normalizeAxis(node.int("axis", 1), x.dims.length, node);
  const { size, inner } = aroundAxis(x.dims, axis);
  const block = node.int("block_size", 0);
  if (block === 0) return (index) => Math.floor(index / inner) % size;
  const blocks = scale.dims[axis];
  return (index) => {
    const outer = Math.floor(index / inner / size);
    const along = Math.floor((Math.floor(index / inner) % size) / block);
    return (outer * blocks + along) * inner + (index % inner);
  };
}

/** Scale or zero point as it broadcasts against x: a scalar as it is, a vector along the axis. */
function alongAxis(op: OpBuilder, parameter: Value, node: Node): Value {
  if (node.int("block_size", 0) !== 0)
    throw new BlindspotError({
      code: "E_OP_NO_GRADIENT",
      subject: node.describe(),
      expected: "one scale for a tensor or for each index of an axis",
      got: "blocks",
    });
  if (parameter.rank === 0) return parameter;
  const rank = requireRank(node, 0);
  const axis = normalizeAxis(node.int("axis", 1), rank, node);
  if (parameter.shape?.[0] === 1) return op.Reshape(parameter, int64Vector([1]));
  return op.Reshape(parameter, int64Vector([-1, ...new Array<number>(rank - 1 - axis).fill(1)]));
}

const scalarOf = (dtype: "float32" | "uint8" | "int8", value: number): ExampleInput => ({
  dtype,
  dims: [],
  values: [value],
});
const vectorOf = (dtype: "float32" | "uint8" | "int8", ...values: number[]): ExampleInput => ({
  dtype,
  dims: [values.length],
  values,
});

/** Scale and zero point of a tensor that is quantized on the fly: the range of x, with 0 in it, over 0..255. */
function dynamicParameters(x: Reference): { scale: number; zeroPoint: number } {
  const low = x.data.reduce((a, b) => Math.min(a, b), 0);
  const high = x.data.reduce((a, b) => Math.max(a, b), 0);
  const scale = (high - low) / 255;
  return { scale, zeroPoint: scale === 0 ? 0 : clamp(roundHalfEven(-low / scale), [0, 255]) };
}

const linear: readonly OpDefinition[] = [
  // y = clamp(round(x / scale) + zero): dx = dy / scale where round(x / scale) + zero is inside the range
  defineOp({
    type: "QuantizeLinear",
    infer: (node) => [{ dtype: quantizedType(node), shape: typeOfInput(node, 0).shape }],
    evaluate: ([x, scale, zeroPoint], node) => {
      const dtype = zeroPoint?.dtype ?? quantizedType(node)!;
      const range = rangeOf(dtype, node);
      const parameter = parameterIndex(x!, scale!, node);
      const data = x!.data.map((value, index) => {
        const k = parameter(index);
        return quantizedTo(range, value, scale!.data[k], zeroPoint?.data[k] ?? 0);
      });
      return [reference(x!.dims, data, dtype)];
    },
    straightThrough: true,
    gradient: ({ op, node, inputs, outputs: [y], cotangents: [dy] }) => {
      const [x, scale, zeroPoint] = [inputs[0]!, alongAxis(op, inputs[1]!, node), inputs[2]];
      const quotient = op.Div(x, scale);
      const shifted = zeroPoint ? op.Add(quotient, alongAxis(op, castLike(op, zeroPoint, x), node)) : quotient;
      const [low, high] = rangeOf(y.dtype ?? "uint8", node);
      // Half a step beyond either end still rounds to it.
      const inside = op.And(
        op.GreaterOrEqual(shifted, op.scalarLike(x, low - 0.5)),
        op.LessOrEqual(shifted, op.scalarLike(x, high + 0.5)),
      );
      return [op.Mul(op.Div(dy!, scale), castLike(op, inside, dy!)), null, null];
    },
    examples: [
      { inputs: [[2, 3], scalarOf("float32", 0.1), scalarOf("uint8", 10)] },
      { inputs: [[2, 3, 2], vectorOf("float32", 0.1, 0.2, 0.3), vectorOf("int8", 0, 1, -1)] },
      { inputs: [[2, 3], vectorOf("float32", 0.1, 0.2, 0.3)], attributes: { axis: -1 } },
    ],
  }),
  // y = (x - zero) scale: dx = dy scale, on the integer x
  defineOp({
    type: "DequantizeLinear",
    infer: (node) => [{ dtype: typeOfInput(node, 1).dtype, shape: typeOfInput(node, 0).shape }],
    evaluate: ([x, scale, zeroPoint], node) => {
      const parameter = parameterIndex(x!, scale!, node);
      const data = x!.data.map((value, index) => {
        const k = parameter(index);
        return (value - (zeroPoint?.data[k] ?? 0)) * scale!.data[k];
      });
      return [reference(x!.dims, data)];
    },
    straightThrough: true,
    gradient: ({ op, node, inputs, cotangents: [dy] }) => [op.Mul(dy!, alongAxis(op, inputs[1]!, node)), null, null],
    examples: [
      {
        inputs: [{ dtype: "uint8", dims: [2, 2], values: [0, 3, 128, 255] }, within(0.1, 0.3), scalarOf("uint8", 128)],
      },
    ],
  }),
  // y = clamp(round(x / scale) + zero), with scale and zero of the range of x itself, so that nothing is clipped: dx = dy / scale
  defineOp({
    type: "DynamicQuantizeLinear",
    infer: (node) => [
      { dtype: "uint8", shape: typeOfInput(node, 0).shape },
      { dtype: "float32", shape: [] },
      { dtype: "uint8", shape: [] },
    ],
    evaluate: ([x]) => {
      const { scale, zeroPoint } = dynamicParameters(x!);
      const quantized = mapElements((v) => (scale === 0 ? 0 : quantizedTo([0, 255], v, scale, zeroPoint)), x!);
      return [{ ...quantized, dtype: "uint8" }, reference([], [scale]), reference([], [zeroPoint], "uint8")];
    },
    straightThrough: true,
    gradient: ({ op, node, inputs, outputs: [, scale], cotangents: [dy] }) => [
      dy === null
        ? op.Mul(inputs[0]!, op.scalarLike(inputs[0]!, 0))
        : op.Div(dy, scale ?? op.node("DynamicQuantizeLinear", [inputs[0]!], {}, 3, node.domain)[1]),
    ],
    examples: [{ inputs: [[2, 3]], outputs: 3 }],
  }),
];

export const quantizeOperators: readonly OpDefinition[] = [...linear, ...integerOperators];
