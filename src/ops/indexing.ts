import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { int64Vector, sizeOf, stridesOf } from "../tensor/tensor.ts";
import { aroundAxis, forEachIndex, normalizeAxis, withDim } from "./axes.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { holdSizes, knownInts, noGradient, requireRank, requireShape, sizesHeld, typeOfInput } from "./dims.ts";
import { placeAlong, scatterAdd, zerosLike } from "./emit.ts";

/** Operators that pick elements by indices along one axis. Negative indices count from the end. */

function wrap(index: number, size: number): number {
  return index < 0 ? index + size : index;
}

function axisOf(node: Node, rank: number): number {
  return normalizeAxis(node.int("axis", 0), rank, node);
}

function inferGather(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  const indices = typeOfInput(node, 1).shape;
  const sizes = shape?.length === 1 && dtype === "int64" ? sizesHeld(node.inputs[0]) : null;
  const chosen = knownInts(node.inputs[1]);
  holdSizes(node, sizes === null || !chosen ? null : chosen.map((index) => sizes[wrap(index, sizes.length)]));
  if (shape === null || indices === null) return [{ dtype, shape: null }];
  return [{ dtype, shape: shape.toSpliced(axisOf(node, shape.length), 1, ...indices) }];
}

function take(x: Reference, axis: number, indices: Reference): Reference {
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const dims = x.dims.toSpliced(axis, 1, ...indices.dims);
  const data = new Float64Array(sizeOf(dims));
  for (let o = 0; o < outer; o++)
    indices.data.forEach((index, i) => {
      const from = (o * size + wrap(index, size)) * inner;
      data.set(x.data.subarray(from, from + inner), (o * indices.data.length + i) * inner);
    });
  return reference(dims, data, x.dtype);
}

/** dx[.., i, ..] = sum of dy over the places where i was picked */
function gradientOfGather({ op, node, inputs, cotangents }: GradientContext): (Value | null)[] {
  const [x, indices] = [inputs[0]!, inputs[1]!];
  const shape = requireShape(node, 0);
  const axis = axisOf(node, shape.length);
  const picked = requireRank(node, 1);
  const dy = oneAxisOfIndices(op, cotangents[0]!, shape, axis, picked, indices);
  const size = shape[axis];
  const chosen = typeof size === "number" ? knownInts(indices)?.map((index) => wrap(index, size as number)) : null;
  if (typeof size === "number" && chosen && new Set(chosen).size === chosen.length)
    return [placeAlong(op, dy, axis, chosen, size), null];
  const column = shape.map((_, i) => (i === axis ? -1 : 1));
  const everywhere = op.Expand(op.Reshape(indices, int64Vector(column)), op.Shape(dy));
  return [scatterAdd(op, x, everywhere, dy, axis), null];
}

/** dy with the dimensions of the indices (none, one or more) as the one at `axis`. */
function oneAxisOfIndices(op: OpBuilder, dy: Value, shape: Shape, axis: number, picked: number, indices: Value): Value {
  if (picked === 1) return dy;
  if (picked === 0) return op.Unsqueeze(dy, int64Vector([axis]));
  const dims = op.Shape(dy);
  const before = op.Slice(dims, int64Vector([0]), int64Vector([axis]));
  const after = op.Slice(dims, int64Vector([axis + picked]), int64Vector([shape.length + picked]));
  const count = op.Reshape(op.Size(indices), int64Vector([1]));
  return op.Reshape(dy, op.node("Concat", [before, count, after], { axis: 0 })[0]);
}

const ints = (dims: readonly number[], ...values: number[]) => ({ dtype: "int64" as const, dims, values });

const gather = defineOp({
  type: "Gather",
  infer: inferGather,
  evaluate: ([x, indices], node) => [take(x!, axisOf(node, x!.dims.length), indices!)],
  gradient: gradientOfGather,
  examples: [
    { inputs: [[4, 3], ints([3], 0, 2, 2)] },
    { inputs: [[2, 5, 3], ints([2], -1, 1)], attributes: { axis: 1 } },
    { inputs: [[2, 5, 3], ints([], 2)], attributes: { axis: 1 } },
    { inputs: [[2, 4], ints([2, 2], 3, 0, 3, 1)], attributes: { axis: -1 } },
  ],
});

/** Calls `visit(flat index of `indices`, flat index of `x`)` for element-wise picks along an axis. */
function forEachPick(
  x: readonly number[],
  indices: Reference,
  axis: number,
  visit: (at: number, source: number) => void,
): void {
  const strides = stridesOf(x);
  forEachIndex(indices.dims, (index, flat) => {
    const at = wrap(indices.data[flat], x[axis]);
    visit(
      flat,
      index.reduce((sum, i, d) => sum + (d === axis ? at : i) * strides[d], 0),
    );
  });
}

const gatherElements = defineOp({
  type: "GatherElements",
  infer: (node) => [{ dtype: typeOfInput(node, 0).dtype, shape: typeOfInput(node, 1).shape }],
  evaluate([x, indices], node) {
    const data = new Float64Array(indices!.data.length);
    forEachPick(x!.dims, indices!, axisOf(node, x!.dims.length), (at, source) => {
      data[at] = x!.data[source];
    });
    return [reference(indices!.dims, data, x!.dtype)];
  },
  /** dx = dy scattered to where it came from, added up */
  gradient({ op, node, inputs, cotangents }) {
    const axis = axisOf(node, requireRank(node, 0));
    return [scatterAdd(op, inputs[0]!, inputs[1]!, cotangents[0]!, axis), null];
  },
  examples: [
    { inputs: [[2, 3], ints([2, 2], 0, 2, 1, 1)], attributes: { axis: 1 } },
    { inputs: [[3, 2], ints([2, 2], 0, -1, 0, 1)] },
  ],
});

type Reduction = (old: number, update: number) => number;
const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
};

/**
 * Scatters with reduction none or add. The overwritten elements of x get nothing, the updates get dy from where they went:
 * dx = dy with zeros scattered in (none) or dy (add), dupdates = dy gathered.
 */
function gradientOfScatter(
  { op, node, needs, inputs, cotangents }: GradientContext,
  gatherOp: string,
  attributes: Readonly<Record<string, number>>,
): (Value | null)[] {
  const reduction = node.string("reduction", "none");
  if (reduction !== "none" && reduction !== "add") throw noGradient(node, `reduction "${reduction}"`);
  const dy = cotangents[0]!;
  const [indices, updates] = [inputs[1]!, inputs[2]!];
  const dx =
    reduction === "add" || !needs(0) ? dy : op.node(node.op, [dy, indices, zerosLike(op, updates)], attributes)[0];
  return [dx, null, needs(2) ? op.node(gatherOp, [dy, indices], attributes)[0] : null];
}

const scatterElements = defineOp({
  type: "ScatterElements",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate([x, indices, updates], node) {
    const reduce = REDUCTIONS[node.string("reduction", "none")];
    const data = x!.data.slice();
    forEachPick(x!.dims, indices!, axisOf(node, x!.dims.length), (at, target) => {
      data[target] = reduce(data[target], updates!.data[at]);
    });
    return [{ ...x!, data }];
  },
  gradient: (context) =>
    gradientOfScatter(context, "GatherElements", { axis: axisOf(context.node, requireRank(context.node, 0)) }),
  examples: [
    { inputs: [[3, 3], ints([2, 3], 1, 0, 2, 0, 2, 1), [2, 3]] },
    { inputs: [[2, 4], ints([2, 2], 1, 1, 0, -1), [2, 2]], attributes: { axis: 1, reduction: "add" } },
  ],
});

/** Offsets of the blocks that GatherND and ScatterND address, one per index tuple of length k behind `batch` shared axes. */
function blockOffsets(
  dims: readonly number[],
  indices: Reference,
  batch: number,
): { offsets: number[]; block: number } {
  const k = indices.dims.at(-1)!;
  const strides = stridesOf(dims);
  const tuples = indices.data.length / k;
  const perBatch = tuples / sizeOf(dims.slice(0, batch));
  const batchStride = sizeOf(dims.slice(batch));
  const offsets = Array.from({ length: tuples }, (_, t) => {
    let offset = Math.floor(t / perBatch) * batchStride;
    for (let j = 0; j < k; j++) offset += wrap(indices.data[t * k + j], dims[batch + j]) * strides[batch + j];
    return offset;
  });
  return { offsets, block: sizeOf(dims.slice(batch + k)) };
}

function inferGatherND(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  const indices = typeOfInput(node, 1).shape;
  const k = indices?.at(-1);
  if (shape === null || indices === null || typeof k !== "number") return [{ dtype, shape: null }];
  return [{ dtype, shape: [...indices.slice(0, -1), ...shape.slice(node.int("batch_dims", 0) + k)] }];
}

const gatherND = defineOp({
  type: "GatherND",
  infer: inferGatherND,
  evaluate([x, indices], node) {
    const batch = node.int("batch_dims", 0);
    const { offsets, block } = blockOffsets(x!.dims, indices!, batch);
    const data = new Float64Array(offsets.length * block);
    offsets.forEach((offset, t) => {
      data.set(x!.data.subarray(offset, offset + block), t * block);
    });
    const rest = x!.dims.slice(batch + indices!.dims.at(-1)!);
    return [reference([...indices!.dims.slice(0, -1), ...rest], data, x!.dtype)];
  },
  /** dx = dy scattered to where it came from, added up */
  gradient({ op, node, inputs, cotangents }) {
    if (node.int("batch_dims", 0) !== 0) throw noGradient(node, "batch_dims above 0");
    const zeros = zerosLike(op, inputs[0]!);
    return [op.ScatterND(zeros, inputs[1], cotangents[0]!, { reduction: "add" }), null];
  },
  examples: [{ inputs: [[3, 4], ints([3, 2], 0, 1, 2, 3, 0, 1)] }, { inputs: [[3, 4, 2], ints([2, 1], 2, -3)] }],
});

const scatterND = defineOp({
  type: "ScatterND",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate([x, indices, updates], node) {
    const reduce = REDUCTIONS[node.string("reduction", "none")];
    const { offsets, block } = blockOffsets(x!.dims, indices!, 0);
    const data = x!.data.slice();
    offsets.forEach((offset, t) => {
      for (let i = 0; i < block; i++) data[offset + i] = reduce(data[offset + i], updates!.data[t * block + i]);
    });
    return [{ ...x!, data }];
  },
  gradient: (context) => gradientOfScatter(context, "GatherND", {}),
  examples: [
    { inputs: [[3, 4], ints([2, 1], 2, 0), [2, 4]] },
    { inputs: [[3, 4], ints([2, 2], 2, 1, -3, 0), [2]], attributes: { reduction: "add" } },
  ],
});

/** Keeps the slices (or, without an axis, the elements) whose condition holds. Their number is known only at run time. */
const compress = defineOp({
  type: "Compress",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    const axis = node.int("axis");
    if (axis === undefined || shape === null) return [{ dtype, shape: axis === undefined ? [null] : null }];
    return [{ dtype, shape: withDim(shape, normalizeAxis(axis, shape.length, node), null) }];
  },
  evaluate([x, condition], node) {
    const axis = node.int("axis");
    const view = axis === undefined ? reference([x!.data.length], x!.data, x!.dtype) : x!;
    const at = normalizeAxis(axis ?? 0, view.dims.length, node);
    const kept = Array.from(condition!.data.keys()).filter((i) => condition!.data[i] !== 0 && i < view.dims[at]);
    return [take(view, at, reference([kept.length], kept, "int64"))];
  },
});

export const indexingOperators: readonly OpDefinition[] = [
  gather,
  gatherElements,
  scatterElements,
  gatherND,
  scatterND,
  compress,
];
