import { create } from "@bufbuild/protobuf";
import { encodeModel } from "../onnx/codec.ts";
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../onnx/onnx.gen.ts";
import { tensorToProto } from "../onnx/tensor-proto.ts";
import { attributeToProto } from "./attributes.ts";
import type { Attribute, Graph, Model, Node, Value } from "./ir.ts";
import { assignNames } from "./names.ts";
import { type NodeSource, normalDomain, type ValueSource } from "./read.ts";
import { sameType, typeFromProto, typeToProto } from "./types.ts";
import { verifyModel } from "./verify.ts";

/** Weights are no longer listed as inputs from this IR version on. */
const IR_WITHOUT_WEIGHT_INPUTS = 4;

/** A copy that shares members: protobuf messages keep defaults on their prototype, so spreading would lose them. */
function copyMessage<Message extends object>(message: Message): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message);
}

type Names = ReadonlyMap<Value, string>;

/**
 * The bytes of an .onnx file. Starts from what was read, so unknown fields, doc strings and annotations survive. Inputs, outputs and
 * weights keep their names; inner values get a suffix where theirs are taken.
 *
 * @throws BlindspotError with every structural problem of the model (see `verifyModel`), or E_ONNX_TOO_LARGE.
 */
export function writeModel(model: Model): Uint8Array {
  return encodeModel(modelToProto(model));
}

export function modelToProto(model: Model): ModelProto {
  verifyModel(model);
  const source = model.source as ModelProto | null;
  const proto = source === null ? create(ModelProtoSchema) : copyMessage(source);
  proto.irVersion = BigInt(Math.max(model.irVersion, IR_WITHOUT_WEIGHT_INPUTS));
  if (model.producer !== proto.producerName) proto.producerName = model.producer;
  const imports = new Map(source?.opsetImport.map((entry) => [normalDomain(entry.domain), entry]));
  proto.opsetImport = [...model.opsets].map(([domain, version]) => {
    const entry = imports.get(domain);
    const copy = entry === undefined ? create(OperatorSetIdProtoSchema, { domain }) : copyMessage(entry);
    copy.version = BigInt(version);
    return copy;
  });
  const entries = new Map(source?.metadataProps.map((entry) => [entry.key, entry]));
  proto.metadataProps = [...model.metadata].map(([key, value]) => {
    const entry = entries.get(key);
    return entry?.value === value ? entry : create(StringStringEntryProtoSchema, { key, value });
  });
  proto.functions = [...model.functions.values()] as FunctionProto[];
  proto.graph = graphToProto(model.graph, assignNames(model.graph));
  return proto;
}

function graphToProto(graph: Graph, names: Names): GraphProto {
  const source = graph.source as GraphProto | null;
  const proto = source === null ? create(GraphProtoSchema) : copyMessage(source);
  proto.name = graph.name;
  proto.input = graph.inputs.map((value) => infoToProto(value, names));
  proto.output = graph.outputs.map((value) => infoToProto(value, names));
  proto.initializer = graph.initializers.map((value) => weightToProto(value, names.get(value)!));
  proto.node = graph.nodes.map((node) => nodeToProto(node, names));
  // Types of inner values are written only where the file gave them: a runtime infers the rest, and better than we could contradict it.
  const outputs = new Set(graph.outputs);
  proto.valueInfo = graph.nodes
    .flatMap((node) => node.outputs)
    .filter(
      (value) => (value.source as ValueSource | null)?.info !== undefined && names.has(value) && !outputs.has(value),
    )
    .map((value) => infoToProto(value, names));
  return proto;
}

function infoToProto(value: Value, names: Names): ValueInfoProto {
  const info = (value.source as ValueSource | null)?.info;
  const proto = info === undefined ? create(ValueInfoProtoSchema) : copyMessage(info);
  proto.name = names.get(value)!;
  // An unchanged type is written verbatim: it may say more (denotations, sequences) than the IR does.
  if (info === undefined || !sameType(typeFromProto(info.type), value)) {
    const type = typeToProto(value);
    if (type === undefined) delete proto.type;
    else proto.type = type;
  }
  return proto;
}

function weightToProto(value: Value, name: string): TensorProto {
  const source = value.source as ValueSource | null;
  const unchanged = source?.tensor !== undefined && source.constant === value.constant;
  if (unchanged && source.tensor!.name === name) return source.tensor!;
  const proto = unchanged ? copyMessage(source.tensor!) : tensorToProto(value.constant!);
  if (!unchanged && source?.tensor !== undefined) {
    proto.docString = source.tensor.docString;
    proto.metadataProps = source.tensor.metadataProps;
  }
  proto.name = name;
  return proto;
}

function nodeToProto(node: Node, names: Names): NodeProto {
  const source = node.source as NodeSource | null;
  const proto = source === null ? create(NodeProtoSchema) : copyMessage(source.proto);
  proto.opType = node.op;
  if (node.domain !== normalDomain(proto.domain)) proto.domain = node.domain;
  if (node.name !== proto.name) proto.name = node.name;
  proto.input = node.inputs.map((input) => (input === null ? "" : names.get(input)!));
  proto.output = node.outputs.map((output) => names.get(output) ?? "");
  proto.attribute = [...node.attributes].map(([name, attribute]) => attributeProto(name, attribute, source, names));
  return proto;
}

function attributeProto(name: string, attribute: Attribute, source: NodeSource | null, names: Names): AttributeProto {
  const original = source?.attributes.get(attribute);
  if (original === undefined || original.name !== name)
    return attributeToProto(name, attribute, (graph) => graphToProto(graph, names));
  if (attribute.type !== "graph") return original;
  const proto = copyMessage(original);
  proto.g = graphToProto(attribute.value, names);
  return proto;
}
