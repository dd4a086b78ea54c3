import { describe, expect, it } from "vitest";
import { backward } from "../autodiff/backward.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { type Dim, Graph, type Shape, type Value } from "../graph/ir.ts";
import { int64, int64Vector } from "../tensor/tensor.ts";
import { divideDims, multiplyDims } from "./dims.ts";
import { operators } from "./index.ts";

/** What a graph over an input of this shape is inferred to give. */
function inferred(shape: Shape, build: (op: OpBuilder, x: Value) => Value): Value {
  const op = opBuilder(new Graph(), operators);
  return build(op, op.input("x", { dtype: "float32", shape }));
}

const ints = (...values: number[]) => int64Vector(values);
const open = Number.MAX_SAFE_INTEGER;
const batch = (op: OpBuilder, x: Value) => op.Unsqueeze(op.Gather(op.Shape(x), int64([], [0])), ints(0));

type Row = [name: string, shape: Shape, build: (op: OpBuilder, x: Value) => Value, expected: Shape | null];

const table: readonly Row[] = [
  ["-1 takes the name", ["N", 3, 4], (op, x) => op.Reshape(x, ints(-1, 12)), ["N", 12]],
  ["-1 takes the number", ["N", 3, 4], (op, x) => op.Reshape(x, ints(0, -1)), ["N", 12]],
  ["a name times a number is unknown", ["N", 3, 4], (op, x) => op.Reshape(x, ints(-1, 4)), [null, 4]],
  ["zero is kept if asked", [0, 3], (op, x) => op.Reshape(x, ints(3, 0), { allowzero: 1 }), [3, 0]],
  ["x.view(x.size(0), -1)", ["N", 3, 4], (op, x) => op.Reshape(x, concat(op, batch(op, x), ints(-1))), ["N", 12]],
  ["a known target of an unknown input", ["a", "b", null], (op, x) => op.Reshape(x, ints(-1, 3, 8)), [null, 3, 8]],
  ["rank of a target computed at run time", ["N", 6], (op, x) => op.Reshape(x, op.Abs(op.Shape(x))), [null, null]],
  ["sliced sizes", ["N", 3, "h", "w"], (op, x) => op.Expand(op.Reshape(x, ints(-1)), tail(op, x)), ["h", null]],
  ["flattened", ["N", 3, 4], (op, x) => op.Flatten(x), ["N", 12]],
  ["flattened at 2", ["N", 3, 4], (op, x) => op.Flatten(x, { axis: 2 }), [null, 4]],
  ["squeezed", ["N", 1, 4, 1], (op, x) => op.Squeeze(x, ints(-1, 1)), ["N", 4]],
  ["all ones squeezed from names", ["N", 1, 4], (op, x) => op.Squeeze(x), null],
  ["unsqueezed", ["N", 4], (op, x) => op.Unsqueeze(x, ints(-1, 1)), ["N", 1, 4, 1]],
  ["joined", ["N", 3, "h"], (op, x) => concat(op, x, x, 1), ["N", 6, "h"]],
  ["joined along a name", ["N", 3, "h"], (op, x) => concat(op, x, x, -1), ["N", 3, null]],
  ["tiled", ["N", 3], (op, x) => op.Tile(x, ints(1, 2)), ["N", 6]],
  ["a part of a name", ["N", 3], (op, x) => op.Slice(x, ints(0), ints(2), ints(0)), [null, 3]],
  ["all of a name", ["N", 3], (op, x) => op.Slice(x, ints(0, 1), ints(open, -1), ints(0, 1)), ["N", 1]],
  ["backwards", ["N", 7], (op, x) => op.Slice(x, ints(-1), ints(-open), ints(1), ints(-2)), ["N", 4]],
  ["gathered by a matrix", ["N", 7], (op, x) => op.Gather(x, int64([2, 2], [0, 1, 2, 3]), { axis: 1 }), ["N", 2, 2]],
  ["transposed", ["N", 3, "h"], (op, x) => op.Transpose(x, { perm: [2, 0, 1] }), ["h", "N", 3]],
  ["depth to space", ["N", 12, 2, "w"], (op, x) => op.DepthToSpace(x, { blocksize: 2 }), ["N", 3, 4, null]],
  ["zeros of a shape", ["N", 3], (op, x) => op.ConstantOfShape(op.Shape(x)), ["N", 3]],
];

function concat(op: OpBuilder, a: Value, b: Value | ReturnType<typeof ints>, axis = 0): Value {
  return op.node("Concat", [a, b], { axis })[0];
}

function tail(op: OpBuilder, x: Value): Value {
  return op.Slice(op.Shape(x), ints(2), ints(open), ints(0));
}

describe("inference of sizes", () => {
  it.each(table)("%s", (_, shape, build, expected) => {
    expect(inferred(shape, build).shape).toEqual(expected);
  });

  it("knows what Shape, Size, Gather and Concat hold", () => {
    const held = (build: (op: OpBuilder, x: Value) => Value) => inferred(["N", 3, 4], build).shapeValue;
    expect(held((op, x) => op.Shape(x, { start: -2 }))).toEqual([3, 4]);
    expect(held((op, x) => op.Size(op.Slice(x, ints(0), ints(2), ints(0))))).toEqual(null);
    expect(held((op, x) => op.Gather(op.Shape(x), ints(-1, 0)))).toEqual([4, "N"]);
    expect(held((op, x) => concat(op, batch(op, x), ints(5)))).toEqual(["N", 5]);
  });

  it.each([
    [
      "Reshape",
      (op: OpBuilder, x: Value) => op.Reshape(x, ints(5, -1)),
      /a shape for 6 elements of \[2, 3\], got \[5, -1\]/,
    ],
    ["Squeeze", (op: OpBuilder, x: Value) => op.Squeeze(x, ints(0)), /a size of 1 at axis 0, got \[2, 3\]/],
    [
      "Split",
      (op: OpBuilder, x: Value) => op.node("Split", [x, ints(1, 1)], { axis: 1 }, 2)[0],
      /a sum of 3, got \[1,1\]/,
    ],
    ["Transpose", (op: OpBuilder, x: Value) => op.Transpose(x, { perm: [0] }), /attribute perm: expected 2 axes/],
    ["Gather", (op: OpBuilder, x: Value) => op.Gather(x, ints(0), { axis: 2 }), /an axis in -2..1, got 2/],
  ])("%s refuses a contradiction", (_, build, message) => {
    expect(() => inferred([2, 3], build)).toThrow(message);
  });

  it.each<[Shape, Shape, Dim]>([
    [["N", 12], [4], null],
    [["N", 12], ["N", 4], 3],
    [["N", 4], [4], "N"],
    [["N", "M"], ["M"], "N"],
    [[7], [2], null],
    [["N", null], [1], null],
  ])("[%s] / [%s]", (above, below, expected) => {
    expect(divideDims(above, below)).toBe(expected);
  });

  it("multiplies a name by 1 only", () => {
    expect([multiplyDims(["N", 1]), multiplyDims(["N", 2]), multiplyDims([])]).toEqual(["N", null, 1]);
  });
});

/** Operators that the gradient of one node consists of, for an input of this shape. */
function backwardOps(shape: Shape, build: (op: OpBuilder, x: Value) => Value): string[] {
  const op = opBuilder(new Graph(), operators);
  const x = op.input("x", { dtype: "float32", shape });
  const value = build(op, x);
  const forward = op.graph.nodes.length;
  const cotangent = op.input("dy", { dtype: "float32", shape: value.shape });
  backward(op, { table: operators, outputs: [{ value, cotangent }], targets: [x] });
  return op.graph.nodes.slice(forward).map((node) => node.op);
}

describe("gradients with an unknown batch", () => {
  it.each<[string, Shape, (op: OpBuilder, x: Value) => Value, string[]]>([
    ["Reshape", ["N", 3, 4], (op, x) => op.Reshape(x, ints(0, -1)), ["Reshape"]],
    ["Reshape of two names", ["N", 3, "h"], (op, x) => op.Reshape(x, ints(-1)), ["Shape", "Reshape"]],
    ["Slice to the end", ["N", "h"], (op, x) => op.Slice(x, ints(1), ints(open), ints(1)), ["Pad"]],
    ["Slice with a step", ["N", 5], (op, x) => op.Slice(x, ints(0), ints(5), ints(1), ints(2)), ["Pad", "Gather"]],
    ["reversal", ["N", 5], (op, x) => op.Slice(x, ints(-1), ints(-open), ints(1), ints(-1)), ["Gather"]],
    ["one row", ["N", 5, 2], (op, x) => op.Gather(x, int64([], [0]), { axis: 1 }), ["Unsqueeze", "Pad", "Gather"]],
    [
      "a row picked twice",
      ["N", 5],
      (op, x) => op.Gather(x, ints(1, 1), { axis: 1 }),
      ["Reshape", "Shape", "Expand", "Shape", "ConstantOfShape", "ScatterElements"],
    ],
    ["Concat", ["N", 3], (op, x) => concat(op, x, x, 1), ["Split", "Add"]],
    [
      "Concat along a name",
      ["N", "h"],
      (op, x) => concat(op, x, op.Neg(x), 1),
      ["Shape", "Shape", "Concat", "Split", "Neg", "Add"],
    ],
    ["Pad of a name", ["N", "h"], (op, x) => op.Pad(x, ints(0, 1, 0, -2)), ["Pad"]],
    [
      "DepthToSpace",
      ["N", 8, 2, 2],
      (op, x) => op.DepthToSpace(x, { blocksize: 2 }),
      ["Reshape", "Transpose", "Reshape"],
    ],
  ])("%s", (_, shape, build, expected) => {
    expect(backwardOps(shape, build)).toEqual(expected);
  });

  it("Slice names the axis whose size it lacks", () => {
    const build = (op: OpBuilder, x: Value) => op.Slice(x, ints(-2), ints(open), ints(1));
    expect(() => backwardOps(["N", "h"], build)).toThrow(
      /input 0: expected the size of axis 1 to be known, got \[N, h\]/,
    );
  });

  it("a form without a rule says so, and what to do instead", () => {
    const indices = int64([2, 1], [0, 1]);
    const build = (op: OpBuilder, x: Value) => op.GatherND(x, indices, { batch_dims: 1 });
    expect(() => backwardOps([2, 3], build)).toThrow(
      /E_OP_NO_GRADIENT .* got batch_dims above 0\. Attack it with score/,
    );
  });
});
