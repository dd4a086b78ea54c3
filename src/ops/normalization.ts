import { BlindspotError } from "../base/errors.ts";
import type { Node, Value } from "../graph/ir.ts";
import { int64Vector } from "../tensor/tensor.ts";
import { allAxes, aroundAxis, normalizeAxes, normalizeAxis } from "./axes.ts";
import { batchNormalization } from "./batch-normalization.ts";
import { mapBroadcast, mapElements, reference } from "./broadcast.ts";
import { defineOp, type OpDefinition, type Reference } from "./define.ts";
import { requireRank, requireSizes, typeOfInput } from "./dims.ts";
import { constantLike, reshapeLike } from "./emit.ts";
import {
  affine,
  alongChannels,
  channels,
  epsilonOf,
  meanOver,
  momentsOver,
  perChannel,
  standardize,
  sumToChannels,
  throughMoments,
} from "./moments.ts";

/** The axes from `axis` to the last. */
function trailingAxes(node: Node, rank: number): number[] {
  const first = normalizeAxis(node.int("axis", -1), rank, node);
  return allAxes(rank).slice(first);
}

// y = z scale + bias, z standardized over the trailing axes: dz = dy scale, dscale = sum dy z, dbias = sum dy
const layerNormalization = defineOp({
  type: "LayerNormalization",
  infer: (node) => {
    const { dtype, shape } = typeOfInput(node, 0);
    const axes = shape && trailingAxes(node, shape.length);
    const statistics = { dtype, shape: shape && shape.map((dim, axis) => (axes!.includes(axis) ? 1 : dim)) };
    return [{ dtype, shape }, statistics, statistics];
  },
  evaluate: ([x, scale, bias], node) => {
    const moments = momentsOver(x!, trailingAxes(node, x!.dims.length));
    const inverse = mapElements((v) => 1 / Math.sqrt(v + epsilonOf(node)), moments.variance);
    return [affine(x!, moments, epsilonOf(node), scale!, bias ?? reference([], [0])), moments.mean, inverse];
  },
  gradient: ({ op, node, inputs, cotangents: [dy, ...statistics], needs }) => {
    if (dy === null || statistics.some((cotangent) => cotangent !== null))
      throw new BlindspotError({
        code: "E_OP_NO_GRADIENT",
        subject: node.describe(),
        expected: "only the first output to be used",
        got: "a use of the mean or the inverse deviation",
      });
    const parts = standardize(op, inputs[0]!, trailingAxes(node, requireRank(node, 0)), epsilonOf(node));
    return [
      needs(0) ? throughMoments(op, op.Mul(dy, inputs[1]!), parts) : null,
      needs(1) ? op.Mul(dy, parts.standardized) : null,
      inputs[2] ? dy : null,
    ];
  },
  examples: [
    { inputs: [[2, 5], [5], [5]] },
    {
      inputs: [
        [2, 3, 4],
        [3, 4],
        [3, 4],
      ],
      attributes: { axis: 1, epsilon: 0.01 },
    },
    { inputs: [[2, 2, 4], [4]], attributes: { axis: -1 } },
  ],
});

// As batch normalization in training mode, for each sample and channel on its own.
const instanceNormalization = defineOp({
  type: "InstanceNormalization",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate: ([x, scale, bias], node) => {
    const rank = x!.dims.length;
    const moments = momentsOver(x!, allAxes(rank).slice(2));
    return [affine(x!, moments, epsilonOf(node), perChannel(scale!, rank), perChannel(bias!, rank))];
  },
  gradient: ({ op, node, inputs, cotangents, needs }) => {
    const rank = requireRank(node, 0);
    const dy = cotangents[0]!;
    const parts = standardize(op, inputs[0]!, allAxes(rank).slice(2), epsilonOf(node));
    return [
      needs(0) ? throughMoments(op, op.Mul(dy, alongChannels(op, inputs[1]!, rank)), parts) : null,
      needs(1) ? sumToChannels(op, op.Mul(dy, parts.standardized), rank) : null,
      needs(2) ? sumToChannels(op, dy, rank) : null,
    ];
  },
  examples: [
    { inputs: [[2, 3, 2, 2], channels(3), [3]] },
    { inputs: [[2, 2, 5], channels(2), [2]], attributes: { epsilon: 0.01 } },
  ],
});

/** Opset 18 has one scale for each group, opset 21 one for each channel: told apart by how many there are. */
function groupsOf(node: Node): number {
  return node.int("num_groups", 1);
}

// z standardized over the channels of a group and all positions; dz = dy scale, dscale = sum dy z, dbias = sum dy
const groupNormalization = defineOp({
  type: "GroupNormalization",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate: ([x, scale, bias], node) => {
    const groups = groupsOf(node);
    const [n, c] = x!.dims;
    const grouped = reference([n, groups, x!.data.length / n / groups], x!.data);
    const z = affine(grouped, momentsOver(grouped, [2]), epsilonOf(node), reference([], [1]), reference([], [0]));
    const repeat = (ref: Reference): Reference =>
      perChannel(
        reference(
          [c],
          Float64Array.from({ length: c }, (_, i) => ref.data[Math.floor((i * ref.data.length) / c)]),
        ),
        x!.dims.length,
      );
    return [mapBroadcast((v, s, b) => v * s + b, reference(x!.dims, z.data), repeat(scale!), repeat(bias!))];
  },
  gradient: ({ op, node, inputs, cotangents, needs }) => {
    const [x, scale, dy] = [inputs[0]!, inputs[1]!, cotangents[0]!];
    const rank = requireRank(node, 0);
    const [channelCount] = requireSizes(node, 0, 1, "the number of channels");
    const groups = groupsOf(node);
    const group = (value: Value): Value => op.Reshape(value, int64Vector([0, groups, -1]));
    const parts = standardize(op, group(x), [2], epsilonOf(node));
    const byGroup = scale.shape?.[0] === groups && groups !== channelCount;
    const dz = byGroup
      ? op.Mul(group(dy), alongChannels(op, scale, 3))
      : group(op.Mul(dy, alongChannels(op, scale, rank)));
    const sum = (value: Value): Value =>
      byGroup ? sumToChannels(op, group(value), 3) : sumToChannels(op, value, rank);
    return [
      needs(0) ? reshapeLike(op, throughMoments(op, dz, parts), x) : null,
      needs(1) ? sum(op.Mul(dy, reshapeLike(op, parts.standardized, x))) : null,
      needs(2) ? sum(dy) : null,
    ];
  },
  examples: [
    { inputs: [[2, 4, 2, 2], channels(4), [4]], attributes: { num_groups: 2 } },
    { inputs: [[2, 4, 3], channels(2), [2]], attributes: { num_groups: 2, epsilon: 0.01 } },
  ],
});

/** [C, C]: 1 where channel j is in the window of channel i. Even sizes reach one further up (ONNX, LRN). */
function windowMatrix(count: number, size: number): Float64Array {
  const [below, above] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  return Float64Array.from({ length: count * count }, (_, k) => {
    const offset = (k % count) - Math.floor(k / count);
    return offset >= -below && offset <= above ? 1 : 0;
  });
}

// y = x s^-beta, s = bias + alpha / size W x^2 (W sums a window of channels):
// dx = dy s^-beta - 2 alpha beta / size x W^T(dy y / s)
const localResponseNormalization = defineOp({
  type: "LRN",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate: ([x], node) => {
    const { alpha, beta, bias, size } = lrnAttributes(node);
    const { size: count, inner } = aroundAxis(x!.dims, 1);
    const window = windowMatrix(count, size);
    const data = x!.data.map((value, index) => {
      const [o, c, i] = [Math.floor(index / inner / count), Math.floor(index / inner) % count, index % inner];
      let sum = 0;
      for (let k = 0; k < count; k++) sum += window[c * count + k] * x!.data[(o * count + k) * inner + i] ** 2;
      return value / (bias + (alpha / size) * sum) ** beta;
    });
    return [reference(x!.dims, data)];
  },
  gradient: ({ op, node, inputs: [input], outputs: [y], cotangents }) => {
    const [x, dy] = [input!, cotangents[0]!];
    const { alpha, beta, bias, size } = lrnAttributes(node);
    const [count] = requireSizes(node, 0, 1, "the number of channels");
    const window = windowMatrix(count, size);
    const transposed = window.map((_, k) => window[(k % count) * count + Math.floor(k / count)]);
    const overWindow = (weights: Float64Array, value: Value): Value => {
      const flat = op.Reshape(value, int64Vector([0, count, -1]));
      return reshapeLike(op, op.MatMul(constantLike(op, x, [count, count], weights), flat), x);
    };
    const squares = overWindow(window, op.Mul(x, x));
    const s = op.Add(op.Mul(squares, op.scalarLike(x, alpha / size)), op.scalarLike(x, bias));
    const direct = op.Mul(dy, op.Pow(s, op.scalarLike(x, -beta)));
    const others = op.Mul(x, overWindow(transposed, op.Div(op.Mul(dy, y), s)));
    return [op.Sub(direct, op.Mul(others, op.scalarLike(x, (2 * alpha * beta) / size)))];
  },
  examples: [
    { inputs: [[2, 5, 2, 2]], attributes: { size: 3, alpha: 0.5 } },
    { inputs: [[1, 6, 3, 1]], attributes: { size: 5, alpha: 0.7, beta: 0.5, bias: 2 } },
  ],
});

function lrnAttributes(node: Node): { alpha: number; beta: number; bias: number; size: number } {
  return {
    alpha: node.float("alpha", 1e-4),
    beta: node.float("beta", 0.75),
    bias: node.float("bias", 1),
    size: node.int("size", 1),
  };
}

// y = x / n, n = |x|_p: dx = (dy - g sum(dy y)) / n with g = y for p = 2, sign x for p = 1; 0 where n is 0
const lpNormalization = defineOp({
  type: "LpNormalization",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate: ([x], node) => {
    const axis = normalizeAxis(node.int("axis", -1), x!.dims.length, node);
    const p = node.int("p", 2);
    const mean = meanOver(
      mapElements((v) => Math.abs(v) ** p, x!),
      [axis],
    );
    const norm = mapElements((m) => (m * x!.dims[axis]) ** (1 / p), mean);
    return [mapBroadcast((v, n) => (n === 0 ? 0 : v / n), x!, norm)];
  },
  gradient: ({ op, node, inputs: [input], outputs: [y], cotangents }) => {
    const [x, dy] = [input!, cotangents[0]!];
    const axes = int64Vector([node.int("axis", -1)]);
    const euclidean = node.int("p", 2) === 2;
    const norm = euclidean ? op.ReduceL2(x, axes) : op.ReduceL1(x, axes);
    const zero = op.scalarLike(x, 0);
    const inverse = op.Where(op.Equal(norm, zero), zero, op.Reciprocal(norm));
    const radial = op.ReduceSum(op.Mul(dy, y), axes);
    return [op.Mul(op.Sub(dy, op.Mul(euclidean ? y : op.Sign(x), radial)), inverse)];
  },
  examples: [
    { inputs: [[2, 4]] },
    { inputs: [[2, 3, 2]], attributes: { axis: 1, p: 1 } },
    { inputs: [[3, 2]], attributes: { axis: 0, p: 2 } },
  ],
});

/** ONNX's definition of MeanVarianceNormalization adds this to the deviation, not to the variance. */
const DEVIATION_FLOOR = 1e-9;

function varianceAxes(node: Node, rank: number): number[] {
  return normalizeAxes(node.ints("axes") ?? [0, 2, 3], rank, node);
}

// y = (x - mean) / (sd + tiny): dx = (dy - mean(dy)) / (sd + tiny) - y mean(dy y) / sd
const meanVarianceNormalization = defineOp({
  type: "MeanVarianceNormalization",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate: ([x], node) => {
    const { mean, variance } = momentsOver(x!, varianceAxes(node, x!.dims.length));
    return [mapBroadcast((v, m, s2) => (v - m) / (Math.sqrt(s2) + DEVIATION_FLOOR), x!, mean, variance)];
  },
  gradient: ({ op, node, inputs: [x], outputs: [y], cotangents: [dy] }) => {
    const axes = varianceAxes(node, requireRank(node, 0));
    const { mean, inverseDeviation } = standardize(op, x!, axes, DEVIATION_FLOOR ** 2);
    const radial = op.Mul(y, mean(op.Mul(dy!, y)));
    return [op.Mul(inverseDeviation, op.Sub(op.Sub(dy!, mean(dy!)), radial))];
  },
  examples: [{ inputs: [[2, 3, 2, 2]] }, { inputs: [[3, 4]], attributes: { axes: [-1] } }],
});

export const normalizationOperators: readonly OpDefinition[] = [
  batchNormalization,
  layerNormalization,
  instanceNormalization,
  groupNormalization,
  localResponseNormalization,
  lpNormalization,
  meanVarianceNormalization,
];
