import type { Dim, Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { sizeOf, stridesOf } from "../tensor/tensor.ts";
import { forEachIndex, normalizeAxis } from "./axes.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { holdSizes, intsGiven, intsOf, notConstant, requireRank, sizesHeld, typeOfInput, unknownSize } from "./dims.ts";
import { padTrailing, placeAlong, shapedLike } from "./emit.ts";

/** What a Slice asks for along one axis, as written: bounds may be negative or far beyond the end. */
interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

interface Operands {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes: readonly number[] | undefined;
  readonly steps: readonly number[] | undefined;
}

function cutsOf(node: Node, rank: number, { starts, ends, axes, steps }: Operands): Cut[] {
  return starts.map((start, i) => ({
    axis: normalizeAxis(axes?.[i] ?? i, rank, node),
    start,
    end: ends[i],
    step: steps?.[i] ?? 1,
  }));
}

/** The cuts of a node, if its operands are known before the model runs. */
function knownCuts(node: Node): Cut[] | null {
  const rank = node.inputs[0]?.rank ?? null;
  const starts = intsOf(node, "starts", 1);
  const ends = intsOf(node, "ends", 2);
  const axes = intsOf(node, "axes", 3);
  const steps = intsOf(node, "steps", 4);
  if (rank === null || !starts || !ends || axes === null || steps === null) return null;
  return cutsOf(node, rank, { starts, ends, axes, steps });
}

/** First index and number of elements of a cut through `size` elements (NumPy's rule). */
function rangeOf({ start, end, step }: Cut, size: number): { first: number; count: number } {
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  const first = step > 0 ? clamp(from, 0, size) : clamp(from, 0, size - 1);
  // A negative end below -size means: to the very first element.
  const last = step > 0 ? clamp(to, 0, size) : clamp(to, -1, size - 1);
  return { first, count: Math.max(Math.ceil((last - first) / step), 0) };
}

/** A whole axis of unknown size keeps its name, and so does `0:` to the end. */
function cutDim(dim: Dim, cut: Cut): Dim {
  if (typeof dim === "number") return rangeOf(cut, dim).count;
  const whole = cut.start === 0 && cut.step === 1 && cut.end >= 2 ** 31 - 1;
  return whole ? dim : null;
}

function inferSlice(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  const cuts = knownCuts(node);
  if (shape === null) return [{ dtype, shape: null }];
  if (cuts === null) return [{ dtype, shape: shape.map(() => null) }];
  const held = dtype === "int64" && shape.length === 1 ? sizesHeld(node.inputs[0]) : null;
  holdSizes(node, held === null ? null : cuts.reduce<Shape>(cutHeld, held));
  return [{ dtype, shape: cuts.reduce<Shape>((dims, cut) => dims.with(cut.axis, cutDim(dims[cut.axis], cut)), shape) }];
}

function cutHeld(sizes: Shape, cut: Cut): Shape {
  const { first, count } = rangeOf(cut, sizes.length);
  return Array.from({ length: count }, (_, i) => sizes[first + i * cut.step]);
}

function evaluateSlice(inputs: readonly (Reference | null)[], node: Node): readonly Reference[] {
  const [x, starts, ends, axes, steps] = inputs;
  const { dims } = x!;
  const cuts = cutsOf(node, dims.length, {
    starts: intsGiven(node, "starts", starts)!,
    ends: intsGiven(node, "ends", ends)!,
    axes: intsGiven(node, "axes", axes),
    steps: intsGiven(node, "steps", steps),
  });
  const outDims = [...dims];
  const strides = stridesOf(dims);
  const jumps = [...strides];
  let origin = 0;
  for (const cut of cuts) {
    const { first, count } = rangeOf(cut, dims[cut.axis]);
    outDims[cut.axis] = count;
    origin += first * strides[cut.axis];
    jumps[cut.axis] = cut.step * strides[cut.axis];
  }
  const data = new Float64Array(sizeOf(outDims));
  forEachIndex(outDims, (index, flat) => {
    data[flat] = x!.data[index.reduce((sum, at, axis) => sum + at * jumps[axis], origin)];
  });
  return [reference(outDims, data, x!.dtype)];
}

/** Zeros that restore an axis cut with step 1. Known without the axis's size where the bounds count from the nearer end. */
function paddingFor(node: Node, cut: Cut, dim: Dim): { begin: number; end: number } {
  if (typeof dim === "number") {
    const { first, count } = rangeOf(cut, dim);
    return { begin: first, end: dim - first - count };
  }
  const toTheEnd = cut.end >= 2 ** 31 - 1;
  if (cut.start < 0 || (cut.end >= 0 && !toTheEnd)) throw unknownSize(node, 0, `the size of axis ${cut.axis}`);
  return { begin: cut.start, end: toTheEnd ? 0 : -cut.end };
}

/** dx = dy at the indices that were taken, else 0: a Pad for step 1, a Gather for other steps */
function gradientOfSlice({ op, node, inputs, cotangents }: GradientContext): (Value | null)[] {
  const x = inputs[0]!;
  const rank = requireRank(node, 0);
  const cuts = knownCuts(node);
  if (cuts === null) throw notConstant(node, 1, "starts, ends, axes and steps");
  const begins = new Array<number>(rank).fill(0);
  const ends = new Array<number>(rank).fill(0);
  let dx = cotangents[0]!;
  for (const cut of cuts) {
    const dim = x.shape![cut.axis];
    if (cut.step === 1) {
      const { begin, end } = paddingFor(node, cut, dim);
      begins[cut.axis] = begin;
      ends[cut.axis] = end;
    } else {
      if (typeof dim !== "number") throw unknownSize(node, 0, `the size of axis ${cut.axis}`);
      const { first, count } = rangeOf(cut, dim);
      const indices = Array.from({ length: count }, (_, i) => first + i * cut.step);
      dx = placeAlong(op, dx, cut.axis, indices, dim);
    }
  }
  return [shapedLike(padTrailing(op, dx, begins, ends), x), null, null, null, null];
}

const ints = (...values: number[]) => ({ dtype: "int64" as const, dims: [values.length], values });

const slice = defineOp({
  type: "Slice",
  infer: inferSlice,
  evaluate: evaluateSlice,
  gradient: gradientOfSlice,
  examples: [
    { inputs: [[4, 5], ints(1, 0), ints(3, 4)] },
    { inputs: [[4, 5], ints(-3), ints(2 ** 31), ints(1)] },
    { inputs: [[2, 7], ints(1), ints(7), ints(-1), ints(2)] },
    { inputs: [[6, 3], ints(-1), ints(-100), ints(0), ints(-1)] },
    { inputs: [[2, 8, 3], ints(6, 0), ints(1, 2), ints(1, 2), ints(-2, 1)] },
    { inputs: [[3, 4], ints(0), ints(-1), ints(1)] },
  ],
});

export const slicingOperators: readonly OpDefinition[] = [slice];
