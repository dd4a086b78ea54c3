import { describe, expect, it } from "vitest";
import { backward } from "../autodiff/backward.ts";
import { type AttributeInput, type Operand, opBuilder } from "../graph/builder.ts";
import { type Dim, Graph, type Shape } from "../graph/ir.ts";
import { float32, int64Vector } from "../tensor/tensor.ts";
import { elements, evaluate, gradient, infer } from "./apply.test.fixture.ts";
import { operators } from "./index.ts";

const weights = (...dims: number[]) => float32(dims, new Float32Array(dims.reduce((size, dim) => size * dim, 1)));
const pool = (size: number, stride: number) => ({ kernel_shape: [size, size], strides: [stride, stride] });

type Row = [
  name: string,
  type: string,
  x: Shape,
  rest: readonly (ReturnType<typeof weights> | null)[],
  attributes: Readonly<Record<string, AttributeInput>>,
  expected: Shape,
];

const inference: readonly Row[] = [
  [
    "keeps names of sizes that it keeps",
    "Conv",
    ["N", 3, "h", "w"],
    [weights(8, 3, 3, 3)],
    { pads: [1, 1, 1, 1] },
    ["N", 8, "h", "w"],
  ],
  ["loses names of others", "Conv", ["N", 3, "h", 9], [weights(8, 3, 3, 3)], { pads: [0, 1, 0, 1] }, ["N", 8, null, 9]],
  [
    "halves odd sizes up",
    "Conv",
    ["N", 3, 7, 8],
    [weights(8, 3, 3, 3)],
    { pads: [1, 1, 1, 1], strides: [2, 2] },
    ["N", 8, 4, 4],
  ],
  ["dilated", "Conv", [2, 3, 9], [weights(8, 3, 3)], { dilations: [3] }, [2, 8, 3]],
  [
    "automatic padding",
    "Conv",
    ["N", 3, 7, 8],
    [weights(8, 3, 4, 4)],
    { auto_pad: "SAME_UPPER", strides: [2, 2] },
    ["N", 8, 4, 4],
  ],
  [
    "automatic padding of a name",
    "Conv",
    ["N", 3, "h", 8],
    [weights(8, 3, 3, 3)],
    { auto_pad: "SAME_LOWER" },
    ["N", 8, "h", 8],
  ],
  ["groups", "ConvTranspose", ["N", 4, 3, 3], [weights(4, 2, 2, 2)], { group: 2, strides: [2, 2] }, ["N", 4, 6, 6]],
  [
    "output padding",
    "ConvTranspose",
    ["N", 4, 3],
    [weights(4, 2, 3)],
    { strides: [2], pads: [1, 1], output_padding: [1] },
    ["N", 2, 6],
  ],
  ["floors", "MaxPool", ["N", 3, 8, 8], [], pool(3, 2), ["N", 3, 3, 3]],
  ["ceils", "MaxPool", ["N", 3, 8, 8], [], { ...pool(3, 2), ceil_mode: 1 }, ["N", 3, 4, 4]],
  [
    "no window begins in the padding",
    "MaxPool",
    ["N", 3, 8, 8],
    [],
    { ...pool(3, 3), ceil_mode: 1, pads: [1, 1, 1, 1] },
    ["N", 3, 3, 3],
  ],
  ["global", "GlobalAveragePool", ["N", 3, "h", "w"], [], {}, ["N", 3, 1, 1]],
  ["by factors", "Resize", ["N", 3, 5, 5], [null, float32([4], [1, 1, 1.5, 2])], {}, ["N", 3, 7, 10]],
  ["to sizes", "Resize", ["N", 3, 5, 5], [null, null, int64Vector([2, 3])], { axes: [2, 3] }, ["N", 3, 2, 3]],
  ["cropped and padded", "Pad", ["N", 3, 5, "w"], [int64Vector([0, 0, -1, 2, 0, 0, 3, 0])], {}, ["N", 3, 7, null]],
];

describe("inference of spatial operators", () => {
  it.each(inference)("%s: %s", (_, type, x, rest, attributes, expected) => {
    expect(infer(type, [x, ...rest], attributes)[0]).toEqual(expected);
  });

  it.each([
    ["Conv", [[1, 4, 5, 5], weights(2, 3, 3, 3)], {}, /expected 3 channels, got 4/],
    ["Conv", [[1, 3, 5], weights(2, 3, 3, 3)], {}, /weights of rank 3/],
    ["Conv", [[1, 3, 2, 5], weights(2, 3, 3, 3)], {}, /spatial axis 0: expected at least 3 elements/],
    ["Conv", [[1, 3, 5, 5], weights(2, 3, 3, 3)], { pads: [1, 1] }, /attribute pads: expected 4 numbers/],
    ["MaxPool", [[1, 3, 5]], pool(2, 2), /expected 4 dimensions/],
    ["MaxPool", [[1, 3, 5, 5]], {}, /attribute kernel_shape/],
  ] as const)("%s refuses a contradiction", (type, inputs, attributes, message) => {
    expect(() => infer(type, inputs, attributes)).toThrow(message);
  });
});

/** A gradient rule at work: x has this shape. */
function differentiate(type: string, shape: Shape, rest: readonly Operand[], attributes = {}): string[] {
  const op = opBuilder(new Graph(), operators);
  const x = op.input("x", { dtype: "float32", shape });
  const [value] = op.node(type, [x, ...rest], attributes);
  const cotangent = op.input("dy", { dtype: "float32", shape: value.shape });
  backward(op, { table: operators, outputs: [{ value, cotangent }], targets: [x] });
  return op.graph.nodes.slice(1).map((node) => node.op);
}

describe("gradients of spatial operators", () => {
  const image: readonly Dim[] = ["N", 4, 8, 8];
  it.each([
    ["stride 1: a Conv", "Conv", image, [weights(6, 4, 3, 3)], { pads: [1, 1, 1, 1] }, ["Transpose", "Slice", "Conv"]],
    ["1x1: nothing to flip", "Conv", image, [weights(6, 4, 1, 1)], {}, ["Transpose", "Conv"]],
    ["depthwise: no transposition", "Conv", image, [weights(4, 1, 3, 3)], { group: 4 }, ["Slice", "Conv"]],
    ["stride 2", "Conv", image, [weights(6, 4, 3, 3)], { strides: [2, 2] }, ["ConvTranspose"]],
    ["windows apart", "MaxPool", image, [], pool(2, 2), ["MaxUnpool"]],
    [
      "mean of everything",
      "GlobalAveragePool",
      ["N", 4, "h", "w"],
      [],
      {},
      ["Shape", "ReduceProd", "CastLike", "Div", "Shape", "Expand"],
    ],
    ["mean over windows", "AveragePool", image, [], pool(2, 2), ["MatMul", "MatMul"]],
    ["reflected", "Pad", image, [int64Vector([0, 0, 1, 1, 0, 0, 1, 1])], { mode: "reflect" }, ["MatMul", "MatMul"]],
    ["enlarged", "Resize", image, [null, float32([4], [1, 1, 2, 2])], { mode: "linear" }, ["MatMul", "MatMul"]],
  ] as const)("%s", (_, type, shape, rest, attributes, expected) => {
    expect(differentiate(type, shape, rest, attributes)).toEqual(expected);
  });

  it("overlapping windows of unknown size", () => {
    const nodes = differentiate("MaxPool", ["N", "C", "h", "w"], [], pool(3, 2));
    expect(nodes).toContain("ScatterElements");
  });

  it.each([
    ["Conv", [weights(6, 4, 3, 3)], { strides: [2, 2] }],
    ["AveragePool", [], pool(2, 2)],
  ] as const)("%s says which size it lacks, and how to give it", (type, rest, attributes) => {
    expect(() => differentiate(type, ["N", 4, "h", 8], rest, attributes)).toThrow(
      /E_SHAPE_UNKNOWN .* input 0: expected the spatial size to be known, got \[N, 4, h, 8\]\. Fix it with --shape INPUT=1,3,224,224/,
    );
  });

  it("gives the first of equal maxima everything", () => {
    const [dx] = gradient(
      (op, x) => op.MaxPool(op.Reshape(x, int64Vector([1, 1, 4])), { kernel_shape: [2], strides: [2] }),
      [3, 3, 1, 2],
    );
    expect(dx).toEqual([1, 0, 0, 1]);
  });

  it("adds up what overlapping windows give one element", () => {
    const [dx] = gradient(
      (op, x) => op.MaxPool(op.Reshape(x, int64Vector([1, 1, 4])), { kernel_shape: [2] }),
      [1, 5, 2, 0],
    );
    expect(dx).toEqual([0, 2, 1, 0]);
  });

  it("leaves zero windows of LpPool without a gradient", () => {
    const [dx] = gradient((op, x) => op.GlobalLpPool(op.Reshape(x, int64Vector([1, 1, 2])), { p: 3 }), [0, 0]);
    expect(dx).toEqual([0, 0]);
  });
});

describe("values of spatial operators", () => {
  const square = float32([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);

  it("indices of maxima count over the whole tensor, in either order", () => {
    const twice = float32([2, 1, 2, 2], [0, 1, 0, 0, 0, 0, 1, 0]);
    const at = (storage_order: number) =>
      Array.from(evaluate("MaxPool", [twice], { kernel_shape: [2, 2], storage_order }, 2)[1].data);
    expect(at(0)).toEqual([1, 6]);
    expect(at(1)).toEqual([2, 5]);
  });

  it("an average counts the padding only if told to, and never what hangs over it", () => {
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0], ceil_mode: 1 };
    expect(elements("AveragePool", [square], attributes)).toEqual([1, 2.5, 5.5, 7]);
    expect(elements("AveragePool", [square], { ...attributes, count_include_pad: 1 })).toEqual([0.25, 1.25, 2.75, 7]);
    const over = { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1, count_include_pad: 1 };
    expect(elements("AveragePool", [square], over)).toEqual([3, 4.5, 7.5, 9]);
  });

  it("reflections repeat where the padding is wider than the line", () => {
    const line = (mode: string) => elements("Pad", [[1, 2, 3], int64Vector([4, 3])], { mode });
    expect(line("reflect")).toEqual([1, 2, 3, 2, 1, 2, 3, 2, 1, 2]);
    expect(line("edge")).toEqual([1, 1, 1, 1, 1, 2, 3, 3, 3, 3]);
    expect(line("wrap")).toEqual([3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });
});
