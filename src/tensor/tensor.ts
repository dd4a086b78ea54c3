import { internalError } from "../base/errors.ts";

/** ONNX element types that have an array behind them. float16 and bfloat16 hold raw bits. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string";

export type NumericData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Row-major. `bool` is a Uint8Array of 0 and 1. */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: NumericData | readonly string[];
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export type NumericDType = keyof typeof ARRAYS;

export function arrayType(dtype: NumericDType): (typeof ARRAYS)[NumericDType] {
  return ARRAYS[dtype];
}

export function bytesPerElement(dtype: NumericDType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

export function isFloat(dtype: DType | null): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** Number of elements. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Checks that data and dims agree. */
export function tensor(dtype: DType, dims: readonly number[], data: Tensor["data"]): Tensor {
  if (data.length !== sizeOf(dims)) throw internalError(`tensor [${dims}] given ${data.length} elements`);
  return { dtype, dims, data };
}

export function float32(dims: readonly number[], data: ArrayLike<number>): Tensor {
  return tensor("float32", dims, data instanceof Float32Array ? data : Float32Array.from(data));
}

export function int64(dims: readonly number[], data: ArrayLike<number>): Tensor {
  return tensor("int64", dims, BigInt64Array.from(Array.from(data, (value) => BigInt(value))));
}

/** A one-dimensional int64 tensor: the form in which ONNX takes shapes, axes and pads. */
export function int64Vector(values: readonly number[]): Tensor {
  return int64([values.length], values);
}

export function scalar(dtype: NumericDType, value: number): Tensor {
  const big = dtype === "int64" || dtype === "uint64";
  const data = new (ARRAYS[dtype] as new (length: number) => NumericData)(1);
  (data as unknown as (number | bigint)[])[0] = big ? BigInt(value) : value;
  return tensor(dtype, [], data);
}

/** Elements as JavaScript numbers. 64-bit integers beyond 2^53 lose digits; strings are refused. */
export function toNumbers(value: Tensor): number[] {
  if (value.dtype === "string") throw internalError("numbers asked of a string tensor");
  if (value.dtype === "float16" || value.dtype === "bfloat16")
    throw internalError(`numbers asked of ${value.dtype} bits`);
  return Array.from(value.data as ArrayLike<number | bigint>, Number);
}

/** Strides of a row-major array, in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis]!;
  }
  return strides;
}
