import type { OpBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/ir.ts";
import { int64Vector, sizeOf } from "../tensor/tensor.ts";
import { allAxes, aroundAxis, withDim } from "./axes.ts";
import { reference } from "./broadcast.ts";
import type { Reference } from "./define.ts";
import { constantLike } from "./emit.ts";

/**
 * A linear map along one axis: y[.., o, ..] = sum_i matrix[o, i] x[.., i, ..]. Resize, average pooling and the padding modes that repeat elements
 * are products of such maps, so one constant matrix per axis gives their values, and its transpose their gradients, exactly.
 */
export interface AxisMap {
  readonly axis: number;
  readonly outSize: number;
  readonly inSize: number;
  /** outSize x inSize, row-major. */
  readonly matrix: Float64Array;
}

/** The map whose row o is written by `fill(row, o)`. */
export function axisMap(
  axis: number,
  outSize: number,
  inSize: number,
  fill: (row: Float64Array, o: number) => void,
): AxisMap {
  const matrix = new Float64Array(outSize * inSize);
  for (let o = 0; o < outSize; o++) fill(matrix.subarray(o * inSize, (o + 1) * inSize), o);
  return { axis, outSize, inSize, matrix };
}

function isIdentity({ outSize, inSize, matrix }: AxisMap): boolean {
  return outSize === inSize && matrix.every((value, at) => value === (at % (inSize + 1) === 0 ? 1 : 0));
}

function applyMap(x: Reference, { axis, outSize, inSize, matrix }: AxisMap): Reference {
  const { outer, inner } = aroundAxis(x.dims, axis);
  const data = new Float64Array(outer * outSize * inner);
  for (let a = 0; a < outer; a++)
    for (let o = 0; o < outSize; o++)
      for (let i = 0; i < inSize; i++) {
        const weight = matrix[o * inSize + i];
        // Skipped, not multiplied: 0 times infinity is not 0.
        if (weight === 0) continue;
        for (let b = 0; b < inner; b++)
          data[(a * outSize + o) * inner + b] += weight * x.data[(a * inSize + i) * inner + b];
      }
  return reference(withDim(x.dims, axis, outSize) as number[], data, x.dtype);
}

/** y = the maps applied one after the other. */
export function applyMaps(x: Reference, maps: readonly AxisMap[]): Reference {
  return maps.filter((map) => !isIdentity(map)).reduce(applyMap, x);
}

/**
 * dx = the transposed maps applied to dy. `trailing` are the sizes of the axes from the first mapped one on, in dy; the axes before it
 * (batch, channels) need not be known.
 */
export function emitTransposedMaps(
  op: OpBuilder,
  dy: Value,
  rank: number,
  maps: readonly AxisMap[],
  sizesOfOutput: (axis: number) => number,
): Value {
  const done = new Map<number, number>();
  let result = dy;
  for (const map of maps.filter((one) => !isIdentity(one))) {
    const { axis, outSize, inSize, matrix } = map;
    if (axis === rank - 1) result = op.MatMul(result, constantLike(op, dy, [outSize, inSize], matrix));
    else {
      const transposed = matrix.map((_, at) => matrix[(at % outSize) * inSize + Math.floor(at / outSize)]);
      const left = constantLike(op, dy, [inSize, outSize], transposed);
      // Seen as [.., axis, all that follows]; 0 copies a size.
      const before = new Array<number>(axis).fill(0);
      const after = allAxes(rank)
        .slice(axis + 1)
        .map((other) => done.get(other) ?? sizesOfOutput(other));
      if (after.length === 1) result = op.MatMul(left, result);
      else {
        const matrices = op.Reshape(result, int64Vector([...before, outSize, sizeOf(after)]));
        result = op.Reshape(op.MatMul(left, matrices), int64Vector([...before, inSize, ...after]));
      }
    }
    done.set(axis, inSize);
  }
  return result;
}
