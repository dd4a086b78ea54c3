import { aroundAxis, normalizeAxis, reducedShape, withDim } from "./axes.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type ExampleInput, type OpDefinition, type Reference } from "./define.ts";
import { knownInts, typeOfInput } from "./dims.ts";
import { zerosLike } from "./emit.ts";
import { discrete } from "./pointwise.ts";

const comparisons: readonly OpDefinition[] = [
  discrete("Equal", () => (a, b) => Number(a === b), "bool"),
  discrete("Less", () => (a, b) => Number(a < b), "bool"),
  discrete("Greater", () => (a, b) => Number(a > b), "bool"),
  discrete("LessOrEqual", () => (a, b) => Number(a <= b), "bool"),
  discrete("GreaterOrEqual", () => (a, b) => Number(a >= b), "bool"),
  discrete("IsNaN", () => (x) => Number(Number.isNaN(x)), "bool"),
  discrete(
    "IsInf",
    (node) => {
      const [negative, positive] = [node.int("detect_negative", 1) !== 0, node.int("detect_positive", 1) !== 0];
      return (x) => Number((positive && x === Infinity) || (negative && x === -Infinity));
    },
    "bool",
  ),
];

/** Bitwise on whole numbers of either sign and up to 64 bits. */
function bitwise(f: (a: bigint, b: bigint) => bigint): () => (a: number, b: number) => number {
  return () => (a, b) => Number(f(BigInt(a), BigInt(b)));
}

const logic: readonly OpDefinition[] = [
  discrete("Not", () => (x) => 1 - x, "bool"),
  discrete("And", () => (a, b) => a * b, "bool"),
  discrete("Or", () => (a, b) => Math.max(a, b), "bool"),
  discrete("Xor", () => (a, b) => Math.abs(a - b), "bool"),
  discrete(
    "BitwiseAnd",
    bitwise((a, b) => a & b),
    "same",
  ),
  discrete(
    "BitwiseOr",
    bitwise((a, b) => a | b),
    "same",
  ),
  discrete(
    "BitwiseXor",
    bitwise((a, b) => a ^ b),
    "same",
  ),
  discrete("BitwiseNot", () => (x) => -x - 1, "same"),
  discrete(
    "BitShift",
    (node) => (node.string("direction", "LEFT") === "LEFT" ? (a, b) => a * 2 ** b : (a, b) => Math.floor(a / 2 ** b)),
    "same",
  ),
];

/** Index of the largest (sign 1) or smallest (sign -1) element along an axis; the first of equals unless select_last_index is set. */
function argExtremum(type: string, sign: number): OpDefinition {
  return defineOp({
    type,
    infer: (node) => {
      const shape = reducedShape(
        typeOfInput(node, 0).shape,
        [node.int("axis", 0)],
        node.int("keepdims", 1) !== 0,
        node,
      );
      return [{ dtype: "int64", shape }];
    },
    evaluate: ([x], node) => {
      const axis = normalizeAxis(node.int("axis", 0), x!.dims.length, node);
      const last = node.int("select_last_index", 0) !== 0;
      const { outer, size, inner } = aroundAxis(x!.dims, axis);
      const data = new Float64Array(outer * inner);
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++) {
          const at = (k: number): number => sign * x!.data[(o * size + k) * inner + i];
          let best = 0;
          for (let k = 1; k < size; k++) if (at(k) > at(best) || (last && at(k) === at(best))) best = k;
          data[o * inner + i] = best;
        }
      const dims = reducedShape(x!.dims, [axis], node.int("keepdims", 1) !== 0) as number[];
      return [reference(dims, data, "int64")];
    },
    gradient: "discrete",
  });
}

/** Values and indices of the k largest (or smallest) along an axis, in order; the lower index first among equals. */
function topK(x: Reference, k: number, axis: number, largest: boolean): [Reference, Reference] {
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const values = new Float64Array(outer * k * inner);
  const indices = new Float64Array(values.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const at = (index: number): number => x.data[(o * size + index) * inner + i];
      const order = Array.from({ length: size }, (_, index) => index).sort((a, b) =>
        largest ? at(b) - at(a) : at(a) - at(b),
      );
      for (let j = 0; j < k; j++) {
        const target = (o * k + j) * inner + i;
        values[target] = at(order[j]);
        indices[target] = order[j];
      }
    }
  const dims = withDim(x.dims, axis, k) as number[];
  return [reference(dims, values, x.dtype), reference(dims, indices, "int64")];
}

function count(k: number): ExampleInput {
  return { dtype: "int64", dims: [1], values: [k] };
}

const ordering: readonly OpDefinition[] = [
  argExtremum("ArgMax", 1),
  argExtremum("ArgMin", -1),
  // values = x[indices]: dx = dvalues, scattered to the indices (which differ from each other)
  defineOp({
    type: "TopK",
    infer: (node) => {
      const { dtype, shape } = typeOfInput(node, 0);
      const k = node.int("k") ?? knownInts(node.inputs[1])?.[0] ?? null;
      const result = shape && withDim(shape, normalizeAxis(node.int("axis", -1), shape.length, node), k);
      return [
        { dtype, shape: result },
        { dtype: "int64", shape: result },
      ];
    },
    evaluate: ([x, k], node) => {
      const axis = normalizeAxis(node.int("axis", -1), x!.dims.length, node);
      return topK(x!, node.int("k") ?? k!.data[0], axis, node.int("largest", 1) !== 0);
    },
    gradient: ({ op, inputs: [x], outputs: [, indices], cotangents: [dy], node }) => {
      if (!dy) return [null, null];
      return [op.ScatterElements(zerosLike(op, x!), indices, dy, { axis: node.int("axis", -1) }), null];
    },
    examples: [
      { inputs: [[5], count(3)], outputs: 2 },
      { inputs: [[2, 4, 3], count(2)], attributes: { axis: 1, largest: 0 }, outputs: 2 },
      { inputs: [[3, 4], count(1)], attributes: { axis: -2 }, outputs: 2 },
    ],
  }),
  // Indices of nonzero elements, [rank, count] in row-major order: how many is known only at run time.
  defineOp({
    type: "NonZero",
    infer: (node) => [{ dtype: "int64", shape: [typeOfInput(node, 0).shape?.length ?? null, null] }],
    evaluate: ([x]) => {
      const hits = Array.from(x!.data.keys()).filter((index) => x!.data[index] !== 0);
      const rows = x!.dims.map((size, axis) => {
        const { inner } = aroundAxis(x!.dims, axis);
        return hits.map((index) => Math.floor(index / inner) % size);
      });
      return [reference([x!.dims.length, hits.length], rows.flat(), "int64")];
    },
    gradient: "discrete",
  }),
];

export const comparisonOperators: readonly OpDefinition[] = [...comparisons, ...logic, ...ordering];
