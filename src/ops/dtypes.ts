import type { OpBuilder } from "../graph/builder.ts";
import { isKnown, type Value } from "../graph/ir.ts";
import { type DType, int64Vector, isFloat, type Tensor } from "../tensor/tensor.ts";
import type { Reference } from "./define.ts";

/** TensorProto.DataType of onnx.proto: what `Cast`'s attribute `to` means. */
const CODES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};
const DTYPES = new Map(Object.entries(CODES).map(([dtype, code]) => [code, dtype as DType]));

export function dtypeCode(dtype: DType): number {
  return CODES[dtype];
}

/** Null for types without an array behind them (float8, 4-bit, complex). */
export function dtypeOfCode(code: number): DType | null {
  return DTYPES.get(code) ?? null;
}

/** How the reference interpreter stores a type: all floats are float64. */
export function storedAs(dtype: DType): DType {
  return isFloat(dtype) ? "float64" : dtype;
}

const WRAPPING = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const;

/** Elements as ONNX would hold them in this type: floats as they are, integers truncated toward zero and wrapped, booleans 0 or 1. */
export function convert(ref: Reference, to: DType): Reference {
  const dtype = storedAs(to);
  if (dtype === "float64") return { ...ref, dtype };
  if (dtype === "bool") return { dtype, dims: ref.dims, data: ref.data.map((value) => (value === 0 ? 0 : 1)) };
  const array = WRAPPING[dtype as keyof typeof WRAPPING];
  const data = array === undefined ? ref.data.map(Math.trunc) : Float64Array.from(array.from(ref.data));
  return { dtype, dims: ref.dims, data };
}

/** IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function bfloatToNumber(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0];
}

/** A tensor (not of strings) as the reference interpreter holds it. */
export function referenceOf(value: Tensor): Reference {
  const decode = value.dtype === "float16" ? halfToNumber : value.dtype === "bfloat16" ? bfloatToNumber : Number;
  const data = Float64Array.from(value.data as ArrayLike<number>, decode);
  return { dtype: storedAs(value.dtype), dims: value.dims, data };
}

/** Appends a Cast to the element type of another value (float32 where it isn't known). */
export function castLike(op: OpBuilder, value: Value, like: Value): Value {
  return op.Cast(value, { to: dtypeCode(like.dtype ?? "float32") });
}

/** The shape of a value as an int64 operand: a constant where it is known, else computed at run time. */
export function shapeOf(op: OpBuilder, value: Value): Value {
  return isKnown(value.shape) ? op.constant(int64Vector(value.shape)) : op.Shape(value);
}
