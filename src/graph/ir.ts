import type { DType, Tensor } from "../tensor/tensor.ts";

/** A known size, a name shared by equal sizes (`"N"`), or null where nothing is known. */
export type Dim = number | string | null;
export type Shape = readonly Dim[];

/** What inference finds out about a value. `shape: null` means that not even the rank is known. */
export interface ValueType {
  readonly dtype: DType | null;
  readonly shape: Shape | null;
}

/** An edge of the graph. A value is an object, never a name: names are given when a model is written. */
export class Value {
  name: string;
  dtype: DType | null = null;
  shape: Shape | null = null;
  /** The node that makes it; null for graph inputs and constants. */
  producer: Node | null = null;
  /** Set for initializers, and by constant folding. */
  constant: Tensor | null = null;
  /** What the file says of it beside name and type (doc string, unknown fields); the writer starts from it. */
  source: unknown = null;
  /** What is known of the elements of a small int64 value that holds sizes: `[N, 12]` of a Concat that feeds a Reshape. Set by inference. */
  shapeValue: Shape | null = null;

  constructor(name: string, type: Partial<ValueType> = {}) {
    this.name = name;
    this.dtype = type.dtype ?? null;
    this.shape = type.shape ?? null;
  }

  /** Rank, or null. */
  get rank(): number | null {
    return this.shape === null ? null : this.shape.length;
  }
}

export type Attribute =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "tensor"; readonly value: Tensor }
  | { readonly type: "graph"; readonly value: Graph }
  /** Anything else (sparse tensors, type protos, references): kept as read, for writing back. */
  | { readonly type: "opaque"; readonly value: unknown };

export type Attributes = ReadonlyMap<string, Attribute>;

/** A use of an operator. A missing optional input is null; the domain `ai.onnx` is the empty string. */
export class Node {
  op: string;
  domain: string;
  name: string;
  inputs: (Value | null)[];
  outputs: Value[];
  attributes: Map<string, Attribute>;
  /** What the reader could not represent (doc strings, unknown fields); the writer starts from it. */
  source: unknown = null;

  constructor(
    op: string,
    inputs: (Value | null)[],
    outputs: Value[],
    attributes: Attributes = new Map(),
    domain = "",
    name = "",
  ) {
    this.op = op;
    this.domain = domain === "ai.onnx" ? "" : domain;
    this.name = name;
    this.inputs = inputs;
    this.outputs = outputs;
    this.attributes = new Map(attributes);
    for (const output of outputs) output.producer = this;
  }

  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  int(name: string, fallback?: number): number | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.type === "int" ? attribute.value : fallback;
  }

  float(name: string, fallback: number): number {
    const attribute = this.attributes.get(name);
    return attribute?.type === "float" || attribute?.type === "int" ? attribute.value : fallback;
  }

  string(name: string, fallback: string): string {
    const attribute = this.attributes.get(name);
    return attribute?.type === "string" ? attribute.value : fallback;
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.type === "ints" ? attribute.value : undefined;
  }

  /** Of a list of floats or of integers. */
  numbers(name: string): readonly number[] | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.type === "floats" || attribute?.type === "ints" ? attribute.value : undefined;
  }

  tensor(name: string): Tensor | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.type === "tensor" ? attribute.value : undefined;
  }

  /** `Conv 'layer1.0.conv1'`, for messages. */
  describe(): string {
    const label = this.name || this.outputs[0]?.name || "";
    return label === "" ? this.op : `${this.op} '${label}'`;
  }
}

/** Nodes are in topological order; whoever adds nodes keeps it so (`verify` checks it). */
export class Graph {
  name: string;
  inputs: Value[] = [];
  outputs: Value[] = [];
  nodes: Node[] = [];
  /** Weights. Each has `constant`. Old files list them as inputs too: the reader takes them out of `inputs`. */
  initializers: Value[] = [];
  source: unknown = null;

  constructor(name = "graph") {
    this.name = name;
  }
}

export class Model {
  graph: Graph;
  /** Domain to version; `""` is ai.onnx. */
  opsets: Map<string, number>;
  irVersion: number;
  producer: string;
  metadata: Map<string, string>;
  /** Functions local to the model, by `domain:name`, until they are inlined. */
  functions: Map<string, unknown> = new Map();
  source: unknown = null;

  constructor(graph: Graph, opset: number, irVersion = 8) {
    this.graph = graph;
    this.opsets = new Map([["", opset]]);
    this.irVersion = irVersion;
    this.producer = "blindspot";
    this.metadata = new Map();
  }

  get opset(): number {
    return this.opsets.get("") ?? 0;
  }
}

export function intAttribute(value: number): Attribute {
  return { type: "int", value };
}

export function floatAttribute(value: number): Attribute {
  return { type: "float", value };
}

export function isKnown(shape: Shape | null): shape is readonly number[] {
  return shape !== null && shape.every((dim) => typeof dim === "number");
}
