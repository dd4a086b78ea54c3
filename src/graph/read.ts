import { BlindspotError, type Problem } from "../base/errors.ts";
import { type DecodeOptions, decodeModel } from "../onnx/codec.ts";
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from "../onnx/onnx.gen.ts";
import { isProblem, tensorFromProto } from "../onnx/tensor-proto.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { attributeFromProto } from "./attributes.ts";
import { type Attribute, Graph, Model, Node, Value } from "./ir.ts";
import { sortNodes } from "./sort.ts";
import { typeFromProto } from "./types.ts";

/** What `Node.source` holds for nodes that came from a file: attributes that are still the same objects are written back verbatim. */
export interface NodeSource {
  readonly proto: NodeProto;
  readonly attributes: ReadonlyMap<Attribute, AttributeProto>;
}

/** What `Value.source` holds: the tensor is written back verbatim while `constant` is still the one that was read. */
export interface ValueSource {
  readonly info?: ValueInfoProto;
  readonly tensor?: TensorProto;
  readonly constant?: Tensor;
}

/** Names visible inside a graph: its own, then those of the graphs around it. */
class Scope {
  private readonly values = new Map<string, Value>();
  private readonly outer: Scope | null;

  constructor(outer: Scope | null) {
    this.outer = outer;
  }

  find(name: string): Value | undefined {
    return this.values.get(name) ?? this.outer?.find(name);
  }

  /** Whether the name was free in this graph. */
  define(value: Value): boolean {
    if (this.values.has(value.name)) return false;
    this.values.set(value.name, value);
    return true;
  }
}

/** More problems than this in one file help nobody. */
const MAX_PROBLEMS = 50;

/** Reads graphs, collecting what is wrong with them. */
class Reader {
  private readonly problems: Problem[] = [];

  throwIfAny(label: string): void {
    if (this.problems.length === 0) return;
    throw new BlindspotError(this.problems.map((problem) => ({ ...problem, subject: `${label}: ${problem.subject}` })));
  }

  private report(problem: Problem): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  private define(scope: Scope, value: Value, subject: string): void {
    if (scope.define(value)) return;
    this.report({
      code: "E_MODEL_DUPLICATE_NAME",
      subject,
      expected: "each value to be defined once",
      got: `a second '${value.name}'`,
    });
  }

  graph(proto: GraphProto, outer: Scope | null): Graph {
    const graph = new Graph(proto.name);
    graph.source = proto;
    const scope = new Scope(outer);
    const label = proto.name === "" ? "graph" : `graph '${proto.name}'`;
    const declared = new Map([...proto.valueInfo, ...proto.input, ...proto.output].map((info) => [info.name, info]));
    const initializers = new Set(proto.initializer.map((tensor) => tensor.name));
    for (const info of proto.input) {
      // Before IR version 4 weights were listed as inputs too, as defaults that a caller could override.
      if (initializers.has(info.name)) continue;
      const value = this.value(info.name, declared);
      this.define(scope, value, `${label}, inputs`);
      graph.inputs.push(value);
    }
    for (const tensor of proto.initializer) {
      const value = this.initializer(tensor, declared.get(tensor.name));
      this.define(scope, value, `${label}, initializers`);
      graph.initializers.push(value);
    }
    if (proto.sparseInitializer.length > 0)
      this.report({ code: "E_MODEL_SPARSE", subject: label, expected: "dense weights", got: "sparse initializers" });
    // All outputs are defined before any input is looked up: nodes may stand in any order in the file.
    const nodes = proto.node.map((node) => this.node(node, scope, declared));
    nodes.forEach((node, i) => {
      this.connect(node, proto.node[i]!, scope);
    });
    graph.nodes = nodes;
    for (const info of proto.output) {
      const value = scope.find(info.name);
      if (value !== undefined) graph.outputs.push(value);
      else this.undefined(`${label}, outputs`, info.name);
    }
    this.sort(graph, label);
    return graph;
  }

  private value(name: string, declared: ReadonlyMap<string, ValueInfoProto>): Value {
    const info = declared.get(name);
    const value = new Value(name, typeFromProto(info?.type));
    if (info !== undefined) value.source = { info } satisfies ValueSource;
    return value;
  }

  private initializer(tensor: TensorProto, info: ValueInfoProto | undefined): Value {
    const value = new Value(tensor.name);
    const constant = tensorFromProto(tensor);
    if (isProblem(constant)) this.report(constant);
    else {
      value.constant = constant;
      value.dtype = constant.dtype;
      value.shape = constant.dims;
      value.source = { tensor, constant, ...(info === undefined ? {} : { info }) } satisfies ValueSource;
    }
    return value;
  }

  private node(proto: NodeProto, scope: Scope, declared: ReadonlyMap<string, ValueInfoProto>): Node {
    const outputs = proto.output.map((name) => this.value(name, declared));
    const node = new Node(proto.opType, [], outputs, new Map(), proto.domain, proto.name);
    if (proto.opType === "")
      this.report({ code: "E_MODEL_NODE", subject: `node '${proto.name}'`, expected: "an operator", got: "none" });
    // An empty name stands for an optional output that isn't wanted.
    for (const output of outputs) if (output.name !== "") this.define(scope, output, node.describe());
    return node;
  }

  private connect(node: Node, proto: NodeProto, scope: Scope): void {
    node.inputs = proto.input.map((name) => {
      if (name === "") return null;
      const value = scope.find(name);
      if (value === undefined) this.undefined(node.describe(), name);
      return value ?? null;
    });
    const attributes = new Map<Attribute, AttributeProto>();
    for (const attributeProto of proto.attribute) {
      const attribute = attributeFromProto(attributeProto, node.describe(), (graph) => this.graph(graph, scope));
      if ("code" in attribute) this.report(attribute);
      else {
        node.attributes.set(attributeProto.name, attribute);
        attributes.set(attribute, attributeProto);
      }
    }
    node.source = { proto, attributes } satisfies NodeSource;
  }

  private undefined(subject: string, name: string): void {
    const problem = {
      code: "E_MODEL_UNDEFINED_VALUE",
      subject,
      expected: "a value that the graph defines",
      got: `'${name}'`,
    };
    this.report(problem);
  }

  private sort(graph: Graph, label: string): void {
    const stuck = sortNodes(graph);
    if (stuck.length === 0) return;
    const names = stuck.slice(0, 5).map((node) => node.describe());
    const more = stuck.length > 5 ? ` and ${stuck.length - 5} more` : "";
    const got = `${names.join(", ")}${more} waiting for each other`;
    this.report({ code: "E_MODEL_CYCLE", subject: label, expected: "a graph without cycles", got });
  }
}

/**
 * Reads the bytes of an .onnx file (without external data: see `readModelFile`). Weights are views of `bytes` where they are aligned.
 * What the IR can't represent (unknown fields, doc strings, annotations) stays on the `source` members, and `writeModel` writes it back.
 *
 * @throws BlindspotError with every problem of the file: E_ONNX_*, E_MODEL_DUPLICATE_NAME, E_MODEL_UNDEFINED_VALUE, E_MODEL_CYCLE, ...
 */
export function readModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  return modelFromProto(decodeModel(bytes, options), options.label);
}

export function modelFromProto(proto: ModelProto, label = "the model"): Model {
  const reader = new Reader();
  const graph = reader.graph(proto.graph!, null);
  const model = new Model(graph, 0, Number(proto.irVersion));
  model.opsets = new Map(proto.opsetImport.map((opset) => [normalDomain(opset.domain), Number(opset.version)]));
  // Files without an opset predate the field: the first version is meant.
  if (model.opsets.size === 0) model.opsets.set("", 1);
  model.producer = proto.producerName;
  model.metadata = new Map(proto.metadataProps.map((entry) => [entry.key, entry.value]));
  model.functions = new Map(proto.functions.map((body) => [functionKey(body.domain, body.name, body.overload), body]));
  model.source = proto;
  reader.throwIfAny(label);
  return model;
}

export function normalDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** `domain:name`, with `:overload` where functions are overloaded. */
export function functionKey(domain: string, name: string, overload = ""): string {
  return `${normalDomain(domain)}:${name}${overload === "" ? "" : `:${overload}`}`;
}

/** A graph on its own: the body of a function. References to the function's attributes stay opaque. */
export function graphFromProto(proto: GraphProto, label: string): Graph {
  const reader = new Reader();
  const graph = reader.graph(proto, null);
  reader.throwIfAny(label);
  return graph;
}
