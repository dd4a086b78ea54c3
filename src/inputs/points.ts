import { BlindspotError } from "../base/errors.ts";
import { readNpy } from "../tensor/npy.ts";

/** How far 255 v may be from a whole number and v still count as an 8-bit value: float32 rounding is 1e-5 there. */
const GRID_TOLERANCE = 1e-3;

/** What is wrong with a point, or null. `eightBit`: every value must be k/255. */
export function pointProblem(point: Float32Array, size: number, eightBit: boolean): string | null {
  if (point.length !== size) return `${point.length} values where ${size} are expected`;
  for (let i = 0; i < size; i++) {
    const value = point[i]!;
    if (Number.isNaN(value)) return `value ${i} is NaN`;
    if (value < 0 || value > 1) return `value ${i} is ${value}, outside 0..1`;
    if (eightBit && Math.abs(value * 255 - Math.round(value * 255)) > GRID_TOLERANCE)
      return `value ${i} is ${value}, which 8 bits can't hold`;
  }
  return null;
}

export function requirePoint(problem: string | null, modality: string): void {
  if (problem !== null) throw new BlindspotError({ code: "E_INPUT_VALUE", subject: `${modality} input`, got: problem });
}

// Plain loops: `TypedArray.from` with a function is tens of times as slow, and every sample passes through here.

/** Grey levels 0..255 of a point in 0..1. */
export function toLevels(point: Float32Array): Uint8Array<ArrayBuffer> {
  const levels = new Uint8Array(point.length);
  for (let i = 0; i < point.length; i++) levels[i] = Math.round(point[i]! * 255);
  return levels;
}

/** The point of 8-bit levels: k/255 as float32. */
export function fromLevels(levels: Uint8Array): Float32Array {
  const point = new Float32Array(levels.length);
  for (let i = 0; i < levels.length; i++) point[i] = levels[i]! / 255;
  return point;
}

/** Identity of an input (see CONTRACTS, Corpus): a line that says what the bytes are, then the bytes. */
export function withHeader(header: string, body: Uint8Array): Uint8Array {
  const line = new TextEncoder().encode(`${header}\n`);
  const bytes = new Uint8Array(line.length + body.length);
  bytes.set(line);
  bytes.set(body, line.length);
  return bytes;
}

/** Little-endian float32 with -0 as 0. */
export function floatBytes(point: Float32Array): Uint8Array {
  // Adding 0 turns -0 into 0 and leaves every other number as it is.
  const values = Float32Array.from(point, (value) => value + 0);
  return new Uint8Array(values.buffer);
}

/** The float32 array of an .npy file, whose dims must be these. */
export function floatArray(bytes: Uint8Array, dims: readonly number[], subject: string): Float32Array {
  const value = readNpy(bytes, subject);
  if (value.dtype !== "float32")
    throw new BlindspotError({ code: "E_INPUT_TYPE", subject, expected: "float32", got: value.dtype });
  if (value.dims.length !== dims.length || value.dims.some((dim, i) => dim !== dims[i]))
    throw shapeError(subject, dims, value.dims);
  return value.data as Float32Array;
}

export function shapeError(subject: string, expected: readonly number[], got: readonly number[]): BlindspotError {
  return new BlindspotError({ code: "E_INPUT_SHAPE", subject, expected: expected.join("x"), got: got.join("x") });
}
