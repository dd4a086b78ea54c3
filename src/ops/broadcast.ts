import { BlindspotError } from "../base/errors.ts";
import type { Dim, Node, Shape } from "../graph/ir.ts";
import { type DType, sizeOf, stridesOf } from "../tensor/tensor.ts";
import type { Reference } from "./define.ts";

/** A tensor of the reference interpreter. */
export function reference(dims: readonly number[], data: ArrayLike<number>, dtype: DType = "float64"): Reference {
  return { dtype, dims, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

/** One dimension of two broadcast operands; undefined where they can't fit. A name is a size that nobody knows yet, and may be 1. */
function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return a;
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === "number") return typeof b === "number" ? undefined : a;
  if (typeof b === "number") return b;
  return null;
}

/**
 * The shape of two operands broadcast together (ONNX multidirectional, that is NumPy's rule); null where a rank is unknown.
 * Raises E_SHAPE_MISMATCH for known sizes that don't fit; `node` names the culprit.
 */
export function broadcastShapes(a: Shape | null, b: Shape | null, node?: Node): Shape | null {
  if (a === null || b === null) return null;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const dim = broadcastDim(
      a[i - rank + a.length] ?? padding(a, rank, i),
      b[i - rank + b.length] ?? padding(b, rank, i),
    );
    if (dim === undefined)
      throw new BlindspotError({
        code: "E_SHAPE_MISMATCH",
        subject: node?.describe() ?? "broadcast",
        expected: "shapes that broadcast together",
        got: `[${a}] and [${b}]`,
      });
    return dim;
  });
}

/** Missing leading dimensions count as 1; unknown ones stay unknown. */
function padding(shape: Shape, rank: number, i: number): Dim {
  return i < rank - shape.length ? 1 : null;
}

/** `broadcastShapes` over any number of operands. */
export function broadcastAll(shapes: readonly (Shape | null)[], node?: Node): Shape | null {
  return shapes.reduce((result, shape) => broadcastShapes(result, shape, node), [] as Shape | null);
}

/** Strides with which an operand is read along the output's dimensions: 0 where it is repeated. */
function broadcastStrides(dims: readonly number[], outDims: readonly number[]): number[] {
  const strides = stridesOf(dims);
  const offset = outDims.length - dims.length;
  return outDims.map((_, i) => (i < offset || dims[i - offset] === 1 ? 0 : strides[i - offset]));
}

/** Calls `visit(outIndex, operandIndices)` for each element of the output; `operandIndices` is reused between calls. */
export function forEachBroadcast(
  outDims: readonly number[],
  operands: readonly (readonly number[])[],
  visit: (index: number, operandIndices: Int32Array) => void,
): void {
  const strides = operands.map((dims) => broadcastStrides(dims, outDims));
  const indices = new Int32Array(operands.length);
  const counter = new Int32Array(outDims.length);
  const size = sizeOf(outDims);
  for (let index = 0; index < size; index++) {
    visit(index, indices);
    for (let axis = outDims.length - 1; axis >= 0; axis--) {
      const wraps = ++counter[axis] === outDims[axis];
      const step = wraps ? 1 - outDims[axis] : 1;
      for (let k = 0; k < strides.length; k++) indices[k] += strides[k][axis] * step;
      if (!wraps) break;
      counter[axis] = 0;
    }
  }
}

/** Applies a function of scalars to each element, broadcasting. The result has the first operand's type. */
export function mapBroadcast(fn: (...values: number[]) => number, ...refs: readonly Reference[]): Reference {
  const shapes = refs.map((ref) => ref.dims);
  const dims = broadcastAll(shapes) as readonly number[];
  const data = new Float64Array(sizeOf(dims));
  const { dtype, data: first } = refs[0];
  if (refs.length === 2) {
    // Most operators have two operands, and a call without a rest array is several times faster.
    const second = refs[1].data;
    forEachBroadcast(dims, shapes, (index, indices) => {
      data[index] = fn(first[indices[0]], second[indices[1]]);
    });
    return { dtype, dims, data };
  }
  const values = new Array<number>(refs.length);
  forEachBroadcast(dims, shapes, (index, indices) => {
    for (let k = 0; k < refs.length; k++) values[k] = refs[k].data[indices[k]];
    data[index] = fn(...values);
  });
  return { dtype, dims, data };
}

/** Applies a function of one scalar to each element. */
export function mapElements(fn: (value: number) => number, ref: Reference): Reference {
  return { dtype: ref.dtype, dims: ref.dims, data: ref.data.map((value) => fn(value)) };
}

/** The operand repeated to these dims (which it must broadcast to). */
export function expandTo(ref: Reference, dims: readonly number[]): Reference {
  const data = new Float64Array(sizeOf(dims));
  forEachBroadcast(dims, [ref.dims], (index, [source]) => {
    data[index] = ref.data[source];
  });
  return { dtype: ref.dtype, dims, data };
}
