import { describe, expect, it } from "vitest";
import type { Shape } from "../graph/ir.ts";
import { int64Vector, scalar, type Tensor } from "../tensor/tensor.ts";
import { type Attributes, infer } from "./apply.test.fixture.ts";

type Row = [
  type: string,
  inputs: readonly (Shape | Tensor | null)[],
  expected: readonly (Shape | null)[],
  attributes?: Attributes,
];

const unknown = { dtype: "float32", shape: null } as const;

/** A batch of unknown size keeps its name through every operator that doesn't mix rows. */
const table: readonly Row[] = [
  ["Add", [["N", 3, 1], [4]], [["N", 3, 4]]],
  ["Relu", [["N", 3]], [["N", 3]]],
  ["Where", [["N", 1], ["N", 3], []], [["N", 3]]],
  ["Max", [["N", 1], [3], ["N", 3]], [["N", 3]]],
  [
    "MatMul",
    [
      ["N", 3],
      [3, 4],
    ],
    [["N", 4]],
  ],
  ["MatMul", [["N", 2, 3], [3]], [["N", 2]]],
  ["MatMul", [[3], ["N", 3, 4]], [["N", 4]]],
  [
    "MatMul",
    [
      ["N", 1, 2, 3],
      [5, 3, 4],
    ],
    [["N", 5, 2, 4]],
  ],
  ["Gemm", [[3, "N"], [4, 3], [4]], [["N", 4]], { transA: 1, transB: 1 }],
  [
    "com.microsoft.FusedMatMul",
    [
      ["N", 3],
      [4, 3],
    ],
    [["N", 4]],
    { transB: 1 },
  ],
  [
    "Einsum",
    [
      ["N", 2, 3],
      [3, 4],
    ],
    [["N", 2, 4]],
    { equation: "...i,ij->...j" },
  ],
  ["ReduceMean", [["N", 3, 4, 4], int64Vector([2, 3])], [["N", 3]], { keepdims: 0 }],
  ["ReduceSum", [["N", 3]], [[1, 1]]],
  ["ArgMax", [["N", 10]], [["N"]], { axis: -1, keepdims: 0 }],
  [
    "TopK",
    [["N", 10], int64Vector([3])],
    [
      ["N", 3],
      ["N", 3],
    ],
    { axis: 1 },
  ],
  [
    "TopK",
    [["N", 10], null],
    [
      ["N", null],
      ["N", null],
    ],
  ],
  ["NonZero", [["N", 3]], [[2, null]]],
  ["CumSum", [["N", 3], scalar("int64", 1)], [["N", 3]]],
  ["BatchNormalization", [["N", 3, 8, 8], [3], [3], [3], [3]], [["N", 3, 8, 8], [3], [3]], { training_mode: 1 }],
  [
    "LayerNormalization",
    [["N", 3, 8], [8]],
    [
      ["N", 3, 8],
      ["N", 3, 1],
      ["N", 3, 1],
    ],
  ],
  ["SoftmaxCrossEntropyLoss", [["N", 10], ["N"]], [["N"], ["N", 10]], { reduction: "none" }],
  ["SoftmaxCrossEntropyLoss", [["N", 10], ["N"]], [[], ["N", 10]]],
  ["QuantizeLinear", [["N", 3], []], [["N", 3]]],
  ["DynamicQuantizeLinear", [["N", 3]], [["N", 3], [], []]],
];

describe("inferred shapes", () => {
  it.each(table)("%s (row %#)", (type, inputs, expected, attributes = {}) => {
    expect(infer(type, inputs, attributes, expected.length)).toEqual(expected);
  });

  it("are unknown where an operand's rank is", () => {
    expect(infer("Add", [unknown, [3]])).toEqual([null]);
    expect(infer("MatMul", [unknown, [3, 4]])).toEqual([null]);
    expect(infer("ReduceSum", [unknown])).toEqual([null]);
  });

  it.each([
    [
      "MatMul",
      [
        [2, 3],
        [4, 5],
      ],
      {},
      "MatMul 'MatMul': expected matrices whose inner sizes agree, got [2,3] and [4,5]",
    ],
    ["Add", [[2], [3]], {}, "Add 'Add': expected shapes that broadcast together, got [2] and [3]"],
    ["ArgMax", [[2]], { axis: 1 }, "ArgMax 'ArgMax': expected an axis in -1..0, got 1"],
    [
      "Einsum",
      [[2, 3]],
      { equation: "i->i" },
      "Einsum 'Einsum', equation: expected 2 subscripts for operand 0, got i->i",
    ],
  ] as const)("contradictions of %s are named", (type, inputs, attributes, message) => {
    expect(() => infer(type, inputs, attributes)).toThrow(message);
  });
});
