import { create } from "@bufbuild/protobuf";
import { type TypeProto, TypeProtoSchema } from "../onnx/onnx.gen.ts";
import { codeFromDtype, dtypeFromCode } from "../onnx/tensor-proto.ts";
import type { Dim, Shape, ValueType } from "./ir.ts";

/** Sequences, maps and other types without one tensor behind them read as unknown. */
export function typeFromProto(type: TypeProto | undefined): ValueType {
  if (type?.value.case !== "tensorType") return { dtype: null, shape: null };
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map(({ value }): Dim => {
    if (value.case === "dimValue") return value.value >= 0n ? Number(value.value) : null;
    return value.case === "dimParam" && value.value !== "" ? value.value : null;
  });
  return { dtype: dtypeFromCode(elemType) ?? null, shape: dims ?? null };
}

export function typeToProto(type: ValueType): TypeProto | undefined {
  if (type.dtype === null) return undefined;
  const tensorType = {
    elemType: codeFromDtype(type.dtype),
    ...(type.shape === null ? {} : { shape: shapeInit(type.shape) }),
  };
  return create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } } as Parameters<
    typeof create<typeof TypeProtoSchema>
  >[1]);
}

function shapeInit(shape: Shape) {
  return {
    dim: shape.map((dim) => {
      if (dim === null) return {};
      if (typeof dim === "string") return { value: { case: "dimParam" as const, value: dim } };
      return { value: { case: "dimValue" as const, value: BigInt(dim) } };
    }),
  };
}

/** Whether two types say the same. */
export function sameType(a: ValueType, b: ValueType): boolean {
  if (a.dtype !== b.dtype || (a.shape === null) !== (b.shape === null)) return false;
  return a.shape === null || (a.shape.length === b.shape!.length && a.shape.every((dim, i) => dim === b.shape![i]));
}
