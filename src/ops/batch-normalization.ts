import type { Node, Value } from "../graph/ir.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type GradientContext, type Reference } from "./define.ts";
import { requireRank, typeOfInput } from "./dims.ts";
import { castLike } from "./dtypes.ts";
import { expandLike } from "./emit.ts";
import {
  affine,
  alongChannels,
  channels,
  epsilonOf,
  exceptChannels,
  momentsOver,
  perChannel,
  standardize,
  sumToChannels,
  throughMoments,
} from "./moments.ts";

function isTraining(node: Node): boolean {
  return node.int("training_mode", 0) !== 0;
}

/**
 * y = (x - mean) f + bias, f = scale / sqrt(var + epsilon), with the running statistics as constants of the model: dx = dy f,
 * dscale = sum dy (x - mean) / sqrt(var + epsilon), dbias = sum dy, dmean = -f sum dy, dvar = -f / (2 (var + epsilon)) sum dy (x - mean).
 */
function batchInference({ op, node, inputs, cotangents, needs }: GradientContext): (Value | null)[] {
  const rank = requireRank(node, 0);
  const [x, scale, , mean, variance] = inputs.map((input) => input!);
  const dy = cotangents[0]!;
  const shifted = op.Add(variance, op.scalarLike(variance, epsilonOf(node)));
  const deviation = op.Sqrt(shifted);
  const factor = op.Div(scale, deviation);
  const dx = needs(0) ? op.Mul(dy, alongChannels(op, factor, rank)) : null;
  if (![1, 2, 3, 4].some(needs)) return [dx, null, null, null, null];
  const sum = sumToChannels(op, dy, rank);
  const moment = sumToChannels(op, op.Mul(dy, op.Sub(x, alongChannels(op, mean, rank))), rank);
  const dvariance = op.Div(op.Mul(op.Mul(moment, factor), op.scalarLike(x, -0.5)), shifted);
  return [dx, op.Div(moment, deviation), sum, op.Neg(op.Mul(sum, factor)), dvariance];
}

/**
 * Training mode: y = z scale + bias with z standardized over the batch; running = momentum old + (1 - momentum) new, where the new
 * variance is the biased one. The running statistics pass cotangents too: dx += (1 - momentum) (drm + 2 (x - mean) drv) / n.
 */
function batchTraining({ op, node, inputs, cotangents, needs }: GradientContext): (Value | null)[] {
  const rank = requireRank(node, 0);
  const [x, scale] = [inputs[0]!, inputs[1]!];
  const [dy, dRunningMean, dRunningVariance] = [cotangents[0], cotangents[1] ?? null, cotangents[2] ?? null];
  const momentum = node.float("momentum", 0.9);
  const parts = standardize(op, x, exceptChannels(rank), epsilonOf(node));
  const terms: Value[] = [];
  if (dy !== null) terms.push(throughMoments(op, op.Mul(dy, alongChannels(op, scale, rank)), parts));
  const share = (cotangent: Value): Value => {
    const count = op.Div(castLike(op, op.Size(x), x), castLike(op, op.Size(scale), x));
    return alongChannels(op, op.Div(op.Mul(cotangent, op.scalarLike(x, 1 - momentum)), count), rank);
  };
  if (dRunningMean !== null) terms.push(expandLike(op, share(dRunningMean), x));
  if (dRunningVariance !== null) terms.push(op.Mul(op.Add(parts.centered, parts.centered), share(dRunningVariance)));
  const keep = (cotangent: Value | null): Value | null =>
    cotangent === null ? null : op.Mul(cotangent, op.scalarLike(cotangent, momentum));
  return [
    needs(0) ? terms.reduce((a, b) => op.Add(a, b)) : null,
    dy !== null && needs(1) ? sumToChannels(op, op.Mul(dy, parts.standardized), rank) : null,
    dy !== null && needs(2) ? sumToChannels(op, dy, rank) : null,
    needs(3) ? keep(dRunningMean) : null,
    needs(4) ? keep(dRunningVariance) : null,
  ];
}

export const batchNormalization = defineOp({
  type: "BatchNormalization",
  infer: (node) => [typeOfInput(node, 0), typeOfInput(node, 3), typeOfInput(node, 4)],
  evaluate: ([x, scale, bias, mean, variance], node) => {
    const rank = x!.dims.length;
    const [s, b, m, v] = [scale!, bias!, mean!, variance!].map((ref) => perChannel(ref, rank));
    if (!isTraining(node)) return [affine(x!, { mean: m, variance: v }, epsilonOf(node), s, b)];
    const moments = momentsOver(x!, exceptChannels(rank));
    const momentum = node.float("momentum", 0.9);
    const running = (old: Reference, now: Reference): Reference =>
      reference(
        old.dims,
        old.data.map((value, c) => momentum * value + (1 - momentum) * now.data[c]),
      );
    return [
      affine(x!, moments, epsilonOf(node), s, b),
      running(mean!, moments.mean),
      running(variance!, moments.variance),
    ];
  },
  gradient: (context) => (isTraining(context.node) ? batchTraining : batchInference)(context),
  examples: [
    { inputs: [[2, 3, 2, 2], channels(3), [3], [3], channels(3)] },
    { inputs: [[4, 3], channels(3), [3], [3], channels(3)], attributes: { epsilon: 0.01 } },
    { inputs: [[2, 2, 3], channels(2), [2], [2], channels(2)] },
    { inputs: [[2, 3, 2, 2], channels(3), [3], [3], channels(3)], attributes: { training_mode: 1 }, outputs: 3 },
    {
      inputs: [[5, 2], channels(2), [2], [2], channels(2)],
      attributes: { training_mode: 1, momentum: 0.5 },
      outputs: 3,
    },
  ],
});
