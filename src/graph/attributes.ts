import { create } from "@bufbuild/protobuf";
import type { Problem } from "../base/errors.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
} from "../onnx/onnx.gen.ts";
import { isProblem, tensorFromProto, tensorToProto } from "../onnx/tensor-proto.ts";
import type { Attribute, Graph } from "./ir.ts";

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Attributes are used as JavaScript numbers: int64 beyond 2^53 (the "to the end" of old Slices) is clamped. */
function toNumber(value: bigint): number {
  return Number(value > SAFE ? SAFE : value < -SAFE ? -SAFE : value);
}

/** Files of early IR versions leave `type` out: then the field that is set tells. */
function kindOf(proto: AttributeProto): Kind {
  if (proto.type !== Kind.UNDEFINED) return proto.type;
  if (Object.hasOwn(proto, "f")) return Kind.FLOAT;
  if (Object.hasOwn(proto, "i")) return Kind.INT;
  if (Object.hasOwn(proto, "s")) return Kind.STRING;
  if (proto.t !== undefined) return Kind.TENSOR;
  if (proto.g !== undefined) return Kind.GRAPH;
  if (proto.floats.length > 0) return Kind.FLOATS;
  if (proto.ints.length > 0) return Kind.INTS;
  return proto.strings.length > 0 ? Kind.STRINGS : Kind.UNDEFINED;
}

/** @param readGraph Reads a subgraph in the scope of the node. */
export function attributeFromProto(
  proto: AttributeProto,
  subject: string,
  readGraph: (graph: GraphProto) => Graph,
): Attribute | Problem {
  // A reference to an attribute of the function around it: the type is given, the value isn't.
  if (proto.refAttrName !== "") return { type: "opaque", value: proto };
  const utf8 = new TextDecoder();
  switch (kindOf(proto)) {
    case Kind.INT:
      return { type: "int", value: toNumber(proto.i) };
    case Kind.FLOAT:
      return { type: "float", value: proto.f };
    case Kind.STRING:
      return { type: "string", value: utf8.decode(proto.s) };
    case Kind.INTS:
      return { type: "ints", value: proto.ints.map(toNumber) };
    case Kind.FLOATS:
      return { type: "floats", value: proto.floats };
    case Kind.STRINGS:
      return { type: "strings", value: proto.strings.map((bytes) => utf8.decode(bytes)) };
    case Kind.TENSOR: {
      if (proto.t === undefined) break;
      const tensor = tensorFromProto(proto.t, `${subject}, attribute '${proto.name}'`);
      return isProblem(tensor) ? tensor : { type: "tensor", value: tensor };
    }
    case Kind.GRAPH:
      if (proto.g === undefined) break;
      return { type: "graph", value: readGraph(proto.g) };
  }
  return { type: "opaque", value: proto };
}

/** @param writeGraph Writes a subgraph with the names given to values. */
export function attributeToProto(
  name: string,
  attribute: Attribute,
  writeGraph: (graph: Graph) => GraphProto,
): AttributeProto {
  const utf8 = new TextEncoder();
  switch (attribute.type) {
    case "int":
      return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(attribute.value) });
    case "float":
      return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: attribute.value });
    case "string":
      return create(AttributeProtoSchema, { name, type: Kind.STRING, s: utf8.encode(attribute.value) });
    case "ints":
      return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: attribute.value.map(BigInt) });
    case "floats":
      return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...attribute.value] });
    case "strings":
      return create(AttributeProtoSchema, {
        name,
        type: Kind.STRINGS,
        strings: attribute.value.map((text) => utf8.encode(text)),
      });
    case "tensor":
      return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: tensorToProto(attribute.value) });
    case "graph":
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: writeGraph(attribute.value) });
    case "opaque":
      return attribute.value as AttributeProto;
  }
}
