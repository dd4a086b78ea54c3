import type { Dim, Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { int64Vector, sizeOf, stridesOf } from "../tensor/tensor.ts";
import { allAxes, forEachIndex, normalizeAxis } from "./axes.ts";
import { type AxisMap, axisMap, emitTransposedMaps } from "./axis-maps.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { addDims, intsGiven, intsOf, knownInts, notConstant, requireRank, typeOfInput, unknownSize } from "./dims.ts";
import { shapedLike } from "./emit.ts";

/** Counts before and after each axis; negative ones crop. */
interface Pads {
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** `pads` lists begins, then ends, of `axes` (default: all). */
function padsOf(node: Node, rank: number, pads: readonly number[], axes: readonly number[] | undefined): Pads {
  const begins = new Array<number>(rank).fill(0);
  const ends = new Array<number>(rank).fill(0);
  (axes ?? allAxes(rank)).forEach((given, i, all) => {
    const axis = normalizeAxis(given, rank, node);
    begins[axis] = pads[i];
    ends[axis] = pads[i + all.length];
  });
  return { begins, ends };
}

function knownPads(node: Node, rank: number): Pads | null {
  const pads = intsOf(node, "pads", 1);
  const axes = knownInts(node.inputs[3]);
  return !pads || axes === null ? null : padsOf(node, rank, pads, axes);
}

function paddedShape(shape: Shape, { begins, ends }: Pads): Shape {
  return shape.map((dim, axis) => addDims([dim, begins[axis] + ends[axis]]));
}

/** The element of a line of `size` elements that lies at (possibly outside) index `at`; -1 for the constant. */
function sourceIndex(mode: string, at: number, size: number): number {
  if (at >= 0 && at < size) return at;
  const modulo = (period: number) => ((at % period) + period) % period;
  if (mode === "edge") return at < 0 ? 0 : size - 1;
  if (mode === "wrap") return modulo(size);
  if (mode !== "reflect") return -1;
  if (size === 1) return 0;
  const folded = modulo(2 * (size - 1));
  return folded < size ? folded : 2 * (size - 1) - folded;
}

function inferPad(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  if (shape === null) return [{ dtype, shape: null }];
  const pads = knownPads(node, shape.length);
  return [{ dtype, shape: pads === null ? shape.map((): Dim => null) : paddedShape(shape, pads) }];
}

function evaluatePad([x, given, value, axes]: readonly (Reference | null)[], node: Node): readonly Reference[] {
  const { dims } = x!;
  const pads = padsOf(node, dims.length, intsGiven(node, "pads", given)!, axes ? Array.from(axes.data) : undefined);
  const mode = node.string("mode", "constant");
  const fill = value?.data[0] ?? node.float("value", 0);
  const outDims = paddedShape(dims, pads) as number[];
  const strides = stridesOf(dims);
  // Per axis, where each element of the output comes from.
  const sources = outDims.map((size, axis) =>
    Array.from({ length: size }, (_, at) => sourceIndex(mode, at - pads.begins[axis], dims[axis])),
  );
  const data = new Float64Array(sizeOf(outDims));
  forEachIndex(outDims, (index, flat) => {
    let source = 0;
    for (let axis = 0; axis < outDims.length && source >= 0; axis++) {
      const at = sources[axis][index[axis]];
      source = at < 0 ? -1 : source + at * strides[axis];
    }
    data[flat] = source < 0 ? fill : x!.data[source];
  });
  return [reference(outDims, data, x!.dtype)];
}

/** Constant padding: dx = dy without the padding (a Pad with negated counts), dvalue = what was left out, summed. */
function gradientOfConstant({ op, node, needs, inputs, cotangents }: GradientContext): (Value | null)[] {
  const dy = cotangents[0]!;
  const pads = intsOf(node, "pads", 1);
  const negated = pads ? int64Vector(pads.map((count) => -count)) : op.Neg(inputs[1]!);
  const dx = shapedLike(op.Pad(dy, negated, null, inputs[3] ?? null), inputs[0]!);
  const total = (value: Value) => op.ReduceSum(value, { keepdims: 0 });
  return [dx, null, needs(2) ? op.Sub(total(dy), total(dx)) : null, null];
}

/** Other modes repeat elements: dx sums dy over the copies, by the transposed selection matrix of each padded axis. */
function gradientOfCopies({ op, node, inputs, outputs, cotangents }: GradientContext, mode: string): (Value | null)[] {
  const rank = requireRank(node, 0);
  const pads = knownPads(node, rank);
  if (pads === null) throw notConstant(node, 1, "pads");
  const { shape } = inputs[0]!;
  const padded = allAxes(rank).filter((axis) => pads.begins[axis] !== 0 || pads.ends[axis] !== 0);
  const sizeAt = (dims: Shape | null, axis: number): number => {
    const size = dims?.[axis];
    if (typeof size !== "number") throw unknownSize(node, 0, `the size of axis ${axis}`);
    return size;
  };
  const maps = padded.map((axis): AxisMap => {
    const size = sizeAt(shape, axis);
    return axisMap(axis, size + pads.begins[axis] + pads.ends[axis], size, (row, o) => {
      row[sourceIndex(mode, o - pads.begins[axis], size)] = 1;
    });
  });
  const dx = emitTransposedMaps(op, cotangents[0]!, rank, maps, (axis) => sizeAt(outputs[0].shape, axis));
  return [dx, null, null, null];
}

const ints = (...values: number[]) => ({ dtype: "int64" as const, dims: [values.length], values });
const IMAGE_PADS = ints(0, 0, 1, 2, 0, 0, 2, 1);

const pad = defineOp({
  type: "Pad",
  infer: inferPad,
  evaluate: evaluatePad,
  gradient(context) {
    const mode = context.node.string("mode", "constant");
    return mode === "constant" ? gradientOfConstant(context) : gradientOfCopies(context, mode);
  },
  examples: [
    { inputs: [[2, 3], ints(1, 0, 2, 1)] },
    { inputs: [[2, 3, 2], ints(0, 1, 0, 0, -1, 2), { dims: [], low: -1, high: 1 }] },
    { inputs: [[2, 4], ints(2, -1), null, ints(-1)] },
    { inputs: [[1, 2, 3, 4], IMAGE_PADS], attributes: { mode: "reflect" } },
    { inputs: [[1, 2, 3, 4], IMAGE_PADS], attributes: { mode: "edge" } },
    { inputs: [[1, 2, 3, 4], IMAGE_PADS], attributes: { mode: "wrap" } },
    { inputs: [[1, 2, 3, 2, 3], ints(0, 0, 1, 1, 2, 0, 0, 2, 0, 1)], attributes: { mode: "reflect" } },
  ],
});

export const paddingOperators: readonly OpDefinition[] = [pad];
