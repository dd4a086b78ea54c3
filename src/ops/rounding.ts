import { BlindspotError } from "../base/errors.ts";
import type { Node } from "../graph/ir.ts";
import type { DType } from "../tensor/tensor.ts";

/** Half to even, as IEEE 754 rounds. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const RANGES: Partial<Record<DType, readonly [low: number, high: number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
};

export function rangeOf(dtype: DType, node: Node): readonly [number, number] {
  const range = RANGES[dtype];
  if (range !== undefined) return range;
  throw new BlindspotError({
    code: "E_OP_TYPE",
    subject: node.describe(),
    expected: `quantization to one of ${Object.keys(RANGES).join(", ")}`,
    got: dtype,
  });
}

/** How many steps of the scale a value is, as float32 runtimes divide: in float64, ties such as 127.5 would round the other way. */
function steps(value: number, scale: number): number {
  return Math.fround(value / Math.fround(scale));
}

export function clamp(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(Math.max(value, low), high);
}

/** The integer of this range that stands for a value: clamp(round(value / scale) + zero point). */
export function quantizedTo(range: readonly [number, number], value: number, scale: number, zeroPoint: number): number {
  return clamp(roundHalfEven(steps(value, scale)) + zeroPoint, range);
}
