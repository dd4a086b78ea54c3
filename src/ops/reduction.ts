import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/ir.ts";
import { type DType, int64Vector, isFloat, sizeOf } from "../tensor/tensor.ts";
import { allAxes, aroundAxis, normalizeAxes, normalizeAxis, permute, reducedShape } from "./axes.ts";
import { reference } from "./broadcast.ts";
import {
  defineOp,
  type Example,
  type ExampleInput,
  type GradientContext,
  type OpDefinition,
  type Reference,
} from "./define.ts";
import { knownInts, typeOfInput } from "./dims.ts";
import { castLike, convert } from "./dtypes.ts";
import { expandLike } from "./emit.ts";
import { within } from "./pointwise.ts";

/**
 * The axes to reduce: undefined for all of them, null where they are computed at run time. An attribute before opset 18 (13 for ReduceSum).
 * Under noop_with_empty_axes none means none: each element is then reduced alone, as ONNX Runtime does it (|x| for ReduceL1).
 */
function reducedAxes(node: Node): readonly number[] | null | undefined {
  const axes = node.ints("axes") ?? knownInts(node.inputs[1]);
  if (axes === null || (axes !== undefined && axes.length > 0)) return axes;
  return node.int("noop_with_empty_axes", 0) === 0 ? undefined : [];
}

function keepsDims(node: Node): boolean {
  return node.int("keepdims", 1) !== 0;
}

/** Applies `f` to each group of elements that are reduced together. */
function reduce(
  x: Reference,
  axes: readonly number[],
  keepdims: boolean,
  f: (group: Float64Array) => number,
): Reference {
  const kept = allAxes(x.dims.length).filter((axis) => !axes.includes(axis));
  const { data } = permute(x, [...kept, ...axes]);
  const size = sizeOf(axes.map((axis) => x.dims[axis]));
  const groups = sizeOf(kept.map((axis) => x.dims[axis]));
  const result = Float64Array.from({ length: groups }, (_, i) => f(data.subarray(i * size, (i + 1) * size)));
  return reference(reducedShape(x.dims, axes, keepdims) as number[], result, x.dtype);
}

interface ReduceContext {
  readonly op: OpBuilder;
  readonly x: Value;
  /** The result and its cotangent, with the reduced axes kept as 1, so that both broadcast against x. */
  readonly y: Value;
  readonly dy: Value;
  /** A value of the shape of `y` repeated to the shape of x. */
  readonly expand: (value: Value) => Value;
  /** ReduceSum over the same axes, kept as 1. */
  readonly sum: (value: Value) => Value;
  readonly product: (value: Value) => Value;
  /** How many elements each result is made of. */
  readonly count: () => Value;
}

interface Reduction {
  readonly type: string;
  readonly f: (group: Float64Array, dtype: DType) => number;
  readonly dx: (context: ReduceContext) => Value;
  readonly range?: readonly [low: number, high: number];
}

function axesInput(values: readonly number[]): ExampleInput {
  return { dtype: "int64", dims: [values.length], values };
}

function reductionExamples([low, high]: readonly [number, number]): Example[] {
  return [
    { inputs: [within(low, high, 4)] },
    { inputs: [within(low, high, 2, 3), axesInput([-1])] },
    { inputs: [within(low, high, 2, 3, 2), axesInput([0, -1])], attributes: { keepdims: 0 } },
    { inputs: [within(low, high, 2, 3)], attributes: { keepdims: 0 } },
    { inputs: [within(low, high, 2, 3), axesInput([1])], attributes: { keepdims: 0 } },
    { inputs: [within(low, high, 2, 3)], attributes: { noop_with_empty_axes: 1 } },
  ];
}

/** The number of elements of x that each element of y stands for. */
function groupSize(op: OpBuilder, x: Value, y: Value, axes: readonly number[] | null | undefined): Value {
  if (x.shape !== null && axes !== null) {
    const reduced = axes === undefined ? allAxes(x.shape.length) : normalizeAxes(axes, x.shape.length);
    const sizes = reduced.map((axis) => x.shape![axis]);
    if (sizes.every((size) => typeof size === "number")) return op.scalarLike(x, sizeOf(sizes));
  }
  return op.Div(castLike(op, op.Size(x), x), castLike(op, op.Size(y), x));
}

function reduceContext({ op, node, inputs, outputs, cotangents }: GradientContext): ReduceContext {
  const x = inputs[0]!;
  const axes = reducedAxes(node);
  const operand = axes === undefined ? null : (node.inputs[1] ?? int64Vector(axes ?? []));
  // Reduced over all axes, a scalar broadcasts as it is.
  const keep = (value: Value): Value =>
    keepsDims(node) || axes === undefined || axes?.length === 0 ? value : op.Unsqueeze(value, operand);
  const again = (type: string, value: Value): Value =>
    axes?.length === 0 ? value : op.node(type, operand === null ? [value] : [value, operand], { keepdims: 1 })[0];
  return {
    op,
    x,
    y: keep(outputs[0]),
    dy: keep(cotangents[0]!),
    expand: (value) => expandLike(op, value, x),
    sum: (value) => again("ReduceSum", value),
    product: (value) => again("ReduceProd", value),
    count: () => groupSize(op, x, outputs[0], axes),
  };
}

function reduction({ type, f, dx, range = [-1, 1] }: Reduction): OpDefinition {
  return defineOp({
    type,
    infer: (node) => {
      const { dtype, shape } = typeOfInput(node, 0);
      return [{ dtype, shape: reducedShape(shape, reducedAxes(node), keepsDims(node), node) }];
    },
    evaluate: ([x, axesTensor], node) => {
      const given = node.ints("axes") ?? (axesTensor ? Array.from(axesTensor.data) : []);
      const rank = x!.dims.length;
      const all = given.length === 0 && node.int("noop_with_empty_axes", 0) === 0;
      const axes = all ? allAxes(rank) : normalizeAxes(given, rank, node);
      return [
        convert(
          reduce(x!, axes, keepsDims(node), (group) => f(group, x!.dtype)),
          x!.dtype,
        ),
      ];
    },
    gradient: (context) => [dx(reduceContext(context)), null],
    examples: reductionExamples(range),
  });
}

function sum(group: Float64Array, f: (x: number) => number = (x) => x): number {
  let total = 0;
  for (const x of group) total += f(x);
  return total;
}

/** log sum exp x, with the largest x taken out so that nothing overflows. */
function logSumExp(group: Float64Array): number {
  const largest = maximum(group);
  return Number.isFinite(largest) ? largest + Math.log(sum(group, (x) => Math.exp(x - largest))) : largest;
}

function maximum(group: Float64Array): number {
  return group.reduce((a, b) => Math.max(a, b), -Infinity);
}

function minimum(group: Float64Array): number {
  return group.reduce((a, b) => Math.min(a, b), Infinity);
}

/** Ties share the cotangent, as in torch.amax: dx = dy [x = y] / (number of elements equal to y). */
function extremumGradient({ op, x, y, dy, sum: total }: ReduceContext): Value {
  const mask = castLike(op, op.Equal(x, y), dy);
  return op.Mul(mask, op.Div(dy, total(mask)));
}

/**
 * dx_i = dy (product of all x_j but x_i), which is y / x_i without a division by zero: the product of the others that are not zero, where
 * none of the others is zero.
 */
function productGradient({ op, x, dy, sum: total, product }: ReduceContext): Value {
  const zero = op.Equal(x, op.scalarLike(x, 0));
  const isZero = castLike(op, zero, x);
  const nonzero = op.Where(zero, op.scalarLike(x, 1), x);
  const otherZeros = op.Sub(total(isZero), isZero);
  const none = castLike(op, op.Less(otherZeros, op.scalarLike(x, 0.5)), x);
  return op.Mul(op.Mul(dy, none), op.Div(product(nonzero), nonzero));
}

const reductions: readonly OpDefinition[] = [
  // y = sum x: dx = dy
  reduction({ type: "ReduceSum", f: (group) => sum(group), dx: ({ dy, expand }) => expand(dy) }),
  // y = (sum x) / n: dx = dy / n
  reduction({
    type: "ReduceMean",
    f: (group, dtype) => (isFloat(dtype) ? sum(group) / group.length : Math.trunc(sum(group) / group.length)),
    dx: ({ op, dy, expand, count }) => expand(op.Div(dy, count())),
  }),
  reduction({ type: "ReduceMax", f: maximum, dx: extremumGradient }),
  reduction({ type: "ReduceMin", f: minimum, dx: extremumGradient }),
  reduction({ type: "ReduceProd", f: (group) => group.reduce((a, b) => a * b, 1), dx: productGradient }),
  // y = sum |x|: dx = dy sign x
  reduction({ type: "ReduceL1", f: (group) => sum(group, Math.abs), dx: ({ op, x, dy }) => op.Mul(dy, op.Sign(x)) }),
  // y = sqrt sum x^2: dx = dy x / y, and 0 where y is 0
  reduction({
    type: "ReduceL2",
    f: (group) => Math.sqrt(sum(group, (x) => x * x)),
    dx: ({ op, x, y, dy }) => {
      const safe = op.Where(op.Equal(y, op.scalarLike(y, 0)), op.scalarLike(y, 1), y);
      return op.Mul(x, op.Div(dy, safe));
    },
  }),
  // y = sum x^2: dx = 2 dy x
  reduction({
    type: "ReduceSumSquare",
    f: (group) => sum(group, (x) => x * x),
    dx: ({ op, x, dy }) => op.Mul(x, op.Add(dy, dy)),
  }),
  // y = log sum x: dx = dy / sum x
  reduction({
    type: "ReduceLogSum",
    f: (group) => Math.log(sum(group)),
    dx: ({ op, y, dy, expand }) => expand(op.Div(dy, op.Exp(y))),
    range: [0.2, 2],
  }),
  // y = log sum exp x: dx = dy exp(x - y)
  reduction({
    type: "ReduceLogSumExp",
    f: logSumExp,
    dx: ({ op, x, y, dy }) => op.Mul(dy, op.Exp(op.Sub(x, y))),
  }),
];

/** Running sums along an axis; `exclusive` leaves out the element itself, `reverse` runs from the end. */
function cumulativeSum(x: Reference, axis: number, exclusive: boolean, reverse: boolean): Reference {
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const data = new Float64Array(x.data.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      let total = 0;
      for (let step = 0; step < size; step++) {
        const k = (o * size + (reverse ? size - 1 - step : step)) * inner + i;
        data[k] = exclusive ? total : total + x.data[k];
        total += x.data[k];
      }
    }
  return reference(x.dims, data, x.dtype);
}

const axisOf = (axis: number): ExampleInput => ({ dtype: "int64", dims: [], values: [axis] });

// y_k = sum of x_j for j <= k: dx_j = sum of dy_k for k >= j, the same sum run the other way
const cumSum = defineOp({
  type: "CumSum",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate: ([x, axis], node) => {
    const along = normalizeAxis(axis!.data[0], x!.dims.length, node);
    return [cumulativeSum(x!, along, node.int("exclusive", 0) !== 0, node.int("reverse", 0) !== 0)];
  },
  gradient: ({ op, node, inputs: [, axis], cotangents: [dy] }) => {
    const attributes = { exclusive: node.int("exclusive", 0), reverse: 1 - node.int("reverse", 0) };
    return [op.CumSum(dy!, axis!, attributes), null];
  },
  examples: [
    { inputs: [[5], axisOf(0)] },
    { inputs: [[2, 3, 2], axisOf(-2)], attributes: { reverse: 1 } },
    { inputs: [[2, 4], axisOf(1)], attributes: { exclusive: 1 } },
  ],
});

export const reductionOperators: readonly OpDefinition[] = [...reductions, cumSum];
