import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/ir.ts";
import { int64Vector, sizeOf } from "../tensor/tensor.ts";
import { allAxes, permute } from "./axes.ts";
import { mapBroadcast, reference } from "./broadcast.ts";
import type { ExampleInput, Reference } from "./define.ts";
import { within } from "./pointwise.ts";

/** What the normalizations share: means and variances over some axes, in the reference and in a graph. */

/** Means over some axes, kept as 1. */
export function meanOver(x: Reference, axes: readonly number[]): Reference {
  const kept = allAxes(x.dims.length).filter((axis) => !axes.includes(axis));
  const { data } = permute(x, [...kept, ...axes]);
  const size = sizeOf(axes.map((axis) => x.dims[axis]));
  const means = Float64Array.from({ length: data.length / size }, (_, i) => {
    let sum = 0;
    for (let k = i * size; k < (i + 1) * size; k++) sum += data[k];
    return sum / size;
  });
  return reference(
    x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
    means,
  );
}

export interface Moments {
  readonly mean: Reference;
  /** Biased: divided by the number of elements. */
  readonly variance: Reference;
}

export function momentsOver(x: Reference, axes: readonly number[]): Moments {
  const mean = meanOver(x, axes);
  const squares = mapBroadcast((v, m) => (v - m) ** 2, x, mean);
  return { mean, variance: meanOver(squares, axes) };
}

/** (x - mean) / sqrt(variance + epsilon) scale + bias; the operands broadcast against x. */
export function affine(
  x: Reference,
  { mean, variance }: Moments,
  epsilon: number,
  scale: Reference,
  bias: Reference,
): Reference {
  return mapBroadcast((v, m, s2, s, b) => ((v - m) / Math.sqrt(s2 + epsilon)) * s + b, x, mean, variance, scale, bias);
}

/** One entry per channel, as it broadcasts against [N, C, ...]. */
export function perChannel(ref: Reference, rank: number): Reference {
  return reference([ref.data.length, ...new Array<number>(Math.max(rank - 2, 0)).fill(1)], ref.data, ref.dtype);
}

/** The same in a graph. */
export function alongChannels(op: OpBuilder, value: Value, rank: number): Value {
  return rank <= 2 ? value : op.Unsqueeze(value, int64Vector(allAxes(rank - 2).map((axis) => axis + 1)));
}

/** All axes but the channels'. */
export function exceptChannels(rank: number): number[] {
  return allAxes(rank).filter((axis) => axis !== 1);
}

export function sumToChannels(op: OpBuilder, value: Value, rank: number): Value {
  return op.ReduceSum(value, int64Vector(exceptChannels(rank)), { keepdims: 0 });
}

export function epsilonOf(node: Node): number {
  return node.float("epsilon", 1e-5);
}

export interface Standardized {
  readonly mean: (value: Value) => Value;
  readonly centered: Value;
  readonly inverseDeviation: Value;
  readonly standardized: Value;
}

/** Nodes that standardize x over some axes again: (x - mean) / sqrt(variance + epsilon). */
export function standardize(op: OpBuilder, x: Value, axes: readonly number[], epsilon: number): Standardized {
  const mean = (value: Value): Value => op.ReduceMean(value, int64Vector(axes), { keepdims: 1 });
  const centered = op.Sub(x, mean(x));
  const variance = mean(op.Mul(centered, centered));
  const inverseDeviation = op.Reciprocal(op.Sqrt(op.Add(variance, op.scalarLike(x, epsilon))));
  return { mean, centered, inverseDeviation, standardized: op.Mul(centered, inverseDeviation) };
}

/**
 * The derivative of standardization, z = (x - mean) r with r = 1 / sqrt(variance + epsilon):
 * dx = r (dz - mean(dz) - z mean(dz z)), with means over the normalized axes (Ioffe and Szegedy, arXiv 1502.03167, section 3).
 */
export function throughMoments(
  op: OpBuilder,
  dz: Value,
  { mean, inverseDeviation, standardized }: Standardized,
): Value {
  const projected = op.Mul(standardized, mean(op.Mul(dz, standardized)));
  return op.Mul(inverseDeviation, op.Sub(op.Sub(dz, mean(dz)), projected));
}

/** An example of a scale or variance: one entry per channel, away from zero. */
export function channels(count: number): ExampleInput {
  return within(0.5, 1.5, count);
}
