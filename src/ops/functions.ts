import type { OpBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/ir.ts";
import type { OpDefinition } from "./define.ts";
import { erf } from "./erf.ts";
import { unary } from "./pointwise.ts";
import { roundHalfEven } from "./rounding.ts";

function onePlusSquare(op: OpBuilder, x: Value): Value {
  return op.Add(op.scalarLike(x, 1), op.Mul(x, x));
}

function oneMinusSquare(op: OpBuilder, x: Value): Value {
  return op.Sub(op.scalarLike(x, 1), op.Mul(x, x));
}

/** Functions of one variable. */
export const elementaryFunctions: readonly OpDefinition[] = [
  // y = -x: dx = -dy
  unary({ type: "Neg", f: (x) => -x, dx: ({ op, dy }) => op.Neg(dy) }),
  // y = |x|: dx = dy sign x (0 at 0)
  unary({ type: "Abs", f: Math.abs, dx: ({ op, dy, x }) => op.Mul(dy, op.Sign(x)) }),
  // y = sqrt x: dx = dy / (2 y)
  unary({ type: "Sqrt", f: Math.sqrt, dx: ({ op, dy, y }) => op.Div(dy, op.Add(y, y)), range: [0.2, 3] }),
  // y = exp x: dx = dy y
  unary({ type: "Exp", f: Math.exp, dx: ({ op, dy, y }) => op.Mul(dy, y) }),
  // y = log x: dx = dy / x
  unary({ type: "Log", f: Math.log, dx: ({ op, dy, x }) => op.Div(dy, x), range: [0.2, 3] }),
  // y = 1 / x: dx = -dy y^2
  unary({
    type: "Reciprocal",
    f: (x) => 1 / x,
    dx: ({ op, dy, y }) => op.Neg(op.Mul(dy, op.Mul(y, y))),
    range: [0.4, 3],
  }),
  // y = sin x: dx = dy cos x
  unary({ type: "Sin", f: Math.sin, dx: ({ op, dy, x }) => op.Mul(dy, op.Cos(x)) }),
  // y = cos x: dx = -dy sin x
  unary({ type: "Cos", f: Math.cos, dx: ({ op, dy, x }) => op.Neg(op.Mul(dy, op.Sin(x))) }),
  // y = tan x: dx = dy (1 + y^2)
  unary({ type: "Tan", f: Math.tan, dx: ({ op, dy, y }) => op.Mul(dy, onePlusSquare(op, y)), range: [-1, 1] }),
  // y = asin x: dx = dy / sqrt(1 - x^2)
  unary({
    type: "Asin",
    f: Math.asin,
    dx: ({ op, dy, x }) => op.Div(dy, op.Sqrt(oneMinusSquare(op, x))),
    range: [-0.9, 0.9],
  }),
  // y = acos x: dx = -dy / sqrt(1 - x^2)
  unary({
    type: "Acos",
    f: Math.acos,
    dx: ({ op, dy, x }) => op.Neg(op.Div(dy, op.Sqrt(oneMinusSquare(op, x)))),
    range: [-0.9, 0.9],
  }),
  // y = atan x: dx = dy / (1 + x^2)
  unary({ type: "Atan", f: Math.atan, dx: ({ op, dy, x }) => op.Div(dy, onePlusSquare(op, x)) }),
  // y = sinh x: dx = dy cosh x
  unary({ type: "Sinh", f: Math.sinh, dx: ({ op, dy, x }) => op.Mul(dy, op.Cosh(x)) }),
  // y = cosh x: dx = dy sinh x
  unary({ type: "Cosh", f: Math.cosh, dx: ({ op, dy, x }) => op.Mul(dy, op.Sinh(x)) }),
  // y = asinh x: dx = dy / sqrt(1 + x^2)
  unary({ type: "Asinh", f: Math.asinh, dx: ({ op, dy, x }) => op.Div(dy, op.Sqrt(onePlusSquare(op, x))) }),
  // y = acosh x: dx = dy / sqrt(x^2 - 1)
  unary({
    type: "Acosh",
    f: Math.acosh,
    dx: ({ op, dy, x }) => op.Div(dy, op.Sqrt(op.Neg(oneMinusSquare(op, x)))),
    range: [1.2, 3],
  }),
  // y = atanh x: dx = dy / (1 - x^2)
  unary({ type: "Atanh", f: Math.atanh, dx: ({ op, dy, x }) => op.Div(dy, oneMinusSquare(op, x)), range: [-0.9, 0.9] }),
  // y = erf x: dx = dy 2 / sqrt(pi) exp(-x^2)
  unary({
    type: "Erf",
    f: erf,
    dx: ({ op, dy, x }) => op.Mul(dy, op.Mul(op.Exp(op.Neg(op.Mul(x, x))), op.scalarLike(x, 2 / Math.sqrt(Math.PI)))),
  }),
  unary({ type: "Floor", f: Math.floor, dx: "flat", range: [0.2, 0.8] }),
  unary({ type: "Ceil", f: Math.ceil, dx: "flat", range: [0.2, 0.8] }),
  unary({ type: "Round", f: roundHalfEven, dx: "flat", range: [0.6, 1.4] }),
  unary({ type: "Sign", f: Math.sign, dx: "flat", range: [0.1, 1] }),
];
