import { BlindspotError } from "../base/errors.ts";
import type { Dim, Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { toNumbers } from "../tensor/tensor.ts";
import { allAxes, normalizeAxes } from "./axes.ts";
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

/** One axis: its sizes, and the factor that coordinates are computed with. */
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

/** Null where neither factors nor sizes are known. */
function resizedAxes(node: Node, shape: Shape, { scales, sizes }: Target): Resized[] | null {
  const given = node.ints("axes");
  const axes =
    given === undefined ? allAxes(shape.length) : given.map((axis) => normalizeAxes([axis], shape.length)[0]);
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

/** The maps of the axes that change. */
function mapsOf(node: Node, axes: readonly Resized[]): AxisMap[] {
  return axes.flatMap(({ inSize, outSize, scale }, axis) => {
    if (scale === 1 && inSize === outSize) return [];
    if (typeof inSize !== "number" || typeof outSize !== "number" || scale === null)
      throw unknownSize(node, 0, `the size of axis ${axis}`);
    const map = interpolation(axis, outSize, inSize, scale, samplingOf(node));
    if (map === null)
      throw new BlindspotError({
        code: "E_OP_UNSUPPORTED",
        subject: node.describe(),
        expected: "a coordinate transformation other than crops",
        got: samplingOf(node).coordinates,
      });
    return [map];
  });
}

function evaluateResize(inputs: readonly (Reference | null)[], node: Node): readonly Reference[] {
  const x = inputs[0]!;
  const scales = inputs[2];
  const target: Target =
    scales && scales.data.length > 0
      ? { scales: Array.from(scales.data), sizes: null }
      : { scales: null, sizes: Array.from(inputs[3]!.data) };
  return [applyMaps(x, mapsOf(node, resizedAxes(node, x.dims, target)!))];
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
  const dx = emitTransposedMaps(op, cotangents[0]!, shape.length, mapsOf(node, axes), sizeOfOutput);
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
    { inputs: [[1, 2, 5], null, numbers(1, 1, 1.5)], attributes: { mode: "linear" } },
  ],
});

export const resizeOperators: readonly OpDefinition[] = [resize];
