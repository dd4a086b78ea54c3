import type { InputRange } from "../data/index.ts";
import type { LoadClassifierOptions } from "../models/index.ts";

type Box = readonly [number, number];
/** What `--input-range` says: one box for all values, or one for each feature of a vector. */
export type Ranges = Box | readonly Box[];

export const UNIT: Ranges = [0, 1];

function boxesOf(ranges: Ranges): readonly Box[] {
  return typeof ranges[0] === "number" ? [ranges as Box] : (ranges as readonly Box[]);
}

/** For the source of the data. */
export function dataRange(ranges: Ranges): InputRange {
  const boxes = boxesOf(ranges);
  if (boxes.length === 1) return { low: boxes[0]![0], high: boxes[0]![1] };
  return { low: boxes.map(([low]) => low), high: boxes.map(([, high]) => high) };
}

/** For the model. */
export function modelRange(ranges: Ranges): Pick<LoadClassifierOptions, "inputRange" | "features"> {
  const boxes = boxesOf(ranges);
  return boxes.length === 1 ? { inputRange: boxes[0]! } : { features: boxes.map(([low, high]) => ({ low, high })) };
}

/** A point of attack space (0..1) in the user's own units: what a file must hold to be read as this point. */
export function toUserUnits(point: Float32Array, ranges: Ranges): Float64Array {
  const boxes = boxesOf(ranges);
  return Float64Array.from(point, (x, i) => {
    const [low, high] = boxes[i % boxes.length]!;
    // Rounding must not leave the box.
    return Math.min(high, Math.max(low, low + (high - low) * x));
  });
}

/** As typed: `0..255`, or `0..1,0..10`. */
export function rangesText(ranges: Ranges): string {
  return boxesOf(ranges)
    .map(([low, high]) => `${low}..${high}`)
    .join(",");
}
