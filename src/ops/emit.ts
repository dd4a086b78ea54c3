import type { OpBuilder } from "../graph/builder.ts";
import { isKnown, type Shape, type Value } from "../graph/ir.ts";
import { arrayType, int64Vector, type NumericDType, scalar, sizeOf, tensor } from "../tensor/tensor.ts";
import { shapeOf } from "./dtypes.ts";

/** Small pieces of graph that several gradient rules write. */

/** A Reshape target for this shape: at most one unknown size, written -1; null where there are more. */
function reshapeTarget(shape: Shape | null): number[] | null {
  if (shape === null || shape.filter((dim) => typeof dim !== "number").length > 1) return null;
  const target = shape.map((dim) => (typeof dim === "number" ? dim : -1));
  return target.includes(-1) && target.includes(0) ? null : target;
}

/** `value` with the shape of `like`, which has the same number of elements. */
export function reshapeLike(op: OpBuilder, value: Value, like: Value): Value {
  const target = reshapeTarget(like.shape);
  return op.Reshape(value, target === null ? op.Shape(like) : int64Vector(target));
}

/** States that a value has the shape of another, where inference can't know it (it adds no number to a name). */
export function shapedLike(value: Value, like: Value): Value {
  value.shape = like.shape;
  return value;
}

/** Zeros with the shape and type of another value. */
export function zerosLike(op: OpBuilder, like: Value): Value {
  return op.ConstantOfShape(shapeOf(op, like), { value: zeroOf(like) });
}

function zeroOf(like: Value) {
  const dtype = (like.dtype ?? "float32") as NumericDType;
  return tensor(dtype, [1], scalar(dtype, 0).data);
}

/** A constant of the element type of `like` (float32 where that isn't known). Half-precision types are cast at run time. */
export function constantLike(op: OpBuilder, like: Value, dims: readonly number[], data: ArrayLike<number>): Value {
  const dtype = like.dtype === "float64" ? "float64" : "float32";
  const array = arrayType(dtype) as typeof Float32Array | typeof Float64Array;
  const value = op.constant(tensor(dtype, dims, array.from(data)));
  return like.dtype === "float16" || like.dtype === "bfloat16" ? op.CastLike(value, like) : value;
}

/** `value` repeated to the shape of `like`, to which it broadcasts. */
export function expandLike(op: OpBuilder, value: Value, like: Value): Value {
  return op.Expand(value, shapeOf(op, like));
}

/**
 * Pads (or, where a count is negative, crops) the last axes with zeros. `begins` and `ends` have one entry for each of them.
 * Returns the value itself where there is nothing to do.
 */
export function padTrailing(op: OpBuilder, value: Value, begins: readonly number[], ends: readonly number[]): Value {
  if ([...begins, ...ends].every((count) => count === 0)) return value;
  if (value.rank === null) {
    const axes = begins.map((_, i) => i - begins.length);
    return op.Pad(value, int64Vector([...begins, ...ends]), null, int64Vector(axes));
  }
  // All axes, not the last ones by name: see `withoutNamedAxes`.
  const others = new Array<number>(value.rank - begins.length).fill(0);
  return op.Pad(value, int64Vector([...others, ...begins, ...others, ...ends]));
}

/** Number of elements of the trailing dimensions, as a float32 value computed at run time where a size is unknown. */
export function countTrailing(op: OpBuilder, value: Value, from: number): Value {
  const dims = value.shape?.slice(from) ?? null;
  if (isKnown(dims)) return constantLike(op, value, [], [sizeOf(dims)]);
  const sizes = op.Shape(value, { start: from });
  return op.CastLike(op.ReduceProd(sizes, { keepdims: 0 }), value);
}

/**
 * A tensor of `size` elements along `axis` that holds slice j of `value` at `indices[j]` (each at most once), and zeros elsewhere: a Gather from the
 * value with one zero appended, many times faster than a scatter.
 */
export function placeAlong(op: OpBuilder, value: Value, axis: number, indices: readonly number[], size: number): Value {
  const sources = new Array<number>(size).fill(indices.length);
  indices.forEach((index, j) => {
    sources[index] = j;
  });
  const complete = !sources.includes(indices.length);
  const source = complete ? value : withOneZero(op, value, axis);
  return op.Gather(source, int64Vector(sources), { axis });
}

function withOneZero(op: OpBuilder, value: Value, axis: number): Value {
  if (value.rank === null) return op.Pad(value, int64Vector([0, 1]), null, int64Vector([axis]));
  const none = new Array<number>(value.rank).fill(0);
  return padTrailing(op, value, none, none.with(axis, 1));
}

/** Zeros shaped like `like`, with `updates` added at `indices` (of the same shape) along `axis`; an index may occur often. */
export function scatterAdd(op: OpBuilder, like: Value, indices: Value, updates: Value, axis: number): Value {
  return op.ScatterElements(zerosLike(op, like), indices, updates, { axis, reduction: "add" });
}
