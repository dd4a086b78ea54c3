import { Node, type Value } from "../graph/ir.ts";
import { mapBroadcast } from "./broadcast.ts";
import { conv } from "./convolution.ts";
import { defineOp, type OpDefinition, type Reference } from "./define.ts";
import { typeOfInput } from "./dims.ts";
import { matMul, matMulShape } from "./linear.ts";
import { quantizedTo, rangeOf } from "./rounding.ts";

/**
 * Products of quantized operands: executed by the reference, but without gradient rules. Quantized models are differentiated in the form that
 * writes QuantizeLinear and DequantizeLinear.
 */

/** Zero points and scales: one for the tensor, one for each row (or output channel), or one that already has its axes. */
function perLeading(parameter: Reference, rank: number, axis: number): Reference {
  if (parameter.dims.length !== 1 || parameter.data.length === 1) return parameter;
  return { ...parameter, dims: [parameter.data.length, ...new Array<number>(rank - 1 - axis).fill(1)] };
}

/** The real numbers (in steps of the scale) that integers stand for. */
function decode(
  x: Reference,
  zeroPoint: Reference | null | undefined,
  scale: Reference | null,
  axis: number = x.dims.length - 1,
): Reference {
  const rank = x.dims.length;
  const shifted = zeroPoint ? mapBroadcast((v, z) => v - z, x, perLeading(zeroPoint, rank, axis)) : x;
  return scale ? mapBroadcast((v, s) => v * s, shifted, perLeading(scale, rank, axis)) : shifted;
}

function encode(y: Reference, scale: Reference, zeroPoint: Reference, node: Node): Reference {
  const range = rangeOf(zeroPoint.dtype, node);
  const data = mapBroadcast((v, s, z) => quantizedTo(range, v, s, z), y, scale, zeroPoint);
  return { ...data, dtype: zeroPoint.dtype };
}

/** The axis of a left operand's rows: what its zero points are given for. */
function rowAxis(a: Reference): number {
  return Math.max(a.dims.length - 2, 0);
}

/** The Conv that a quantized convolution stands for, to infer its shape. */
function asConv(node: Node, x: Value | null, w: Value | null): Node {
  return new Node("Conv", [x, w], [], node.attributes, "", node.name);
}

export const integerOperators: readonly OpDefinition[] = [
  defineOp({
    type: "MatMulInteger",
    infer: (node) => [
      { dtype: "int32", shape: matMulShape(typeOfInput(node, 0).shape, typeOfInput(node, 1).shape, node) },
    ],
    evaluate: ([a, b, aZero, bZero], node) => {
      const product = matMul(decode(a!, aZero, null, rowAxis(a!)), decode(b!, bZero, null), node);
      return [{ ...product, dtype: "int32" }];
    },
  }),
  defineOp({
    type: "QLinearMatMul",
    infer: (node) => [
      {
        dtype: typeOfInput(node, 7).dtype,
        shape: matMulShape(typeOfInput(node, 0).shape, typeOfInput(node, 3).shape, node),
      },
    ],
    evaluate: ([a, aScale, aZero, b, bScale, bZero, yScale, yZero], node) => {
      const left = decode(a!, aZero, aScale!, rowAxis(a!));
      return [encode(matMul(left, decode(b!, bZero, bScale!), node), yScale!, yZero!, node)];
    },
  }),
  defineOp({
    type: "ConvInteger",
    infer: (node) => [{ ...conv.infer(node)[0], dtype: "int32" }],
    evaluate: ([x, w, xZero, wZero], node) => {
      const [y] = conv.evaluate([decode(x!, xZero, null), decode(w!, wZero, null, 0), null], node);
      return [{ ...y, dtype: "int32" }];
    },
  }),
  defineOp({
    type: "QLinearConv",
    infer: (node) => [
      { ...conv.infer(asConv(node, node.inputs[0], node.inputs[3]))[0], dtype: typeOfInput(node, 7).dtype },
    ],
    // The bias is an integer of scale x_scale w_scale, with zero point 0.
    evaluate: ([x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias], node) => {
      const b = bias ? mapBroadcast((v, s, t) => v * s * t, bias, xScale!, wScale!) : null;
      const [y] = conv.evaluate([decode(x!, xZero, xScale!), decode(w!, wZero, wScale!, 0), b], node);
      return [encode(y, yScale!, yZero!, node)];
    },
  }),
];
