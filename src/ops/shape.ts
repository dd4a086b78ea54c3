import type { Dim, Node, Shape } from "../graph/ir.ts";
import { isKnown } from "../graph/ir.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { normalizeAxes, normalizeAxis } from "./axes.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type GradientRule, type OpDefinition } from "./define.ts";
import {
  describeShape,
  divideDims,
  holdSizes,
  intsGiven,
  intsOf,
  multiplyDims,
  shapeError,
  sizesHeld,
  typeOfInput,
} from "./dims.ts";
import { reshapeLike } from "./emit.ts";

/** Operators that keep the elements and their order: the gradient of each is a Reshape back. */

/** dx = dy in the shape of x */
const reshapeBack: GradientRule = ({ op, inputs, cotangents }) => [
  reshapeLike(op, cotangents[0]!, inputs[0]!),
  ...inputs.slice(1).map(() => null),
];

const ints = (...values: number[]) => ({ dtype: "int64" as const, dims: [values.length], values });

/** Squeeze, Unsqueeze and Reshape also move sizes about: what a value holds stays as it is. */
function holdSame(node: Node): void {
  const input = node.inputs[0];
  holdSizes(node, input?.dtype === "int64" && input.rank !== null && input.rank <= 1 ? sizesHeld(input) : null);
}

/** The target of a Reshape with 0 (copied from the input) and -1 (what is left) replaced. */
function reshapedTo(node: Node, from: Shape | null, target: Shape): Shape {
  const copiesZeros = node.int("allowzero", 0) === 0;
  const copied = target.map((dim, i): Dim => (dim === 0 && copiesZeros ? (from?.[i] ?? null) : dim));
  const free = copied.indexOf(-1);
  const rest = copied.filter((_, i) => i !== free);
  if (isKnown(from) && isKnown(rest)) {
    const [have, want] = [sizeOf(from), sizeOf(rest)];
    const fits = free < 0 ? have === want : want === 0 ? have === 0 : have % want === 0;
    if (!fits)
      throw shapeError(
        node,
        "input 1",
        `a shape for ${have} elements of ${describeShape(from)}`,
        describeShape(target),
      );
  }
  return free < 0 ? copied : copied.with(free, from === null ? null : divideDims(from, rest));
}

const reshape = defineOp({
  type: "Reshape",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    const target = node.ints("shape") ?? sizesHeld(node.inputs[1]);
    holdSame(node);
    return [{ dtype, shape: target === null ? null : reshapedTo(node, shape, target) }];
  },
  evaluate([x, shape], node) {
    const target = intsGiven(node, "shape", shape)!;
    return [{ ...x!, dims: reshapedTo(node, x!.dims, target) as number[] }];
  },
  gradient: reshapeBack,
  examples: [
    { inputs: [[2, 3, 4], ints(4, 6)] },
    { inputs: [[2, 3, 4], ints(0, -1)] },
    { inputs: [[2, 3, 4], ints(-1)] },
    { inputs: [[6], ints(1, 3, 1, -1)] },
  ],
});

/** The sizes before and after the axis are multiplied. */
function flattened(shape: Shape, axis: number): Shape {
  const at = axis === shape.length ? axis : normalizeAxis(axis, shape.length);
  return [multiplyDims(shape.slice(0, at)), multiplyDims(shape.slice(at))];
}

const flatten = defineOp({
  type: "Flatten",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    return [{ dtype, shape: shape === null ? [null, null] : flattened(shape, node.int("axis", 1)) }];
  },
  evaluate: ([x], node) => [{ ...x!, dims: flattened(x!.dims, node.int("axis", 1)) as number[] }],
  gradient: reshapeBack,
  examples: [
    { inputs: [[2, 3, 4]] },
    { inputs: [[2, 3, 4]], attributes: { axis: 0 } },
    { inputs: [[2, 3, 4]], attributes: { axis: -1 } },
    { inputs: [[2, 3]], attributes: { axis: 2 } },
  ],
});

/** Without axes every size of 1 goes; then the rank is known only if all sizes are. */
function squeezed(node: Node, shape: Shape, axes: readonly number[] | undefined): Shape | null {
  if (axes === undefined) return isKnown(shape) ? shape.filter((dim) => dim !== 1) : null;
  const gone = normalizeAxes(axes, shape.length, node);
  for (const axis of gone)
    if (typeof shape[axis] === "number" && shape[axis] !== 1)
      throw shapeError(node, "input 0", `a size of 1 at axis ${axis}`, describeShape(shape));
  return shape.filter((_, axis) => !gone.includes(axis));
}

const squeeze = defineOp({
  type: "Squeeze",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    const axes = intsOf(node, "axes", 1);
    holdSame(node);
    return [{ dtype, shape: shape === null || axes === null ? null : squeezed(node, shape, axes) }];
  },
  evaluate([x, axes], node) {
    return [{ ...x!, dims: squeezed(node, x!.dims, intsGiven(node, "axes", axes)) as number[] }];
  },
  gradient: reshapeBack,
  examples: [{ inputs: [[1, 3, 1, 2], ints(0, -2)] }, { inputs: [[1, 3, 1, 2]] }, { inputs: [[2, 1], ints(1)] }],
});

/** Axes count in the result. */
function unsqueezed(node: Node, shape: Shape, axes: readonly number[]): Shape {
  const rank = shape.length + axes.length;
  const made = normalizeAxes(axes, rank, node);
  if (made.length !== axes.length) throw shapeError(node, "axes", "each axis once", `[${axes}]`);
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis): Dim => (made.includes(axis) ? 1 : rest.shift()!));
}

const unsqueeze = defineOp({
  type: "Unsqueeze",
  infer(node) {
    const { dtype, shape } = typeOfInput(node, 0);
    const axes = intsOf(node, "axes", 1);
    holdSame(node);
    return [{ dtype, shape: shape === null || !axes ? null : unsqueezed(node, shape, axes) }];
  },
  evaluate([x, axes], node) {
    return [{ ...x!, dims: unsqueezed(node, x!.dims, intsGiven(node, "axes", axes)!) as number[] }];
  },
  gradient: reshapeBack,
  examples: [
    { inputs: [[2, 3], ints(0, 3)] },
    { inputs: [[2, 3], ints(-1)] },
    { inputs: [{ dims: [], low: -1, high: 1 }, ints(0)] },
  ],
});

/** `shape[start:end]` with negative and excessive bounds as Shape (opset 15) reads them. */
function shapeSlice<T>(node: Node, dims: readonly T[]): readonly T[] {
  const bound = (value: number) => Math.max(0, Math.min(dims.length, value < 0 ? value + dims.length : value));
  return dims.slice(bound(node.int("start", 0)), bound(node.int("end", dims.length)));
}

const shape = defineOp({
  type: "Shape",
  infer(node) {
    const input = typeOfInput(node, 0).shape;
    const sizes = input === null ? null : shapeSlice(node, input);
    holdSizes(node, sizes);
    return [{ dtype: "int64", shape: [sizes === null ? null : sizes.length] }];
  },
  evaluate([x], node) {
    const sizes = shapeSlice(node, x!.dims);
    return [reference([sizes.length], sizes, "int64")];
  },
  gradient: "discrete",
});

const size = defineOp({
  type: "Size",
  infer(node) {
    const input = typeOfInput(node, 0).shape;
    const count = input === null ? null : multiplyDims(input);
    holdSizes(node, count === null ? null : [count]);
    return [{ dtype: "int64", shape: [] }];
  },
  evaluate: ([x]) => [reference([], [x!.data.length], "int64")],
  gradient: "discrete",
});

export const shapeOperators: readonly OpDefinition[] = [reshape, flatten, squeeze, unsqueeze, shape, size];
