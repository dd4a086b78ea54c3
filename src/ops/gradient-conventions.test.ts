import { describe, expect, it } from "vitest";
import { float32, int64Vector, scalar, tensor } from "../tensor/tensor.ts";
import { gradient } from "./apply.test.fixture.ts";

function near(values: readonly number[]): unknown[] {
  return values.map((value) => expect.closeTo(value, 6));
}

/** Where the derivative doesn't exist, or a formula divides by zero, finite differences can't tell: these are PyTorch's conventions. */
describe("gradients at kinks, ties and zeros", () => {
  it.each([
    ["Relu at 0", gradient((op, x) => op.Relu(x), [-1, 0, 1]), [[0, 0, 1]]],
    ["LeakyRelu at 0", gradient((op, x) => op.LeakyRelu(x, { alpha: 0.5 }), [-1, 0, 1]), [[0.5, 0.5, 1]]],
    ["Abs at 0", gradient((op, x) => op.Abs(x), [-2, 0, 2]), [[-1, 0, 1]]],
    [
      "Clip at its bounds (inside)",
      gradient((op, x) => op.Clip(x, scalar("float32", 0), scalar("float32", 1)), [-0.1, 0, 0.5, 1, 1.1]),
      [[0, 1, 1, 1, 0]],
    ],
    [
      "bounds of Clip",
      gradient((op, x, low, high) => op.Clip(x, low, high), [-1, 0, 2, 3], 0, 1),
      [[0, 1, 0, 0], [1], [2]],
    ],
    [
      "Max of ties",
      gradient((op, a, b) => op.Max(a, b), [1, 2, 3], [1, 3, 2]),
      [
        [0.5, 0, 1],
        [0.5, 1, 0],
      ],
    ],
    ["Min of three ties", gradient((op, a, b, c) => op.Min(a, b, c), [1], [1], [2]), [[0.5], [0.5], [0]]],
    ["ReduceMax of ties", gradient((op, x) => op.ReduceMax(x), [2, 1, 2]), [[0.5, 0, 0.5]]],
    ["ReduceL2 at 0", gradient((op, x) => op.ReduceL2(x), [0, 0]), [[0, 0]]],
    ["ReduceProd with one zero", gradient((op, x) => op.ReduceProd(x), [2, 0, 5]), [[0, 10, 0]]],
    ["ReduceProd with two zeros", gradient((op, x) => op.ReduceProd(x), [0, 0, 5]), [[0, 0, 0]]],
    ["x^0 at 0", [gradient((op, x, p) => op.Pow(x, p), [0, 2], [0, 0])[0]], [[0, 0]]],
    ["0^p by p", [gradient((op, x, p) => op.Pow(x, p), [0, -1], [2, 2])[1]], [[0, 0]]],
    ["x^2 at 0 and below", gradient((op, x) => op.Pow(x, scalar("float32", 2)), [0, -3]), [[0, -6]]],
    ["LpNormalization of zeros", gradient((op, x) => op.LpNormalization(x), [0, 0]), [[0, 0]]],
    ["flat: Round", gradient((op, x) => op.Round(x), [0.2, 1.7]), [[0, 0]]],
    [
      "Mod by the divisor",
      gradient((op, a, b) => op.Mod(a, b, { fmod: 1 }), [7.5, -7.5], [2, 2]),
      [
        [1, 1],
        [-3, 3],
      ],
    ],
  ])("%s", (_, found, expected) => {
    expect(found).toEqual(expected.map(near));
  });

  it("stay finite where exp overflows", () => {
    const [[low, high]] = gradient((op, x) => op.Sigmoid(x), [-800, 800]);
    expect([low, high]).toEqual([0, 0]);
    expect(gradient((op, x) => op.LogSoftmax(x), [1000, 0])[0].every(Number.isFinite)).toBe(true);
    expect(gradient((op, x) => op.Softplus(x), [800, -800])).toEqual([[1, 0]]);
  });
});

describe("quantization passes the cotangent straight through", () => {
  const quantized = (x: readonly number[], zeroPoint: number) =>
    gradient((op, value) => {
      const [scale, zero] = [scalar("float32", 0.1), scalar("uint8", zeroPoint)];
      return op.DequantizeLinear(op.QuantizeLinear(value, scale, zero), scale, zero);
    }, x)[0];

  it("inside the range of the integers", () => {
    // uint8 with zero point 10 and scale 0.1 holds -1 .. 24.5; half a step beyond still rounds to the last integer.
    expect(quantized([-1.2, -1.04, -1, 0, 24.5, 24.54, 24.7], 10)).toEqual(near([0, 1, 1, 1, 1, 1, 0]));
  });

  it("with a scale for each channel", () => {
    const scales = float32([2], [0.01, 1]);
    const zeros = tensor("int8", [2], Int8Array.of(0, 0));
    // 127 steps of 0.01 end at 1.27.
    const x = float32([1, 2, 2], [1, 2, 1, 2]);
    const [dx] = gradient((op, v) => op.DequantizeLinear(op.QuantizeLinear(v, scales, zeros), scales, zeros), x);
    expect(dx).toEqual(near([1, 0, 1, 1]));
  });

  it("with the scale found at run time", () => {
    const [dx] = gradient(
      (op, x) => {
        const [q, scale, zero] = op.node("DynamicQuantizeLinear", [x], {}, 3);
        return op.DequantizeLinear(q, scale, zero);
      },
      [-1, 0.3, 2],
    );
    expect(dx).toEqual(near([1, 1, 1]));
  });
});

describe("the weight gradient of a product of many rows", () => {
  it("is one flat product", () => {
    const x = float32([2, 2, 1], [1, 2, 3, 4]);
    const [, dw] = gradient((op, a, w) => op.MatMul(a, w), x, float32([1, 2], [1, 1]));
    expect(dw).toEqual([10, 10]);
  });
});

describe("reductions whose axes are computed at run time", () => {
  it("are differentiated all the same", () => {
    const x = float32([2, 2], [1, 2, 3, 4]);
    const [dx] = gradient((op, v) => {
      const axes = op.Add(op.constant(int64Vector([0])), op.constant(int64Vector([1])));
      return op.Mul(op.ReduceSum(v, axes, { keepdims: 1 }), v);
    }, x);
    // sum of (row sum) x: the derivative of (a + b)^2 is 2 (a + b) for both.
    expect(dx).toEqual([6, 6, 14, 14]);
  });
});
