import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type DType, tensor } from "../tensor/tensor.ts";
import {
  TensorProto_DataLocation as Location,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataType as Type,
} from "./onnx.gen.ts";
import { decodeTensor, encodeTensor, isProblem, tensorFromProto } from "./tensor-proto.ts";

type Init = NonNullable<Parameters<typeof create<typeof TensorProtoSchema>>[1]>;
const proto = (init: Init): TensorProto => create(TensorProtoSchema, init);

const ROUND_TRIPS = [
  tensor("float32", [2, 2], Float32Array.of(0, -0, Number.NaN, 1e-45)),
  tensor("float64", [2], Float64Array.of(Math.PI, -1)),
  tensor("float16", [2], Uint16Array.of(0x3c00, 0xfc00)),
  tensor("bfloat16", [1], Uint16Array.of(0x3f80)),
  tensor("int8", [3], Int8Array.of(-128, 0, 127)),
  tensor("int16", [1], Int16Array.of(-32768)),
  tensor("int32", [], Int32Array.of(-5)),
  tensor("int64", [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
  tensor("uint8", [0, 3], new Uint8Array(0)),
  tensor("uint16", [1], Uint16Array.of(65535)),
  tensor("uint32", [1], Uint32Array.of(2 ** 32 - 1)),
  tensor("uint64", [1], BigUint64Array.of(2n ** 64n - 1n)),
  tensor("bool", [2], Uint8Array.of(0, 1)),
  tensor("string", [2], ["", "Grüße"]),
];

test.each(ROUND_TRIPS)("$dtype $dims goes out and in", (value) => {
  expect(decodeTensor(encodeTensor(value, "name"))).toEqual(value);
});

test("a tensor shares the memory of its message where that is aligned", () => {
  const buffer = new ArrayBuffer(16);
  const aligned = tensorFromProto(proto({ dataType: Type.FLOAT, dims: [2n], rawData: new Uint8Array(buffer, 4, 8) }));
  expect(isProblem(aligned) || (aligned.data as Float32Array).buffer).toBe(buffer);
  const odd = tensorFromProto(proto({ dataType: Type.FLOAT, dims: [2n], rawData: new Uint8Array(buffer, 3, 8) }));
  expect(isProblem(odd) || (odd.data as Float32Array).buffer).not.toBe(buffer);
  // Node's Buffer is a Uint8Array with a `slice` that doesn't copy.
  const fromBuffer = tensorFromProto(
    proto({
      dataType: Type.FLOAT,
      dims: [2n],
      rawData: Buffer.from(buffer, 3, 8) as unknown as Uint8Array<ArrayBuffer>,
    }),
  );
  expect(isProblem(fromBuffer)).toBe(false);
});

describe("elements in typed fields", () => {
  const cases: { type: Type; dtype: DType; init: Init; elements: (number | bigint | string)[] }[] = [
    { type: Type.FLOAT, dtype: "float32", init: { floatData: [1.5] }, elements: [1.5] },
    { type: Type.DOUBLE, dtype: "float64", init: { doubleData: [1.5] }, elements: [1.5] },
    { type: Type.FLOAT16, dtype: "float16", init: { int32Data: [0x3c00] }, elements: [0x3c00] },
    { type: Type.INT8, dtype: "int8", init: { int32Data: [-3] }, elements: [-3] },
    { type: Type.UINT8, dtype: "uint8", init: { int32Data: [200] }, elements: [200] },
    { type: Type.BOOL, dtype: "bool", init: { int32Data: [1] }, elements: [1] },
    { type: Type.INT32, dtype: "int32", init: { int32Data: [-7] }, elements: [-7] },
    { type: Type.INT64, dtype: "int64", init: { int64Data: [-7n] }, elements: [-7n] },
    { type: Type.UINT32, dtype: "uint32", init: { uint64Data: [2n ** 32n - 1n] }, elements: [2 ** 32 - 1] },
    { type: Type.UINT64, dtype: "uint64", init: { uint64Data: [2n ** 64n - 1n] }, elements: [2n ** 64n - 1n] },
    { type: Type.STRING, dtype: "string", init: { stringData: [new TextEncoder().encode("a")] }, elements: ["a"] },
  ];
  test.each(cases)("$dtype", ({ type, dtype, init, elements }) => {
    const read = tensorFromProto(proto({ dataType: type, dims: [1n], ...init }));
    if (isProblem(read)) throw new Error(read.code);
    expect([read.dtype, Array.from(read.data as ArrayLike<unknown>)]).toEqual([dtype, elements]);
  });
});

describe("what is refused", () => {
  const raw = new Uint8Array(8);
  test.each([
    {
      what: "data shorter than dims",
      init: { dataType: Type.FLOAT, dims: [3n], rawData: raw },
      code: "E_ONNX_TENSOR_SIZE",
    },
    {
      what: "data longer than dims",
      init: { dataType: Type.FLOAT, dims: [1n], rawData: raw },
      code: "E_ONNX_TENSOR_SIZE",
    },
    { what: "no data", init: { dataType: Type.FLOAT, dims: [3n] }, code: "E_ONNX_TENSOR_SIZE" },
    {
      what: "typed data that is short",
      init: { dataType: Type.FLOAT, dims: [3n], floatData: [1] },
      code: "E_ONNX_TENSOR_SIZE",
    },
    { what: "strings that are short", init: { dataType: Type.STRING, dims: [2n] }, code: "E_ONNX_TENSOR_SIZE" },
    {
      what: "a terabyte in dims",
      init: { dataType: Type.FLOAT, dims: [1n << 40n], rawData: raw },
      code: "E_ONNX_TENSOR_SIZE",
    },
    {
      what: "dims beyond 2^53",
      init: { dataType: Type.FLOAT, dims: [1n << 40n, 1n << 40n], rawData: raw },
      code: "E_ONNX_TENSOR_SIZE",
    },
    {
      what: "a negative dim",
      init: { dataType: Type.FLOAT, dims: [-1n, -2n], rawData: raw },
      code: "E_ONNX_TENSOR_SIZE",
    },
    { what: "int4", init: { dataType: Type.INT4, dims: [2n], rawData: raw }, code: "E_ONNX_DTYPE", got: "INT4" },
    {
      what: "float8",
      init: { dataType: Type.FLOAT8E4M3FN, dims: [2n], rawData: raw },
      code: "E_ONNX_DTYPE",
      got: "FLOAT8E4M3FN",
    },
    {
      what: "a type of the future",
      init: { dataType: 99, dims: [2n], rawData: raw },
      code: "E_ONNX_DTYPE",
      got: "element type 99",
    },
    {
      what: "external data",
      init: { dataType: Type.FLOAT, dims: [2n], dataLocation: Location.EXTERNAL },
      code: "E_ONNX_EXTERNAL_DATA",
    },
    { what: "segments", init: { dataType: Type.FLOAT, dims: [2n], segment: {}, rawData: raw }, code: "E_ONNX_SEGMENT" },
  ])("$what", ({ init, code, got }) => {
    expect(tensorFromProto(proto(init))).toMatchObject({ code, ...(got === undefined ? {} : { got }) });
  });
});
