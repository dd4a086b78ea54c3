import type { OpBuilder } from "../graph/builder.ts";
import { type Dim, isKnown, type Node, type Shape, type Value, type ValueType } from "../graph/ir.ts";
import { int64Vector, sizeOf, stridesOf } from "../tensor/tensor.ts";
import { allAxes, aroundAxis, forEachIndex, normalizeAxis, permute, withDim } from "./axes.ts";
import { broadcastShapes, expandTo, reference } from "./broadcast.ts";
import { defineOp, type OpDefinition, type Reference } from "./define.ts";
import {
  addDims,
  describeShape,
  divideDims,
  holdSizes,
  intsGiven,
  intsOf,
  multiplyDims,
  requireRank,
  requireShape,
  shapeError,
  sizesHeld,
  typeOfInput,
  unknownSize,
} from "./dims.ts";
import { shapedLike, zerosLike } from "./emit.ts";

/** Operators that bring elements to other places, or repeat them. */

const ints = (...values: number[]) => ({ dtype: "int64" as const, dims: [values.length], values });

/** `perm`, by default the axes reversed. */
function permutation(node: Node, rank: number): readonly number[] {
  return node.ints("perm") ?? allAxes(rank).reverse();
}

const transpose = defineOp({
  type: "Transpose",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    if (shape === null) return [{ dtype, shape: null }];
    const perm = permutation(node, shape.length);
    if (perm.length !== shape.length)
      throw shapeError(node, "attribute perm", `${shape.length} axes`, describeShape(perm));
    return [{ dtype, shape: perm.map((axis) => shape[axis]) }];
  },
  evaluate: ([x], node) => [permute(x!, permutation(node, x!.dims.length))],
  /** dx = Transpose(dy) by the inverse permutation */
  gradient({ op, node, cotangents }) {
    const perm = permutation(node, requireRank(node, 0));
    return [op.Transpose(cotangents[0]!, { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
  },
  examples: [
    { inputs: [[2, 3, 4]] },
    { inputs: [[2, 3, 4, 2]], attributes: { perm: [0, 3, 1, 2] } },
    { inputs: [[2, 3, 4]], attributes: { perm: [1, 2, 0] } },
  ],
});

function concatShape(node: Node, shapes: readonly (Shape | null)[]): Shape | null {
  const first = shapes.find((shape) => shape !== null);
  if (first === undefined) return null;
  const axis = normalizeAxis(node.int("axis", 1), first.length, node);
  const along = shapes.map((shape) => shape?.[axis] ?? null);
  // A size that one input doesn't know, another may.
  const merged = first.map((_, i): Dim => {
    const dims = shapes.map((shape) => shape?.[i] ?? null);
    const numbers = new Set(dims.filter((dim) => typeof dim === "number"));
    if (i !== axis && numbers.size > 1)
      throw shapeError(node, undefined, `equal sizes at axis ${i}`, shapes.map(describeShape).join(" and "));
    return dims.find((dim) => typeof dim === "number") ?? dims.find((dim) => dim !== null) ?? null;
  });
  return withDim(merged, axis, addDims(along));
}

const concat = defineOp({
  type: "Concat",
  infer(node) {
    const types = node.inputs.map((_, i) => typeOfInput(node, i));
    const dtype = types.find((type) => type.dtype !== null)?.dtype ?? null;
    const held = dtype === "int64" && types[0].shape?.length === 1 ? node.inputs.map(sizesHeld) : [null];
    holdSizes(node, held.includes(null) ? null : held.flatMap((sizes) => sizes!));
    return [
      {
        dtype,
        shape: concatShape(
          node,
          types.map((type) => type.shape),
        ),
      },
    ];
  },
  evaluate(inputs, node) {
    const refs = inputs.map((input) => input!);
    const dims = concatShape(
      node,
      refs.map((ref) => ref.dims),
    ) as readonly number[];
    const axis = normalizeAxis(node.int("axis", 1), dims.length);
    const { outer, inner, size } = aroundAxis(dims, axis);
    const data = new Float64Array(sizeOf(dims));
    let offset = 0;
    for (const ref of refs) {
      const run = ref.dims[axis] * inner;
      for (let o = 0; o < outer; o++)
        data.set(ref.data.subarray(o * run, (o + 1) * run), o * size * inner + offset * inner);
      offset += ref.dims[axis];
    }
    return [reference(dims, data, refs[0].dtype)];
  },
  /** dx_i = the part of dy that x_i became */
  gradient({ op, node, inputs, cotangents }) {
    const axis = normalizeAxis(node.int("axis", 1), requireRank(node, 0), node);
    if (inputs.length === 1) return [cotangents[0]];
    const sizes = inputs.map((input) => input!.shape?.[axis] ?? null);
    const split: Value = sizes.every((size) => typeof size === "number")
      ? op.constant(int64Vector(sizes))
      : op.node(
          "Concat",
          inputs.map((input) => op.Shape(input, { start: axis, end: axis + 1 })),
          { axis: 0 },
        )[0];
    const parts = op.node("Split", [cotangents[0], split], { axis }, inputs.length);
    return parts.map((part, i) => shapedLike(part, inputs[i]!));
  },
  examples: [
    {
      inputs: [
        [2, 3],
        [2, 2],
      ],
      attributes: { axis: 1 },
    },
    {
      inputs: [
        [2, 1, 3],
        [2, 4, 3],
        [2, 2, 3],
      ],
      attributes: { axis: -2 },
    },
    { inputs: [[2], [3]], attributes: { axis: 0 } },
  ],
});

/** Sizes of the parts: given, or equal ones of which the last may be smaller. */
function splitSizes(node: Node, size: number, given: readonly number[] | undefined): readonly number[] {
  const parts = node.int("num_outputs", node.outputs.length);
  const each = Math.ceil(size / parts);
  const sizes = given ?? Array.from({ length: parts }, (_, i) => Math.max(Math.min(each, size - i * each), 0));
  if (sizes.reduce((sum, part) => sum + part, 0) !== size)
    throw shapeError(node, "the sizes of the parts", `a sum of ${size}`, `[${sizes}]`);
  return sizes;
}

function inferSplit(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  if (shape === null) return node.outputs.map(() => ({ dtype, shape: null }));
  const axis = normalizeAxis(node.int("axis", 0), shape.length, node);
  const size = shape[axis];
  const given = intsOf(node, "split", 1);
  const sizes = given === null ? null : typeof size === "number" ? splitSizes(node, size, given) : (given ?? null);
  return node.outputs.map((_, i) => ({ dtype, shape: withDim(shape, axis, sizes?.[i] ?? null) }));
}

const split = defineOp({
  type: "Split",
  infer: inferSplit,
  evaluate([x, given], node) {
    const axis = normalizeAxis(node.int("axis", 0), x!.dims.length);
    const { outer, inner, size } = aroundAxis(x!.dims, axis);
    let offset = 0;
    return splitSizes(node, size, intsGiven(node, "split", given)).map((part) => {
      const data = new Float64Array(outer * part * inner);
      for (let o = 0; o < outer; o++) {
        const from = (o * size + offset) * inner;
        data.set(x!.data.subarray(from, from + part * inner), o * part * inner);
      }
      offset += part;
      return reference(withDim(x!.dims, axis, part) as number[], data, x!.dtype);
    });
  },
  /** dx = Concat of the parts' cotangents; zeros where nothing flows back */
  gradient({ op, node, outputs, cotangents }) {
    const parts = outputs.map((output, i) => cotangents[i] ?? zerosLike(op, output));
    return [op.node("Concat", parts, { axis: node.int("axis", 0) })[0], null];
  },
  examples: [
    { inputs: [[2, 6], ints(1, 3, 2)], attributes: { axis: 1 }, outputs: 3 },
    { inputs: [[2, 6, 2]], attributes: { axis: -2, num_outputs: 3 }, outputs: 3 },
    { inputs: [[5]], attributes: { num_outputs: 2 }, outputs: 2 },
  ],
});

const expand = defineOp({
  type: "Expand",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    return [{ dtype, shape: broadcastShapes(shape, sizesHeld(node.inputs[1]), node) }];
  },
  evaluate([x, shape], node) {
    return [expandTo(x!, broadcastShapes(x!.dims, Array.from(shape!.data), node) as number[])];
  },
  /** dx = dy: the engine sums it down to the shape of x */
  gradient: ({ cotangents }) => [cotangents[0], null],
  examples: [{ inputs: [[3, 1], ints(2, 3, 4)] }, { inputs: [[2, 3], ints(1, 3)] }, { inputs: [[1], ints(2, 2)] }],
});

/** [repeats, size] of each axis in turn, so that the repeats can be summed; computed at run time where sizes are missing. */
function tilePairs(op: OpBuilder, node: Node): Value {
  const repeats = intsOf(node, "repeats", 1);
  const pairs = requireShape(node, 0).flatMap((dim, axis): Dim[] => [repeats?.[axis] ?? null, dim]);
  if (pairs.filter((dim) => typeof dim !== "number").length <= 1)
    return op.constant(int64Vector(pairs.map((dim) => (typeof dim === "number" ? dim : -1))));
  const columns = [node.inputs[1]!, op.Shape(node.inputs[0])].map((row) => op.Unsqueeze(row, int64Vector([1])));
  return op.Reshape(op.node("Concat", columns, { axis: 1 })[0], int64Vector([-1]));
}

const tile = defineOp({
  type: "Tile",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    const repeats = intsOf(node, "repeats", 1);
    if (shape === null || !repeats) return [{ dtype, shape: shape?.map(() => null) ?? null }];
    return [{ dtype, shape: shape.map((dim, axis) => multiplyDims([dim, repeats[axis]])) }];
  },
  evaluate([x, given], node) {
    const repeats = intsGiven(node, "repeats", given)!;
    // [1, d0, 1, d1 ..] repeated to [r0, d0, r1, d1 ..] has the elements in their final order.
    const single = reference(
      x!.dims.flatMap((dim) => [1, dim]),
      x!.data,
      x!.dtype,
    );
    const tiled = expandTo(
      single,
      x!.dims.flatMap((dim, axis) => [repeats[axis], dim]),
    );
    return [{ ...tiled, dims: x!.dims.map((dim, axis) => dim * repeats[axis]) }];
  },
  /** dx = dy summed over the repeats */
  gradient({ op, node, cotangents }) {
    const repeated = allAxes(requireRank(node, 0)).map((axis) => 2 * axis);
    const pairs = op.Reshape(cotangents[0]!, tilePairs(op, node));
    return [op.ReduceSum(pairs, int64Vector(repeated), { keepdims: 0 }), null];
  },
  examples: [{ inputs: [[2, 3], ints(2, 2)] }, { inputs: [[2, 1, 2], ints(1, 3, 2)] }, { inputs: [[3], ints(1)] }],
});

/**
 * Space and depth exchange blocks: as [N, ...sizes], reordered, and merged. In mode DCR the block's place is the slower part of the channel,
 * in mode CRD the faster one.
 */
interface Blocks {
  readonly split: Shape;
  readonly perm: readonly number[];
  readonly merged: Shape;
}

function depthToSpaceBlocks(node: Node, [n, c, h, w]: Shape, mode: string): Blocks {
  const b = node.int("blocksize", 1);
  const depth = divideDims([c], [b * b]);
  const merged = [n, depth, multiplyDims([h, b]), multiplyDims([w, b])];
  return mode === "CRD"
    ? { split: [n, depth, b, b, h, w], perm: [0, 1, 4, 2, 5, 3], merged }
    : { split: [n, b, b, depth, h, w], perm: [0, 3, 4, 1, 5, 2], merged };
}

/** The inverse of `depthToSpaceBlocks` for an input of this (larger) shape. */
function spaceToDepthBlocks(node: Node, [n, c, h, w]: Shape, mode: string): Blocks {
  const b = node.int("blocksize", 1);
  const [rows, columns] = [divideDims([h], [b]), divideDims([w], [b])];
  const merged = [n, multiplyDims([c, b * b]), rows, columns];
  const split = [n, c, rows, b, columns, b];
  return { split, perm: mode === "CRD" ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4], merged };
}

function rearrange(x: Reference, { split: dims, perm, merged }: Blocks): Reference {
  return { ...permute({ ...x, dims: dims as number[] }, perm), dims: merged as number[] };
}

/** The same as nodes. The batch may be unknown; the other sizes may not. */
function emitRearranged(op: OpBuilder, node: Node, x: Value, { split: dims, perm, merged }: Blocks): Value {
  const target = (shape: Shape) => {
    if (!isKnown(shape.slice(1))) throw unknownSize(node, 0, "every size but the batch");
    return int64Vector([0, ...(shape.slice(1) as number[])]);
  };
  return op.Reshape(op.Transpose(op.Reshape(x, target(dims)), { perm }), target(merged));
}

const depthToSpace = defineOp({
  type: "DepthToSpace",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    return [{ dtype, shape: shape && depthToSpaceBlocks(node, shape, node.string("mode", "DCR")).merged }];
  },
  evaluate: ([x], node) => [rearrange(x!, depthToSpaceBlocks(node, x!.dims, node.string("mode", "DCR")))],
  /** dx = the opposite rearrangement of dy */
  gradient({ op, node, outputs, cotangents }) {
    const blocks = spaceToDepthBlocks(node, outputs[0].shape ?? [null, null, null, null], node.string("mode", "DCR"));
    return [emitRearranged(op, node, cotangents[0]!, blocks)];
  },
  examples: [
    { inputs: [[2, 8, 2, 3]], attributes: { blocksize: 2 } },
    { inputs: [[1, 8, 3, 2]], attributes: { blocksize: 2, mode: "CRD" } },
  ],
});

const spaceToDepth = defineOp({
  type: "SpaceToDepth",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    return [{ dtype, shape: shape && spaceToDepthBlocks(node, shape, "DCR").merged }];
  },
  evaluate: ([x], node) => [rearrange(x!, spaceToDepthBlocks(node, x!.dims, "DCR"))],
  /** dx = DepthToSpace(dy) */
  gradient: ({ op, node, cotangents }) => [op.DepthToSpace(cotangents[0]!, { blocksize: node.int("blocksize", 1) })],
  examples: [
    { inputs: [[2, 2, 4, 6]], attributes: { blocksize: 2 } },
    { inputs: [[1, 1, 3, 3]], attributes: { blocksize: 3 } },
  ],
});

/** Reverses the first `sequence_lens[b]` elements of each sequence. */
const reverseSequence = defineOp({
  type: "ReverseSequence",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate([x, lengths], node) {
    const [timeAxis, batchAxis] = [node.int("time_axis", 0), node.int("batch_axis", 1)];
    const strides = stridesOf(x!.dims);
    const data = new Float64Array(x!.data.length);
    forEachIndex(x!.dims, (index, flat) => {
      const length = lengths!.data[index[batchAxis]];
      const time = index[timeAxis];
      data[flat] = x!.data[time < length ? flat + (length - 1 - 2 * time) * strides[timeAxis] : flat];
    });
    return [{ ...x!, data }];
  },
  /** dx = ReverseSequence(dy): its own inverse */
  gradient({ op, node, inputs, cotangents }) {
    const attributes = { time_axis: node.int("time_axis", 0), batch_axis: node.int("batch_axis", 1) };
    return [op.ReverseSequence(cotangents[0]!, inputs[1], attributes), null];
  },
  examples: [
    { inputs: [[4, 3, 2], ints(4, 1, 3)] },
    { inputs: [[2, 5], ints(2, 5)], attributes: { time_axis: 1, batch_axis: 0 } },
  ],
});

/** Keeps the upper (or lower) triangle of the last two axes, from diagonal k on. */
const trilu = defineOp({
  type: "Trilu",
  infer: (node) => [typeOfInput(node, 0)],
  evaluate([x, k], node) {
    const columns = x!.dims.at(-1)!;
    const rows = x!.dims.at(-2)!;
    const shift = k?.data[0] ?? 0;
    const upper = node.int("upper", 1) === 1;
    const kept = (flat: number) => {
      const distance = (flat % columns) - (Math.floor(flat / columns) % rows) - shift;
      return upper ? distance >= 0 : distance <= 0;
    };
    return [{ ...x!, data: x!.data.map((value, flat) => (kept(flat) ? value : 0)) }];
  },
  /** dx = Trilu(dy) */
  gradient: ({ op, node, inputs, cotangents }) => [
    op.Trilu(cotangents[0]!, inputs[1] ?? null, { upper: node.int("upper", 1) }),
    null,
  ],
  examples: [
    { inputs: [[3, 4]] },
    { inputs: [[2, 3, 3], { dtype: "int64", dims: [], values: [-1] }], attributes: { upper: 0 } },
  ],
});

export const movementOperators: readonly OpDefinition[] = [
  transpose,
  concat,
  split,
  expand,
  tile,
  depthToSpace,
  spaceToDepth,
  reverseSequence,
  trilu,
];
