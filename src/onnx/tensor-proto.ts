import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BlindspotError, type Problem } from "../base/errors.ts";
import {
  arrayType,
  bytesPerElement,
  type DType,
  type NumericData,
  type NumericDType,
  type Tensor,
} from "../tensor/tensor.ts";
import { DEFAULT_LIMITS, scanWire } from "./limits.ts";
import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType, TensorProtoSchema } from "./onnx.gen.ts";

const DTYPES: Readonly<Partial<Record<TensorProto_DataType, DType>>> = {
  [TensorProto_DataType.FLOAT]: "float32",
  [TensorProto_DataType.UINT8]: "uint8",
  [TensorProto_DataType.INT8]: "int8",
  [TensorProto_DataType.UINT16]: "uint16",
  [TensorProto_DataType.INT16]: "int16",
  [TensorProto_DataType.INT32]: "int32",
  [TensorProto_DataType.INT64]: "int64",
  [TensorProto_DataType.STRING]: "string",
  [TensorProto_DataType.BOOL]: "bool",
  [TensorProto_DataType.FLOAT16]: "float16",
  [TensorProto_DataType.DOUBLE]: "float64",
  [TensorProto_DataType.UINT32]: "uint32",
  [TensorProto_DataType.UINT64]: "uint64",
  [TensorProto_DataType.BFLOAT16]: "bfloat16",
};

const CODES = new Map(Object.entries(DTYPES).map(([code, dtype]) => [dtype, Number(code) as TensorProto_DataType]));

/** The element type of an ONNX code, or undefined for those without an array behind them (int4, float8, complex). */
export function dtypeFromCode(code: number): DType | undefined {
  return DTYPES[code as TensorProto_DataType];
}

export function codeFromDtype(dtype: DType): TensorProto_DataType {
  return CODES.get(dtype)!;
}

/** `INT4`, or the number where ONNX has no name for it. */
export function nameOfCode(code: number): string {
  return TensorProto_DataType[code] ?? `element type ${code}`;
}

/** The typed field that holds a dtype's elements where `raw_data` doesn't (comments of TensorProto in onnx.proto). */
function typedField(proto: TensorProto, dtype: NumericDType): readonly (number | bigint)[] {
  if (dtype === "float32") return proto.floatData;
  if (dtype === "float64") return proto.doubleData;
  if (dtype === "int64") return proto.int64Data;
  if (dtype === "uint64" || dtype === "uint32") return proto.uint64Data;
  return proto.int32Data;
}

/** Dims as numbers and their product, or the reason why they can't be. */
function readDims(proto: TensorProto): { dims: number[]; count: number } | string {
  const dims = proto.dims.map(Number);
  const bad = dims.find((dim) => dim < 0 || !Number.isSafeInteger(dim));
  if (bad !== undefined) return `a dimension of ${bad}`;
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Number.isSafeInteger(count) ? { dims, count } : `dims [${dims}], more elements than memory can hold`;
}

/** A typed view of bytes: no copy where they are aligned for the element type. (`slice` of a Buffer would be a view again.) */
export function viewBytes(dtype: NumericDType, bytes: Uint8Array, count: number): NumericData {
  const size = bytesPerElement(dtype);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const Type = arrayType(dtype) as new (buffer: ArrayBufferLike, offset: number, length: number) => NumericData;
  return new Type(aligned.buffer, aligned.byteOffset, count);
}

/**
 * The tensor in a TensorProto, without copying aligned `raw_data`. Sizes are checked against the data before anything is allocated.
 *
 * @param subject Name for error messages, in place of the tensor's own.
 * @returns The tensor, or the problem: callers that read many collect them.
 */
export function tensorFromProto(proto: TensorProto, subject = `tensor '${proto.name}'`): Tensor | Problem {
  const problem = (code: string, got: string, expected?: string, hint?: string): Problem => ({
    code,
    subject,
    got,
    ...(expected === undefined ? {} : { expected }),
    ...(hint === undefined ? {} : { hint }),
  });
  const dtype = dtypeFromCode(proto.dataType);
  if (dtype === undefined)
    return problem(
      "E_ONNX_DTYPE",
      nameOfCode(proto.dataType),
      "float, integer, bool or string elements of 8 bits and more",
    );
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL)
    return problem("E_ONNX_EXTERNAL_DATA", "data in another file", "data in the model", "Load the model by its path");
  if (proto.segment !== undefined) return problem("E_ONNX_SEGMENT", "a tensor in segments", "a whole tensor");
  const shape = readDims(proto);
  if (typeof shape === "string") return problem("E_ONNX_TENSOR_SIZE", shape, "dims that fit the data");
  const { dims, count } = shape;
  const sizeLies = (got: number, unit: string, expected: number): Problem =>
    problem("E_ONNX_TENSOR_SIZE", `${got} ${unit}`, `${expected} ${unit} for dims [${dims}] of ${dtype}`);

  if (dtype === "string") {
    if (proto.stringData.length !== count) return sizeLies(proto.stringData.length, "strings", count);
    const utf8 = new TextDecoder();
    return { dtype, dims, data: proto.stringData.map((bytes) => utf8.decode(bytes)) };
  }
  const raw = proto.rawData;
  const typed = typedField(proto, dtype);
  if (raw.length > 0 || typed.length === 0) {
    const bytes = count * bytesPerElement(dtype);
    if (raw.length !== bytes) return sizeLies(raw.length, "bytes", bytes);
    return { dtype, dims, data: viewBytes(dtype, raw, count) };
  }
  if (typed.length !== count) return sizeLies(typed.length, "elements", count);
  const Type = arrayType(dtype) as unknown as { from(items: readonly (number | bigint)[]): NumericData };
  return { dtype, dims, data: Type.from(dtype === "uint32" ? typed.map(Number) : typed) };
}

export function isProblem(result: Tensor | Problem): result is Problem {
  return "code" in result;
}

/** As a TensorProto that shares the tensor's memory. */
export function tensorToProto(tensor: Tensor, name = ""): TensorProto {
  const proto = create(TensorProtoSchema, { dims: tensor.dims.map(BigInt), dataType: codeFromDtype(tensor.dtype) });
  if (name !== "") proto.name = name;
  if (tensor.dtype === "string") {
    const utf8 = new TextEncoder();
    proto.stringData = (tensor.data as readonly string[]).map((text) => utf8.encode(text));
  } else {
    const { buffer, byteOffset, byteLength } = tensor.data as NumericData;
    proto.rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  }
  return proto;
}

/** Decodes a file that holds one TensorProto, as the ONNX node tests keep their inputs and outputs. */
export function decodeTensor(bytes: Uint8Array, label = "the tensor file"): Tensor {
  scanWire(bytes, TensorProtoSchema, label, DEFAULT_LIMITS);
  const result = tensorFromProto(fromBinary(TensorProtoSchema, bytes), label);
  if (isProblem(result)) throw new BlindspotError(result);
  return result;
}

export function encodeTensor(tensor: Tensor, name = ""): Uint8Array {
  return toBinary(TensorProtoSchema, tensorToProto(tensor, name));
}
