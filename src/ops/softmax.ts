import { BlindspotError } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/ir.ts";
import { int64Vector, scalar } from "../tensor/tensor.ts";
import { aroundAxis, normalizeAxis } from "./axes.ts";
import { reference } from "./broadcast.ts";
import {
  defineOp,
  type Example,
  type ExampleInput,
  type GradientContext,
  type OpDefinition,
  type Reference,
} from "./define.ts";
import { requireSizes, typeOfInput } from "./dims.ts";
import { castLike } from "./dtypes.ts";
import { constantLike } from "./emit.ts";

/** Replaces each line along an axis: `f` gets the line and returns the new one. */
function mapLines(x: Reference, axis: number, f: (line: Float64Array) => Float64Array): Reference {
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const data = new Float64Array(x.data.length);
  const line = new Float64Array(size);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < size; k++) line[k] = x.data[(o * size + k) * inner + i];
      const result = f(line);
      for (let k = 0; k < size; k++) data[(o * size + k) * inner + i] = result[k];
    }
  return reference(x.dims, data, x.dtype);
}

/** x - log sum exp x, without overflow. */
function logSoftmax(line: Float64Array): Float64Array {
  const largest = line.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = Math.log(line.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return line.map((x) => x - largest - logSum);
}

/** 1 at the first largest element, else 0. */
function hardmax(line: Float64Array): Float64Array {
  const best = line.indexOf(line.reduce((a, b) => Math.max(a, b), -Infinity));
  return line.map((_, k) => (k === best ? 1 : 0));
}

/** Softmax and its kin, as from opset 13 on: along one axis, by default the last. */
function alongAxis(
  type: string,
  f: (line: Float64Array) => Float64Array,
  dx: (op: OpBuilder, dy: Value, y: Value, total: (value: Value) => Value) => Value,
  flat = false,
): OpDefinition {
  return defineOp({
    type,
    infer: (node) => [typeOfInput(node, 0)],
    evaluate: ([x], node) => [mapLines(x!, normalizeAxis(node.int("axis", -1), x!.dims.length, node), f)],
    gradient: ({ op, node, outputs: [y], cotangents: [dy] }) => {
      const axes = int64Vector([node.int("axis", -1)]);
      return [dx(op, dy!, y, (value) => op.ReduceSum(value, axes, { keepdims: 1 }))];
    },
    flat,
    examples: [
      { inputs: [[2, 4]] },
      { inputs: [[2, 3, 2]], attributes: { axis: 1 } },
      { inputs: [[3, 2]], attributes: { axis: 0 } },
    ],
  });
}

const distributions: readonly OpDefinition[] = [
  // y = exp x / sum exp x: dx = y (dy - sum(dy y))
  alongAxis(
    "Softmax",
    (line) => logSoftmax(line).map(Math.exp),
    (op, dy, y, total) => op.Mul(y, op.Sub(dy, total(op.Mul(dy, y)))),
  ),
  // y = x - log sum exp x: dx = dy - exp(y) sum(dy)
  alongAxis("LogSoftmax", logSoftmax, (op, dy, y, total) => op.Sub(dy, op.Mul(op.Exp(y), total(dy)))),
  alongAxis("Hardmax", hardmax, (op, dy) => op.Mul(dy, op.scalarLike(dy, 0)), true),
];

/** Per label: its weight, 0 where it is to be ignored; and the negative log probability at the label. */
interface Picked {
  readonly weights: Float64Array;
  readonly losses: Float64Array;
}

/** Labels pick from [N, C, ...] along axis 1. */
function pick(
  logProbabilities: Reference,
  labels: Reference,
  weight: Reference | null | undefined,
  node: Node,
): Picked {
  const { size, inner } = aroundAxis(logProbabilities.dims, 1);
  const ignored = node.int("ignore_index");
  const weights = labels.data.map((label) => (label === ignored ? 0 : (weight?.data[label] ?? 1)));
  const losses = labels.data.map((label, k) => {
    const [n, i] = [Math.floor(k / inner), k % inner];
    return label === ignored ? 0 : -logProbabilities.data[(n * size + label) * inner + i];
  });
  return { weights, losses };
}

function reduceLoss(labels: Reference, { weights, losses }: Picked, node: Node): Reference {
  const weighted = losses.map((loss, k) => loss * weights[k]);
  const reduction = node.string("reduction", "mean");
  if (reduction === "none") return reference(labels.dims, weighted);
  const add = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
  return reference([], [reduction === "sum" ? add(weighted) : add(weighted) / add(weights)]);
}

/** The labels as [N, C, ...] ones and zeros, and what flows into each label's log probability, as [N, 1, ...]. */
function labelCotangents({ op, node, inputs, needs }: GradientContext, dy: Value): { oneHot: Value; flow: Value } {
  if (needs(2))
    throw new BlindspotError({
      code: "E_OP_NO_GRADIENT",
      subject: node.describe(),
      where: "input 2",
      expected: "class weights that are constants",
    });
  const [scores, labels, weight] = [inputs[0]!, inputs[1]!, inputs[2] ?? null];
  const [count] = requireSizes(node, 0, 1, "the number of classes");
  const ignored = node.int("ignore_index");
  const counted = ignored === undefined ? null : op.Not(op.Equal(labels, op.scalarLike(labels, ignored)));
  const valid = counted === null ? labels : op.Where(counted, labels, op.scalarLike(labels, 0));
  const oneHot = op.OneHot(valid, scalar("int64", count), constantLike(op, scores, [2], [0, 1]), { axis: 1 });
  const ones = (): Value => op.Expand(op.scalarLike(scores, 1), op.Shape(labels));
  const given = weight === null ? ones() : op.Gather(weight, valid);
  const weights = counted === null ? given : op.Mul(given, castLike(op, counted, scores));
  const averaged = node.string("reduction", "mean") === "mean";
  const flow = op.Mul(averaged ? op.Div(dy, op.ReduceSum(weights, { keepdims: 0 })) : dy, weights);
  return { oneHot, flow: op.Unsqueeze(flow, int64Vector([1])) };
}

const lossType = (node: Node) => ({
  dtype: typeOfInput(node, 0).dtype,
  shape: node.string("reduction", "mean") === "none" ? typeOfInput(node, 1).shape : [],
});

const labelsOf = (dims: readonly number[], values: readonly number[]): ExampleInput => ({
  dtype: "int64",
  dims,
  values,
});
const weightsOf = (...values: number[]): ExampleInput => ({ dtype: "float32", dims: [values.length], values });

const lossExamples: readonly Example[] = [
  { inputs: [[3, 4], labelsOf([3], [0, 3, 1])] },
  { inputs: [[3, 2], labelsOf([3], [0, 1, 1]), weightsOf(0.5, 2)], attributes: { reduction: "sum" } },
  {
    inputs: [[2, 3, 2], labelsOf([2, 2], [0, 2, 1, 1]), weightsOf(1, 0.5, 2)],
    attributes: { reduction: "none", ignore_index: 1 },
  },
  { inputs: [[2, 3, 2], labelsOf([2, 2], [0, 2, -1, 1]), weightsOf(1, 0.5, 2)], attributes: { ignore_index: -1 } },
];

const losses: readonly OpDefinition[] = [
  // loss = -sum w_i x_i,label(i) (over sum w_i for the mean): dx = -flow one-hot
  defineOp({
    type: "NegativeLogLikelihoodLoss",
    infer: (node) => [lossType(node)],
    evaluate: ([x, labels, weight], node) => [reduceLoss(labels!, pick(x!, labels!, weight, node), node)],
    gradient: (context) => {
      const { op, cotangents } = context;
      const { oneHot, flow } = labelCotangents(context, cotangents[0]!);
      return [op.Neg(op.Mul(oneHot, flow)), null, null];
    },
    examples: lossExamples,
  }),
  // The same on p = softmax x: dx = flow (p - one-hot), and dq - p sum(dq) from the second output, q = log p
  defineOp({
    type: "SoftmaxCrossEntropyLoss",
    infer: (node) => [lossType(node), typeOfInput(node, 0)],
    evaluate: ([x, labels, weight], node) => {
      const logProbabilities = mapLines(x!, 1, logSoftmax);
      return [reduceLoss(labels!, pick(logProbabilities, labels!, weight, node), node), logProbabilities];
    },
    gradient: (context) => {
      const { op, inputs, cotangents } = context;
      const probabilities = op.Softmax(inputs[0]!, { axis: 1 });
      const terms: Value[] = [];
      if (cotangents[0] !== null) {
        const { oneHot, flow } = labelCotangents(context, cotangents[0]);
        terms.push(op.Mul(op.Sub(probabilities, oneHot), flow));
      }
      const dq = cotangents[1] ?? null;
      if (dq !== null) terms.push(op.Sub(dq, op.Mul(probabilities, op.ReduceSum(dq, int64Vector([1])))));
      return [terms.reduce((a, b) => op.Add(a, b)), null, null];
    },
    examples: [...lossExamples, { ...lossExamples[0], outputs: 2 }],
  }),
];

export const softmaxOperators: readonly OpDefinition[] = [...distributions, ...losses];
