import type { Dim, Node, Shape } from "../graph/ir.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { forEachIndex } from "./axes.ts";
import { shapeError } from "./dims.ts";

/** Windows that slide over the spatial axes: what convolutions and pools have in common. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after each spatial axis. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** How far a dilated kernel reaches beyond its first element. */
export function reach(windows: Windows, axis: number): number {
  return windows.dilations[axis] * (windows.kernel[axis] - 1);
}

/** The same number for each axis, unless the attribute says otherwise. */
function perAxis(node: Node, attribute: string, axes: number, fallback: number): readonly number[] {
  const given = node.ints(attribute);
  if (given === undefined) return new Array<number>(axes).fill(fallback);
  if (given.length !== axes)
    throw shapeError(node, `attribute ${attribute}`, `${axes} numbers (one for each spatial axis)`, `[${given}]`);
  return given;
}

/**
 * The windows of a node. `sizes` are the spatial sizes of its input: automatic padding depends on them where the stride isn't 1.
 * Null where it does and they aren't known.
 */
export function windowsOf(node: Node, kernel: readonly number[], sizes: Shape): Windows | null {
  const axes = kernel.length;
  const strides = perAxis(node, "strides", axes, 1);
  const dilations = perAxis(node, "dilations", axes, 1);
  const auto = node.string("auto_pad", "NOTSET");
  if (auto === "NOTSET" || auto === "VALID") {
    const pads = auto === "VALID" ? undefined : node.ints("pads");
    if (pads !== undefined && pads.length !== 2 * axes)
      throw shapeError(node, "attribute pads", `${2 * axes} numbers (begins, then ends)`, `[${pads}]`);
    const padding = pads ?? new Array<number>(2 * axes).fill(0);
    return { kernel, strides, dilations, begins: padding.slice(0, axes), ends: padding.slice(axes) };
  }
  const totals = kernel.map((size, axis) => samePadding(sizes[axis], size, strides[axis], dilations[axis]));
  if (totals.includes(null)) return null;
  // An odd total puts the extra element at the end (SAME_UPPER) or at the beginning (SAME_LOWER).
  const smaller = totals.map((total) => Math.floor(total! / 2));
  const larger = totals.map((total) => Math.ceil(total! / 2));
  const upper = auto === "SAME_UPPER";
  return { kernel, strides, dilations, begins: upper ? smaller : larger, ends: upper ? larger : smaller };
}

/** The padding with which the output has ceil(size / stride) elements. */
function samePadding(size: Dim, kernel: number, stride: number, dilation: number): number | null {
  const span = dilation * (kernel - 1) + 1;
  if (stride === 1) return span - 1;
  if (typeof size !== "number") return null;
  return Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0);
}

/**
 * Number of windows along each spatial axis. A name survives where the size doesn't change. With `ceil` a last window may hang over
 * the end, but must not begin in the padding behind it.
 */
export function countWindows(node: Node, sizes: Shape, windows: Windows, ceil = false): Shape {
  return sizes.map((size, axis) => {
    const { strides, begins, ends } = windows;
    const free = begins[axis] + ends[axis] - reach(windows, axis) - 1;
    if (typeof size !== "number") return strides[axis] === 1 && free === -1 ? size : null;
    const steps = (size + free) / strides[axis];
    if (steps < 0)
      throw shapeError(
        node,
        `spatial axis ${axis}`,
        `at least ${reach(windows, axis) + 1} elements (with padding)`,
        `${size + begins[axis] + ends[axis]}`,
      );
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    const beginsBehind = (count - 1) * strides[axis] >= size + begins[axis];
    return ceil && beginsBehind ? count - 1 : count;
  });
}

/**
 * Where the elements of each window lie: entry `window * kernelSize + k` is the flat spatial index of its k-th element, or -1 in the
 * padding. `sizes` are the spatial sizes of the input, `counts` the number of windows.
 */
export function windowTable(sizes: readonly number[], counts: readonly number[], windows: Windows): Int32Array {
  const kernelSize = sizeOf(windows.kernel);
  const table = new Int32Array(sizeOf(counts) * kernelSize);
  forEachIndex(counts, (window, w) => {
    forEachIndex(windows.kernel, (offset, k) => {
      let flat = 0;
      for (let axis = 0; axis < sizes.length; axis++) {
        const at = window[axis] * windows.strides[axis] + offset[axis] * windows.dilations[axis] - windows.begins[axis];
        if (at < 0 || at >= sizes[axis]) {
          flat = -1;
          break;
        }
        flat = flat * sizes[axis] + at;
      }
      table[w * kernelSize + k] = flat;
    });
  });
  return table;
}
