import { BlindspotError } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import type { Dim, Node, Shape, Value } from "../graph/ir.ts";
import { int64Vector, sizeOf } from "../tensor/tensor.ts";
import { allAxes, permute } from "./axes.ts";
import { broadcastShapes, expandTo, mapBroadcast, mapElements, reference } from "./broadcast.ts";
import { defineOp, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { requireRank, shapeError, typeOfInput } from "./dims.ts";
import { einsum } from "./einsum.ts";

/** NumPy's matmul: a vector on the left is a row, on the right a column, and that axis is dropped from the result. */
export function matMulShape(a: Shape | null, b: Shape | null, node: Node): Shape | null {
  if (a === null || b === null) return null;
  const [rows, columns] = [asMatrix(a, "row"), asMatrix(b, "column")];
  const [inner, other] = [rows.at(-1), columns.at(-2)];
  if (typeof inner === "number" && typeof other === "number" && inner !== other)
    throw shapeError(node, undefined, "matrices whose inner sizes agree", `[${a}] and [${b}]`);
  const batch = broadcastShapes(rows.slice(0, -2), columns.slice(0, -2), node) as Shape;
  const last: Dim[] = [...(a.length === 1 ? [] : [rows.at(-2)!]), ...(b.length === 1 ? [] : [columns.at(-1)!])];
  return [...batch, ...last];
}

function asMatrix<D extends Dim>(shape: readonly D[], vector: "row" | "column"): readonly (D | 1)[] {
  if (shape.length !== 1) return shape;
  return vector === "row" ? [1, shape[0]] : [shape[0], 1];
}

/** One matrix product, [m, k] by [k, n], into `out`. */
function multiplyInto(out: Float64Array, a: Float64Array, b: Float64Array, m: number, k: number, n: number): void {
  for (let row = 0; row < m; row++) {
    const sums = out.subarray(row * n, (row + 1) * n);
    for (let i = 0; i < k; i++) {
      const factor = a[row * k + i];
      const start = i * n;
      for (let column = 0; column < n; column++) sums[column] += factor * b[start + column];
    }
  }
}

export function matMul(a: Reference, b: Reference, node: Node): Reference {
  const dims = matMulShape(a.dims, b.dims, node) as readonly number[];
  const [aDims, bDims] = [asMatrix(a.dims, "row"), asMatrix(b.dims, "column")];
  const [m, k, n] = [aDims.at(-2)!, aDims.at(-1)!, bDims.at(-1)!];
  const batch = broadcastShapes(aDims.slice(0, -2), bDims.slice(0, -2)) as readonly number[];
  const left = expandTo({ ...a, dims: aDims }, [...batch, m, k]).data;
  const right = expandTo({ ...b, dims: bDims }, [...batch, k, n]).data;
  const data = new Float64Array(sizeOf(dims));
  for (let i = 0; i < sizeOf(batch); i++)
    multiplyInto(
      data.subarray(i * m * n, (i + 1) * m * n),
      left.subarray(i * m * k, (i + 1) * m * k),
      right.subarray(i * k * n, (i + 1) * k * n),
      m,
      k,
      n,
    );
  return reference(dims, data, a.dtype);
}

/** The order of axes that swaps the last two. */
function swapLast(rank: number): number[] {
  return [...allAxes(rank - 2), rank - 1, rank - 2];
}

function transposed(op: OpBuilder, matrix: Value): Value {
  return op.Transpose(matrix, { perm: swapLast(matrix.rank!) });
}

/**
 * Y = A B: dA = dY B^T, dB = A^T dY over the last two axes; the engine sums over batch axes that were broadcast.
 * A vector becomes a matrix first, and dY gets back the axis that it lost.
 */
function matMulGradient(context: GradientContext): (Value | null)[] {
  const { op, node, inputs, cotangents, needs } = context;
  const [aRank, bRank] = [requireRank(node, 0), requireRank(node, 1)];
  const [a, b, dy] = [inputs[0]!, inputs[1]!, cotangents[0]!];
  if (aRank === 2 && bRank === 2)
    return [needs(0) ? op.Gemm(dy, b, { transB: 1 }) : null, needs(1) ? op.Gemm(a, dy, { transA: 1 }) : null];
  const row = aRank === 1 ? op.Unsqueeze(a, int64Vector([0])) : a;
  const column = bRank === 1 ? op.Unsqueeze(b, int64Vector([1])) : b;
  const withColumn = bRank === 1 ? op.Unsqueeze(dy, int64Vector([-1])) : dy;
  const full = aRank === 1 ? op.Unsqueeze(withColumn, int64Vector([-2])) : withColumn;
  const leftGradient = (): Value => {
    const da = op.MatMul(full, transposed(op, column));
    return aRank === 1 ? op.Squeeze(da, int64Vector([-2])) : da;
  };
  const rightGradient = (): Value => {
    if (bRank === 2 && aRank > 2) return weightGradient(op, a, b, dy);
    const db = op.MatMul(transposed(op, row), full);
    return bRank === 1 ? op.Squeeze(db, int64Vector([-1])) : db;
  };
  return [needs(0) ? leftGradient() : null, needs(1) ? rightGradient() : null];
}

/** One weight matrix under many rows: dB = A^T dY with all leading axes of A and dY flattened, so that it is one product, not a batch. */
function weightGradient(op: OpBuilder, a: Value, b: Value, dy: Value): Value {
  const [k, n] = b.shape as Shape;
  if (typeof k !== "number" || typeof n !== "number") return op.MatMul(transposed(op, a), dy);
  const rows = op.Reshape(a, int64Vector([-1, k]));
  return op.Gemm(rows, op.Reshape(dy, int64Vector([-1, n])), { transA: 1 });
}

const matMulOperator = defineOp({
  type: "MatMul",
  infer: (node) => [
    {
      dtype: typeOfInput(node, 0).dtype,
      shape: matMulShape(typeOfInput(node, 0).shape, typeOfInput(node, 1).shape, node),
    },
  ],
  evaluate: ([a, b], node) => [matMul(a!, b!, node)],
  gradient: matMulGradient,
  examples: [
    [
      [2, 3],
      [3, 4],
    ],
    [
      [2, 2, 3],
      [3, 4],
    ],
    [
      [2, 3],
      [2, 3, 2],
    ],
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    [[3], [3]],
    [[3], [3, 2]],
    [[2, 3], [3]],
    [[3], [2, 3, 2]],
    [[2, 2, 3], [3]],
  ].map((inputs) => ({ inputs })),
});

/** Microsoft's MatMul with transposed operands and a factor; transposed batch axes are not supported. */
const fusedMatMul = defineOp({
  type: "FusedMatMul",
  domain: "com.microsoft",
  infer: (node) => {
    const [a, b] = fusedShapes(node);
    return [{ dtype: typeOfInput(node, 0).dtype, shape: matMulShape(a, b, node) }];
  },
  evaluate: ([a, b], node) => {
    refuseBatchTransposes(node);
    const orient = (matrix: Reference, flag: string): Reference =>
      node.int(flag, 0) === 1 && matrix.dims.length > 1 ? permute(matrix, swapLast(matrix.dims.length)) : matrix;
    const alpha = node.float("alpha", 1);
    return [mapElements((y) => alpha * y, matMul(orient(a!, "transA"), orient(b!, "transB"), node))];
  },
  gradient: (context) => {
    const { op, node, inputs, cotangents } = context;
    refuseBatchTransposes(node);
    const flips = (i: number): boolean => node.int(i === 0 ? "transA" : "transB", 0) === 1 && requireRank(node, i) > 1;
    const scaled = op.Mul(cotangents[0]!, op.scalarLike(cotangents[0]!, node.float("alpha", 1)));
    const straight = [0, 1].map((i) => (flips(i) ? transposed(op, inputs[i]!) : inputs[i]!));
    const gradients = matMulGradient({ ...context, inputs: straight, cotangents: [scaled] });
    return gradients.map((d, i) => (d !== null && flips(i) ? transposed(op, d) : d));
  },
  examples: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attributes: { alpha: 0.5 },
    },
    {
      inputs: [
        [3, 2],
        [4, 3],
      ],
      attributes: { transA: 1, transB: 1 },
    },
    {
      inputs: [
        [2, 2, 3],
        [2, 4, 3],
      ],
      attributes: { transB: 1, alpha: 2 },
    },
  ],
});

function fusedShapes(node: Node): (Shape | null)[] {
  return ["transA", "transB"].map((flag, i) => {
    const { shape } = typeOfInput(node, i);
    return shape !== null && shape.length > 1 && node.int(flag, 0) === 1
      ? swapLast(shape.length).map((axis) => shape[axis])
      : shape;
  });
}

function refuseBatchTransposes(node: Node): void {
  if (node.int("transBatchA", 0) === 0 && node.int("transBatchB", 0) === 0) return;
  throw new BlindspotError({
    code: "E_OP_NO_GRADIENT",
    subject: node.describe(),
    expected: "transBatchA = 0 and transBatchB = 0",
    hint: "Export the model without ONNX Runtime's offline optimizations.",
  });
}

/** Y = alpha A' B' + beta C, where A' is A or its transpose. The transposes of the gradients are Gemm's own, and cost nothing. */
const gemm = defineOp({
  type: "Gemm",
  infer: (node) => {
    const [a, b] = fusedShapes(node);
    const product = matMulShape(a, b, node);
    const { shape: c } = typeOfInput(node, 2);
    return [{ dtype: typeOfInput(node, 0).dtype, shape: c === null ? product : broadcastShapes(product, c, node) }];
  },
  evaluate: ([a, b, c], node) => {
    const left = node.int("transA", 0) === 1 ? permute(a!, [1, 0]) : a!;
    const right = node.int("transB", 0) === 1 ? permute(b!, [1, 0]) : b!;
    const [alpha, beta] = [node.float("alpha", 1), node.float("beta", 1)];
    const product = mapElements((y) => alpha * y, matMul(left, right, node));
    return [c ? mapBroadcast((y, z) => y + beta * z, product, c) : product];
  },
  gradient: ({ op, node, inputs, cotangents, needs }) => {
    const [a, b, dy] = [inputs[0]!, inputs[1]!, cotangents[0]!];
    const [transA, transB] = [node.int("transA", 0), node.int("transB", 0)];
    const alpha = node.float("alpha", 1);
    // dA' = alpha dY B'^T, and its transpose alpha B' dY^T where A is transposed
    const da = (): Value =>
      transA === 1
        ? op.Gemm(b, dy, { alpha, transA: transB, transB: 1 })
        : op.Gemm(dy, b, { alpha, transB: 1 - transB });
    // dB' = alpha A'^T dY, and its transpose alpha dY^T A' where B is transposed
    const db = (): Value =>
      transB === 1
        ? op.Gemm(dy, a, { alpha, transA: 1, transB: transA })
        : op.Gemm(a, dy, { alpha, transA: 1 - transA });
    const beta = node.float("beta", 1);
    const dc = (): Value => (beta === 1 ? dy : op.Mul(dy, op.scalarLike(dy, beta)));
    return [needs(0) ? da() : null, needs(1) ? db() : null, needs(2) ? dc() : null];
  },
  examples: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
    },
    { inputs: [[2, 3], [3, 4], [4]], attributes: { alpha: 0.5, beta: 2 } },
    {
      inputs: [
        [3, 2],
        [3, 4],
        [2, 1],
      ],
      attributes: { transA: 1, alpha: 0.5 },
    },
    { inputs: [[2, 3], [4, 3], []], attributes: { transB: 1, beta: 0.5 } },
    {
      inputs: [
        [3, 2],
        [4, 3],
        [2, 4],
      ],
      attributes: { transA: 1, transB: 1 },
    },
  ],
});

export const linearOperators: readonly OpDefinition[] = [matMulOperator, gemm, fusedMatMul, einsum];
