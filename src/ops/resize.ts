import type { Dim, Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { toNumbers } from "../tensor/tensor.ts";
import { allAxes, forEachIndex, normalizeAxis } from "./axes.ts";
import { type AxisMap, applyMaps, emitTransposedMaps } from "./axis-maps.ts";
import { defineOp, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { notConstant, requireShape, sizesHeld, typeOfInput, unknownSize } from "./dims.ts";
import { interpolation, type Sampling } from "./interpolation.ts";

/** Resizing is one linear map per axis (see interpolation.ts); its gradient applies the transposed maps. */

/** What the operands ask for: factors or target sizes, of `axes`. */
interface Target {
  readonly scales: readonly number[] | null;
  readonly sizes: Shape | null;
}

/** One axis, as far as it is known. */
interface Resized {
  readonly inSize: Dim;
  readonly outSize: Dim;
  readonly scale: number | null;
}

const f = Math.fround;

function resizedBy(inSize: Dim, scale: number): Resized {
  const outSize = scale === 1 ? inSize : typeof inSize === "number" ? Math.floor(f(inSize * f(scale))) : null;
  return { inSize, outSize, scale: f(scale) };
}

function resizedTo(inSize: Dim, outSize: Dim): Resized {
  if (inSize === outSize && inSize !== null) return { inSize, outSize, scale: 1 };
  const known = typeof inSize === "number" && typeof outSize === "number";
  return { inSize, outSize, scale: known ? f(outSize / inSize) : null };
}

/** The axes that factors, sizes and regions are listed for. */
function resizedAxisNumbers(node: Node, rank: number): number[] {
  return node.ints("axes")?.map((axis) => normalizeAxis(axis, rank, node)) ?? allAxes(rank);
}

/** Null where neither factors nor sizes are known. */
function resizedAxes(node: Node, shape: Shape, { scales, sizes }: Target): Resized[] | null {
  const axes = resizedAxisNumbers(node, shape.length);
  const at = (axis: number) => axes.indexOf(axis);
  if (scales !== null) return shape.map((dim, axis) => resizedBy(dim, at(axis) < 0 ? 1 : scales[at(axis)]));
  if (sizes === null) return null;
  const policy = node.string("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch") return shape.map((dim, axis) => resizedTo(dim, at(axis) < 0 ? dim : sizes[at(axis)]));
  const ratios = axes.map((axis, i) => resizedTo(shape[axis], sizes[i]).scale);
  if (ratios.includes(null)) return null;
  const scale = policy === "not_larger" ? Math.min(...(ratios as number[])) : Math.max(...(ratios as number[]));
  return shape.map((inSize, axis) =>
    at(axis) < 0
      ? resizedTo(inSize, inSize)
      : { inSize, outSize: Math.floor(f(scale * (inSize as number)) + 0.5), scale },
  );
}

/** The target as far as it is known before the model runs. An empty tensor means: not given. */
function knownTarget(node: Node): Target {
  const scales = node.inputs[2]?.constant;
  if (scales && scales.data.length > 0) return { scales: toNumbers(scales), sizes: null };
  return { scales: null, sizes: sizesHeld(node.inputs[3]) };
}

function inferResize(node: Node): readonly ValueType[] {
  const { dtype, shape } = typeOfInput(node, 0);
  if (shape === null) return [{ dtype, shape: null }];
  const axes = resizedAxes(node, shape, knownTarget(node));
  return [{ dtype, shape: shape.map((_, axis) => axes?.[axis].outSize ?? null) }];
}

function samplingOf(node: Node): Sampling {
  return {
    mode: node.string("mode", "nearest"),
    coordinates: node.string("coordinate_transformation_mode", "half_pixel"),
    nearest: node.string("nearest_mode", "round_prefer_floor"),
    cubicA: node.float("cubic_coeff_a", -0.75),
    excludeOutside: node.int("exclude_outside", 0) === 1,
    antialias: node.int("antialias", 0) === 1,
  };
}

/** The part of each axis (0..1) that a crop shows; `roi` lists starts, then ends, of `axes`. */
function regionsOf(node: Node, rank: number, roi: readonly number[]): (readonly [number, number])[] {
  const axes = resizedAxisNumbers(node, rank);
  return allAxes(rank).map((axis) => {
    const i = axes.indexOf(axis);
    return i < 0 || roi.length === 0 ? [0, 1] : [roi[i], roi[i + axes.length]];
  });
}

/** The maps of the axes that change. */
function mapsOf(node: Node, axes: readonly Resized[], roi: readonly number[]): AxisMap[] {
  const sampling = samplingOf(node);
  const regions = regionsOf(node, axes.length, sampling.coordinates === "tf_crop_and_resize" ? roi : []);
  return axes.flatMap(({ inSize, outSize, scale }, axis) => {
    const region = regions[axis];
    if (scale === 1 && inSize === outSize && region[0] === 0 && region[1] === 1) return [];
    if (typeof inSize !== "number" || typeof outSize !== "number" || scale === null)
      throw unknownSize(node, 0, `the size of axis ${axis}`);
    return [interpolation(axis, { inSize, outSize, scale, region }, sampling)];
  });
}

/** Elements of a crop outside the input get `extrapolation_value`. */
function extrapolate(y: Reference, maps: readonly AxisMap[], value: number): Reference {
  const isOutside = ({ matrix, inSize }: AxisMap, o: number) =>
    matrix.subarray(o * inSize, (o + 1) * inSize).every((weight) => weight === 0);
  const data = y.data.slice();
  forEachIndex(y.dims, (index, flat) => {
    if (maps.some((map) => isOutside(map, index[map.axis]))) data[flat] = value;
  });
  return { ...y, data };
}

function evaluateResize(inputs: readonly (Reference | null)[], node: Node): readonly Reference[] {
  const x = inputs[0]!;
  const scales = inputs[2];
  const target: Target =
    scales && scales.data.length > 0
      ? { scales: Array.from(scales.data), sizes: null }
      : { scales: null, sizes: Array.from(inputs[3]!.data) };
  const maps = mapsOf(node, resizedAxes(node, x.dims, target)!, Array.from(inputs[1]?.data ?? []));
  const y = applyMaps(x, maps);
  const crops = samplingOf(node).coordinates === "tf_crop_and_resize";
  return [crops ? extrapolate(y, maps, node.float("extrapolation_value", 0)) : y];
}

/** dx = A^T dy for each resized axis, where y = A x */
function gradientOfResize({ op, node, inputs, cotangents }: GradientContext): (Value | null)[] {
  const shape = requireShape(node, 0);
  const axes = resizedAxes(node, shape, knownTarget(node));
  if (axes === null) throw notConstant(node, 2, "scales or sizes");
  const sizeOfOutput = (axis: number): number => {
    const size = axes[axis].outSize;
    if (typeof size !== "number") throw unknownSize(node, 0, `the size of axis ${axis}`);
    return size;
  };
  const region = inputs[1]?.constant ?? null;
  const crops = samplingOf(node).coordinates === "tf_crop_and_resize";
  if (crops && region === null) throw notConstant(node, 1, "region of interest");
  const maps = mapsOf(node, axes, region === null ? [] : toNumbers(region));
  const dx = emitTransposedMaps(op, cotangents[0]!, shape.length, maps, sizeOfOutput);
  return [dx, ...inputs.slice(1).map(() => null)];
}

const numbers = (...values: number[]) => ({ dtype: "float32" as const, dims: [values.length], values });
const ints = (...values: number[]) => ({ dtype: "int64" as const, dims: [values.length], values });
const doubling = [[2, 2, 3, 4], null, numbers(1, 1, 2, 2)];
const toSizes = [[1, 2, 4, 5], null, null, ints(1, 2, 7, 3)];

const resize = defineOp({
  type: "Resize",
  infer: inferResize,
  evaluate: evaluateResize,
  gradient: gradientOfResize,
  examples: [
    { inputs: doubling },
    { inputs: doubling, attributes: { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" } },
    { inputs: doubling, attributes: { mode: "linear" } },
    { inputs: toSizes, attributes: { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" } },
    { inputs: toSizes, attributes: { mode: "linear", coordinate_transformation_mode: "align_corners" } },
    { inputs: toSizes, attributes: { coordinate_transformation_mode: "align_corners" } },
    { inputs: toSizes, attributes: { mode: "linear", coordinate_transformation_mode: "asymmetric" } },
    { inputs: toSizes, attributes: { mode: "cubic" } },
    {
      inputs: [[1, 2, 4, 5], numbers(0.3, 0.2, 1.2, 0.7), null, ints(3, 4)],
      attributes: {
        mode: "linear",
        axes: [2, 3],
        coordinate_transformation_mode: "tf_crop_and_resize",
        extrapolation_value: 9,
      },
    },
    { inputs: [[1, 2, 5], null, numbers(1, 1, 1.5)], attributes: { mode: "linear" } },
  ],
});

export const resizeOperators: readonly OpDefinition[] = [resize];
