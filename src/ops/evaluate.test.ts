import { describe, expect, it } from "vitest";
import { float32, int64, int64Vector, scalar, type Tensor, tensor } from "../tensor/tensor.ts";
import { type Attributes, elements, evaluate, type Input } from "./apply.test.fixture.ts";

const uint8 = (...values: number[]): Tensor => tensor("uint8", [values.length], Uint8Array.from(values));
const int8 = (...values: number[]): Tensor => tensor("int8", [values.length], Int8Array.from(values));
const int32 = (...values: number[]): Tensor => tensor("int32", [values.length], Int32Array.from(values));
const bool = (...values: number[]): Tensor => tensor("bool", [values.length], Uint8Array.from(values));
const grid = (rows: number, columns: number, ...values: number[]): Tensor => float32([rows, columns], values);

type Row = [name: string, type: string, inputs: readonly Input[], expected: readonly number[], attributes?: Attributes];

/** Small cases worked out by hand, for what is easily got wrong; the ONNX node tests cover the rest. */
const table: readonly Row[] = [
  ["integers divide toward zero", "Div", [int32(7, -7), int32(2, 2)], [3, -3]],
  ["integers wrap", "Add", [uint8(250), uint8(10)], [4]],
  ["half to even", "Round", [[0.5, 1.5, 2.5, -0.5, -1.5, 1.4]], [0, 2, 2, -0, -2, 1]],
  ["Python's remainder", "Mod", [int32(-7, 7), int32(3, -3)], [2, -2]],
  [
    "C's remainder",
    "Mod",
    [
      [-7.5, 7.5],
      [2, -2],
    ],
    [-1.5, 1.5],
    { fmod: 1 },
  ],
  ["shift left", "BitShift", [uint8(3, 255), uint8(2, 1)], [12, 254], { direction: "LEFT" }],
  ["shift right", "BitShift", [uint8(13, 255), uint8(2, 1)], [3, 127], { direction: "RIGHT" }],
  ["bits of negative numbers", "BitwiseAnd", [int32(-1, -2), int32(6, 7)], [6, 6]],
  ["complement of an unsigned", "BitwiseNot", [uint8(0, 255, 1)], [255, 0, 254]],
  ["exclusive or", "Xor", [bool(0, 1, 1), bool(1, 1, 0)], [1, 0, 1]],
  ["only positive infinity", "IsInf", [[Infinity, -Infinity, 1]], [1, 0, 0], { detect_negative: 0 }],
  [
    "NaN is not equal",
    "Equal",
    [
      [Number.NaN, 1],
      [Number.NaN, 1],
    ],
    [0, 1],
  ],
  ["cast truncates", "Cast", [[1.9, -1.9]], [1, -1], { to: 6 }],
  ["clip below only", "Clip", [[-1, 5], 0], [0, 5]],
  ["first of equals", "ArgMax", [grid(2, 3, 1, 3, 3, 2, 2, 1)], [1, 0], { axis: 1, keepdims: 0 }],
  ["last of equals", "ArgMax", [grid(2, 3, 1, 3, 3, 2, 2, 1)], [2, 1], { axis: -1, select_last_index: 1 }],
  ["smallest by column", "ArgMin", [grid(2, 2, 1, 4, 0, 5)], [1, 0], { axis: 0 }],
  ["coordinates by axis", "NonZero", [grid(2, 2, 1, 0, 0, 5)], [0, 1, 0, 1]],
  ["a running sum", "CumSum", [[1, 2, 3], scalar("int64", 0)], [1, 3, 6]],
  ["exclusive, from the end", "CumSum", [[1, 2, 3], scalar("int64", 0)], [5, 3, 0], { exclusive: 1, reverse: 1 }],
  ["all axes", "ReduceSum", [grid(2, 2, 1, 2, 3, 4)], [10]],
  ["no axes, by noop", "ReduceL1", [[-3, 2]], [3, 2], { noop_with_empty_axes: 1 }],
  ["a negative axis", "ReduceMax", [grid(2, 2, 1, 2, 4, 3), int64Vector([-1])], [2, 4], { keepdims: 0 }],
  ["without overflow", "ReduceLogSumExp", [[1000, 1000]], [1000 + Math.log(2)]],
  ["an empty group", "ReduceMax", [float32([2, 0], []), int64Vector([1])], [-Infinity, -Infinity]],
  ["row by matrix", "MatMul", [[1, 2], grid(2, 2, 1, 2, 3, 4)], [7, 10]],
  ["matrix by column", "MatMul", [grid(2, 2, 1, 2, 3, 4), [1, 2]], [5, 11]],
  [
    "transposes, factors and a bias",
    "Gemm",
    [grid(2, 1, 1, 2), grid(1, 2, 3, 4), 1],
    [5.5 + 2],
    { transA: 1, transB: 1, alpha: 0.5, beta: 2 },
  ],
  ["a trace", "Einsum", [grid(2, 2, 1, 2, 3, 4)], [5], { equation: "ii" }],
  ["a diagonal", "Einsum", [grid(2, 2, 1, 2, 3, 4)], [1, 4], { equation: "ii->i" }],
  ["an implicit result in alphabetical order", "Einsum", [grid(2, 2, 1, 2, 3, 4)], [1, 3, 2, 4], { equation: "ba" }],
  [
    "a broadcast ellipsis",
    "Einsum",
    [grid(1, 2, 1, 2), grid(2, 2, 1, 2, 3, 4)],
    [5, 11],
    { equation: "...i,...i->..." },
  ],
  ["without overflow", "Softmax", [[1000, 1000]], [0.5, 0.5]],
  ["along the first axis", "Softmax", [grid(2, 2, 0, 1, 0, 1)], [0.5, 0.5, 0.5, 0.5], { axis: 0 }],
  ["first of equals", "Hardmax", [[1, 2, 2]], [0, 1, 0]],
  // windows of 4 channels reach one below and two above: sums of squares 6, 7, 6, 4 (of 4 ones and a 2 at the end)
  [
    "an even window",
    "LRN",
    [float32([1, 4], [1, 1, 1, 1])],
    [1 / 4, 1 / 5, 1 / 4, 1 / 3],
    { size: 4, alpha: 4, beta: 1 },
  ],
  ["a zero vector", "LpNormalization", [[0, 0]], [0, 0]],
  ["rounds half to even", "QuantizeLinear", [[0.5, 1.5, -0.5, 300], 1, uint8(10)], [10, 12, 10, 255]],
  ["saturates", "QuantizeLinear", [[-300, 300], 1, int8(0)], [-128, 127]],
  ["by row", "QuantizeLinear", [grid(2, 2, 1, 2, 1, 2), [1, 0.5], uint8(0, 1)], [1, 2, 3, 5], { axis: 0 }],
  [
    "by block",
    "DequantizeLinear",
    [tensor("int8", [1, 4], Int8Array.of(1, 2, 3, 4)), grid(1, 2, 1, 10)],
    [1, 2, 30, 40],
    { axis: 1, block_size: 2 },
  ],
  ["the range with zero in it", "DynamicQuantizeLinear", [[51, 255]], [51, 255]],
];

describe("the reference", () => {
  it.each(table)("%s: %s", (_, type, inputs, expected, attributes = {}) => {
    expect(elements(type, inputs, attributes)).toEqual(
      expected.map((value) => (Number.isFinite(value) ? expect.closeTo(value, 6) : value)),
    );
  });

  it("knows the error function to float64", () => {
    // Abramowitz and Stegun, table 7.1, and mpmath for the tails.
    const known = [
      [0.1, 0.1124629160182849],
      [1, 0.8427007929497149],
      [2.4, 0.9993114861033549],
      [2.6, 0.9997639655834707],
      [4, 0.9999999845827421],
    ] as const;
    // float32 arguments: 0.1, 2.4 and 2.6 are not exact, and the slope there is at most 1.12.
    const found = elements("Erf", [known.map(([x]) => x)]);
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(known[i][1], i === 1 || i === 4 ? 14 : 7);
    });
    expect(elements("Erf", [[-1, Infinity, Number.NaN]])).toEqual([
      expect.closeTo(-0.8427007929497149, 14),
      1,
      Number.NaN,
    ]);
  });

  it("orders the k largest, the lower index first", () => {
    const [values, indices] = evaluate("TopK", [[2, 5, 5, 1], int64Vector([3])], {}, 2);
    expect(Array.from(values.data)).toEqual([5, 5, 2]);
    expect(Array.from(indices.data)).toEqual([1, 2, 0]);
  });

  it("keeps running statistics in training mode, with the biased variance", () => {
    const x = float32([2, 1, 1], [1, 3]);
    const [y, mean, variance] = evaluate(
      "BatchNormalization",
      [x, [1], [0], [10], [20]],
      { training_mode: 1, momentum: 0.5, epsilon: 0 },
      3,
    );
    expect(Array.from(y.data)).toEqual([-1, 1]);
    expect([mean.data[0], variance.data[0]]).toEqual([0.5 * 10 + 0.5 * 2, 0.5 * 20 + 0.5 * 1]);
  });

  it("averages a loss over the weights of the labels that count", () => {
    const scores = grid(3, 2, 0, 0, 0, 0, 0, 0);
    const labels = int64([3], [0, 1, -1]);
    const attributes = { ignore_index: -1 };
    expect(elements("SoftmaxCrossEntropyLoss", [scores, labels, [1, 3]], attributes)).toEqual([
      expect.closeTo(Math.log(2), 12),
    ]);
    const none = elements("SoftmaxCrossEntropyLoss", [scores, labels, [1, 3]], { ...attributes, reduction: "none" });
    expect(none).toEqual([Math.log(2), 3 * Math.log(2), 0].map((value) => expect.closeTo(value, 12)));
  });

  it("multiplies quantized matrices as the numbers that they stand for", () => {
    // (3 - 1) 0.5 = 1 and (4 - 2) 2 = 4; their product 4 is 8 steps of 0.5, from zero point 100.
    const one = (value: number): Tensor => tensor("uint8", [1, 1], Uint8Array.of(value));
    const zero = (value: number): Tensor => scalar("uint8", value);
    const inputs = [one(3), 0.5, zero(1), one(4), 2, zero(2), 0.5, zero(100)];
    expect(elements("QLinearMatMul", inputs)).toEqual([108]);
    expect(elements("MatMulInteger", [one(3), one(4), zero(1), zero(2)])).toEqual([4]);
  });

  it("convolves quantized images: padding stands for zero, not for the integer 0", () => {
    const image = tensor("uint8", [1, 1, 1, 2], Uint8Array.of(5, 7));
    const kernel = tensor("uint8", [1, 1, 1, 3], Uint8Array.of(1, 1, 1));
    const attributes = { pads: [0, 1, 0, 1] };
    expect(elements("ConvInteger", [image, kernel, scalar("uint8", 4)], attributes)).toEqual([4, 4]);
    const bias = int32(6);
    const parameters = [image, 0.5, scalar("uint8", 4), kernel, 1, scalar("uint8", 0), 0.25, scalar("uint8", 1), bias];
    // (4 + 6) 0.5 = 5 is 20 steps of a quarter, and 1.
    expect(elements("QLinearConv", parameters, attributes)).toEqual([21, 21]);
  });

  it("refuses to draw random numbers", () => {
    expect(() => evaluate("Dropout", [[1], 0.5, bool(1)])).toThrow("E_OP_RANDOM");
  });
});
