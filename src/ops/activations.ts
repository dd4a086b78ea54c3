import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/ir.ts";
import { mapBroadcast } from "./broadcast.ts";
import { defineOp, type OpDefinition } from "./define.ts";
import { typeOfInput } from "./dims.ts";
import { castLike } from "./dtypes.ts";
import { erf } from "./erf.ts";
import { type UnaryContext, unary, within } from "./pointwise.ts";

/** dy where the condition holds, else 0. Cast and Mul: on ONNX Runtime a third faster than Where. */
function keep(op: OpBuilder, dy: Value, condition: Value): Value {
  return op.Mul(dy, castLike(op, condition, dy));
}

/** x > 0 as a boolean. */
function positive(op: OpBuilder, x: Value): Value {
  return op.Greater(x, op.scalarLike(x, 0));
}

/** dy (x > 0 ? right : left): the two-sided rectifiers. */
function twoSided({ op, dy, x }: UnaryContext, right: Value | null, left: Value): Value {
  return op.Where(positive(op, x), right === null ? dy : op.Mul(dy, right), op.Mul(dy, left));
}

/** 1 / (1 + exp(-x)) without overflow. */
function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function hardSigmoid(x: number, alpha: number, beta: number): number {
  return Math.max(0, Math.min(1, alpha * x + beta));
}

/** Defaults of ONNX's Selu: the float32 neighbors of the constants of Klambauer et al., 2017. */
const SELU_ALPHA = Math.fround(1.6732632);
const SELU_GAMMA = Math.fround(1.050701);

const rectifiers: readonly OpDefinition[] = [
  // y = max(x, 0): dx = dy [y > 0]
  unary({ type: "Relu", f: (x) => Math.max(x, 0), dx: ({ op, dy, y }) => keep(op, dy, positive(op, y)) }),
  // y = x > 0 ? x : alpha x: dx = dy (x > 0 ? 1 : alpha)
  unary({
    type: "LeakyRelu",
    f: (x, node) => (x > 0 ? x : node.float("alpha", 0.01) * x),
    dx: (context) => twoSided(context, null, context.op.scalarLike(context.x, context.node.float("alpha", 0.01))),
    attributes: [{ alpha: 0.3 }],
  }),
  // y = x > 0 ? x : slope x: dx = dy (x > 0 ? 1 : slope), dslope = dy (x > 0 ? 0 : x)
  defineOp({
    type: "PRelu",
    infer: (node) => [typeOfInput(node, 0)],
    evaluate: ([x, slope]) => [mapBroadcast((v, s) => (v > 0 ? v : s * v), x!, slope!)],
    gradient: ({ op, inputs, cotangents: [dy], needs }) => {
      const [x, slope] = [inputs[0]!, inputs[1]!];
      return [
        needs(0) ? op.Where(positive(op, x), dy!, op.Mul(dy!, slope)) : null,
        needs(1) ? op.Mul(dy!, op.Min(x, op.scalarLike(x, 0))) : null,
      ];
    },
    examples: [
      { inputs: [within(-2, 2, 2, 3), within(0, 1, 2, 3)] },
      { inputs: [within(-2, 2, 2, 3, 2), within(0, 1, 3, 1)] },
      { inputs: [within(-2, 2, 4), within(0, 1, 1)] },
    ],
  }),
  // y = x > 0 ? x : alpha (exp x - 1): dx = dy (x > 0 ? 1 : y + alpha)
  unary({
    type: "Elu",
    f: (x, node) => (x > 0 ? x : node.float("alpha", 1) * Math.expm1(x)),
    dx: (context) => {
      const { op, y, node } = context;
      return twoSided(context, null, op.Add(y, op.scalarLike(y, node.float("alpha", 1))));
    },
    attributes: [{ alpha: 0.7 }],
  }),
  // y = gamma (x > 0 ? x : alpha (exp x - 1)): dx = dy (x > 0 ? gamma : y + gamma alpha)
  unary({
    type: "Selu",
    f: (x, node) => node.float("gamma", SELU_GAMMA) * (x > 0 ? x : node.float("alpha", SELU_ALPHA) * Math.expm1(x)),
    dx: (context) => {
      const { op, y, node } = context;
      const gamma = node.float("gamma", SELU_GAMMA);
      const shift = op.scalarLike(y, gamma * node.float("alpha", SELU_ALPHA));
      return twoSided(context, op.scalarLike(y, gamma), op.Add(y, shift));
    },
    attributes: [{ alpha: 0.7, gamma: 1.5 }],
  }),
  // y = x > 0 ? x : alpha (exp(x / alpha) - 1): dx = dy (x > 0 ? 1 : y / alpha + 1)
  unary({
    type: "Celu",
    f: (x, node) => (x > 0 ? x : node.float("alpha", 1) * Math.expm1(x / node.float("alpha", 1))),
    dx: (context) => {
      const { op, y, node } = context;
      const scaled = op.Mul(y, op.scalarLike(y, 1 / node.float("alpha", 1)));
      return twoSided(context, null, op.Add(scaled, op.scalarLike(y, 1)));
    },
    attributes: [{ alpha: 0.7 }],
  }),
  // y = x > alpha ? x : 0: dx = dy [x > alpha]
  unary({
    type: "ThresholdedRelu",
    f: (x, node) => (x > node.float("alpha", 1) ? x : 0),
    dx: ({ op, dy, x, node }) => keep(op, dy, op.Greater(x, op.scalarLike(x, node.float("alpha", 1)))),
    attributes: [{ alpha: 0.4 }],
  }),
  // y = x - bias sign x where |x| > lambd, else 0: dx = dy [|x| > lambd]
  unary({
    type: "Shrink",
    f: (x, node) => {
      const [lambd, bias] = [node.float("lambd", 0.5), node.float("bias", 0)];
      return x < -lambd ? x + bias : x > lambd ? x - bias : 0;
    },
    dx: ({ op, dy, x, node }) => keep(op, dy, op.Greater(op.Abs(x), op.scalarLike(x, node.float("lambd", 0.5)))),
    attributes: [{ lambd: 0.8, bias: 0.3 }],
  }),
];

const saturating: readonly OpDefinition[] = [
  // y = 1 / (1 + exp(-x)): dx = dy y (1 - y)
  unary({
    type: "Sigmoid",
    f: sigmoid,
    dx: ({ op, dy, y }) => op.Mul(dy, op.Mul(y, op.Sub(op.scalarLike(y, 1), y))),
  }),
  // y = max(0, min(1, alpha x + beta)): dx = dy alpha [0 < y < 1]
  unary({
    type: "HardSigmoid",
    f: (x, node) => hardSigmoid(x, node.float("alpha", 0.2), node.float("beta", 0.5)),
    dx: ({ op, dy, y, node }) => {
      const slope = op.scalarLike(y, node.float("alpha", 0.2));
      return keep(op, op.Mul(dy, slope), strictlyInUnit(op, y));
    },
    attributes: [{ alpha: 0.6, beta: 0.4 }],
  }),
  // y = tanh x: dx = dy (1 - y^2)
  unary({
    type: "Tanh",
    f: Math.tanh,
    dx: ({ op, dy, y }) => op.Mul(dy, op.Sub(op.scalarLike(y, 1), op.Mul(y, y))),
  }),
  // y = log(1 + exp x): dx = dy sigmoid x
  unary({ type: "Softplus", f: softplus, dx: ({ op, dy, x }) => op.Mul(dy, op.Sigmoid(x)) }),
  // y = x / (1 + |x|): dx = dy / (1 + |x|)^2
  unary({
    type: "Softsign",
    f: (x) => x / (1 + Math.abs(x)),
    dx: ({ op, dy, x }) => {
      const denominator = op.Add(op.Abs(x), op.scalarLike(x, 1));
      return op.Div(dy, op.Mul(denominator, denominator));
    },
  }),
];

function strictlyInUnit(op: OpBuilder, y: Value): Value {
  return op.And(positive(op, y), op.Less(y, op.scalarLike(y, 1)));
}

/** sqrt(2 / pi) and the cubic coefficient of the tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415, section 2). */
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

function exactGelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

function tanhGelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(GELU_SCALE * (x + GELU_CUBIC * x ** 3)));
}

/** y = x Phi(x): dx = dy (Phi(x) + x phi(x)), with Phi and phi of the standard normal distribution. */
function exactGeluGradient(op: OpBuilder, dy: Value, x: Value): Value {
  const constant = (value: number): Value => op.scalarLike(x, value);
  const cumulative = op.Mul(op.Add(op.Erf(op.Mul(x, constant(Math.SQRT1_2))), constant(1)), constant(0.5));
  const density = op.Mul(op.Exp(op.Mul(op.Mul(x, x), constant(-0.5))), constant(1 / Math.sqrt(2 * Math.PI)));
  return op.Mul(dy, op.Add(cumulative, op.Mul(x, density)));
}

/** y = x (1 + t) / 2, t = tanh(c (x + k x^3)): dx = dy ((1 + t) / 2 + x (1 - t^2) c (1 + 3 k x^2) / 2) */
function tanhGeluGradient(op: OpBuilder, dy: Value, x: Value): Value {
  const constant = (value: number): Value => op.scalarLike(x, value);
  const square = op.Mul(x, x);
  const cubic = op.Add(op.Mul(square, constant(GELU_CUBIC)), constant(1));
  const t = op.Tanh(op.Mul(op.Mul(x, cubic), constant(GELU_SCALE)));
  const inner = op.Mul(
    op.Add(op.Mul(square, constant(3 * GELU_CUBIC)), constant(1)),
    op.Mul(x, constant(GELU_SCALE / 2)),
  );
  const half = op.Mul(op.Add(t, constant(1)), constant(0.5));
  return op.Mul(dy, op.Add(half, op.Mul(op.Sub(constant(1), op.Mul(t, t)), inner)));
}

function usesTanh(node: Node): boolean {
  return node.string("approximate", "none") === "tanh";
}

const gates: readonly OpDefinition[] = [
  // y = x h, h = max(0, min(1, x / 6 + 1/2)): dx = dy (h + x / 6 [0 < h < 1])
  unary({
    type: "HardSwish",
    f: (x) => x * hardSigmoid(x, 1 / 6, 0.5),
    dx: ({ op, dy, x }) => {
      const h = op.HardSigmoid(x, { alpha: 1 / 6, beta: 0.5 });
      const slope = keep(op, op.Mul(x, op.scalarLike(x, 1 / 6)), strictlyInUnit(op, h));
      return op.Mul(dy, op.Add(h, slope));
    },
    range: [-5, 5],
  }),
  // y = x t, t = tanh(softplus x): dx = dy (t + x (1 - t^2) sigmoid x)
  unary({
    type: "Mish",
    f: (x) => x * Math.tanh(softplus(x)),
    dx: ({ op, dy, x }) => {
      const t = op.Tanh(op.Softplus(x));
      const slope = op.Mul(op.Sub(op.scalarLike(x, 1), op.Mul(t, t)), op.Mul(x, op.Sigmoid(x)));
      return op.Mul(dy, op.Add(t, slope));
    },
  }),
  unary({
    type: "Gelu",
    f: (x, node) => (usesTanh(node) ? tanhGelu(x) : exactGelu(x)),
    dx: ({ op, dy, x, node }) => (usesTanh(node) ? tanhGeluGradient : exactGeluGradient)(op, dy, x),
    attributes: [{ approximate: "tanh" }],
  }),
  unary({
    type: "Gelu",
    domain: "com.microsoft",
    f: exactGelu,
    dx: ({ op, dy, x }) => exactGeluGradient(op, dy, x),
  }),
  // The tanh form of x + bias, where a bias is given.
  defineOp({
    type: "FastGelu",
    domain: "com.microsoft",
    infer: (node) => [typeOfInput(node, 0)],
    evaluate: ([x, bias]) => [bias ? mapBroadcast((v, b) => tanhGelu(v + b), x!, bias) : mapBroadcast(tanhGelu, x!)],
    gradient: ({ op, inputs: [x, bias], cotangents: [dy] }) => {
      const dx = tanhGeluGradient(op, dy!, bias ? op.Add(x!, bias) : x!);
      return [dx, bias ? dx : null];
    },
    examples: [{ inputs: [within(-2, 2, 3)] }, { inputs: [within(-2, 2, 2, 3), [3]] }],
  }),
  // y = x s, s = sigmoid(alpha x): dx = dy (s + alpha y (1 - s))
  unary({
    type: "QuickGelu",
    domain: "com.microsoft",
    f: (x, node) => x * sigmoid(node.float("alpha", 1.702) * x),
    dx: ({ op, dy, x, y, node }) => {
      const alpha = op.scalarLike(x, node.float("alpha", 1.702));
      const s = op.Sigmoid(op.Mul(x, alpha));
      return op.Mul(dy, op.Add(s, op.Mul(op.Mul(alpha, y), op.Sub(op.scalarLike(x, 1), s))));
    },
    attributes: [{ alpha: 1.2 }],
  }),
];

export const activationsOperators: readonly OpDefinition[] = [...rectifiers, ...saturating, ...gates];
