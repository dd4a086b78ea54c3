import { BlindspotError } from "../base/errors.ts";
import type { Node, Shape } from "../graph/ir.ts";
import { sizeOf, stridesOf } from "../tensor/tensor.ts";
import type { Reference } from "./define.ts";

/** An axis in 0..rank-1; negative axes count from the end. Raises E_AXIS_RANGE. */
export function normalizeAxis(axis: number, rank: number, node?: Node): number {
  if (axis < -rank || axis >= rank)
    throw new BlindspotError({
      code: "E_AXIS_RANGE",
      subject: node?.describe() ?? "axis",
      expected: `an axis in ${-rank}..${rank - 1}`,
      got: String(axis),
    });
  return axis < 0 ? axis + rank : axis;
}

/** Axes in ascending order, each once. */
export function normalizeAxes(axes: readonly number[], rank: number, node?: Node): number[] {
  return [...new Set(axes.map((axis) => normalizeAxis(axis, rank, node)))].sort((a, b) => a - b);
}

/** 0, 1 .. rank-1. */
export function allAxes(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** Known sizes of a row-major array seen as [outer, axis, inner], for loops along one axis. */
export function aroundAxis(dims: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  return { outer: sizeOf(dims.slice(0, axis)), size: dims[axis], inner: sizeOf(dims.slice(axis + 1)) };
}

/** `shape` with one dimension replaced. */
export function withDim(shape: Shape, axis: number, dim: Shape[number]): Shape {
  return shape.map((old, i) => (i === axis ? dim : old));
}

/** Calls `visit` with each index vector below `dims`, in row-major order; the vector is reused. */
export function forEachIndex(dims: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const index = new Array<number>(dims.length).fill(0);
  const total = sizeOf(dims);
  for (let flat = 0; flat < total; flat++) {
    visit(index, flat);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      if (++index[axis] < dims[axis]) break;
      index[axis] = 0;
    }
  }
}

/** The elements of `ref` with its axes in another order. */
export function permute(ref: Reference, order: readonly number[]): Reference {
  const dims = order.map((axis) => ref.dims[axis]);
  const strides = stridesOf(ref.dims);
  const data = new Float64Array(ref.data.length);
  const counter = new Int32Array(dims.length);
  let source = 0;
  for (let index = 0; index < data.length; index++) {
    data[index] = ref.data[source];
    for (let i = dims.length - 1; i >= 0; i--) {
      source += strides[order[i]];
      if (++counter[i] < dims[i]) break;
      source -= strides[order[i]] * dims[i];
      counter[i] = 0;
    }
  }
  return { dtype: ref.dtype, dims, data };
}

/** The shape after reducing some axes (all where `axes` is undefined); null where the rank, or which axes, is unknown. */
export function reducedShape(
  shape: Shape | null,
  axes: readonly number[] | null | undefined,
  keepdims: boolean,
  node?: Node,
): Shape | null {
  if (shape === null) return null;
  if (axes === null) return keepdims ? shape.map(() => null) : null;
  const reduced = axes === undefined ? allAxes(shape.length) : normalizeAxes(axes, shape.length, node);
  if (keepdims) return shape.map((dim, axis) => (reduced.includes(axis) ? 1 : dim));
  return shape.filter((_, axis) => !reduced.includes(axis));
}
