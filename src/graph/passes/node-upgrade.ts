import { BlindspotError } from "../../base/errors.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Attribute, type Graph, Node, Value } from "../ir.ts";
import { dependencies } from "../walk.ts";

/** Rewrites one node from a version of its operator to the next; nodes that it needs beside come before or after. */
export class NodeUpgrade {
  readonly node: Node;
  readonly before: Node[] = [];
  readonly after: Node[] = [];
  private readonly graph: Graph;

  constructor(graph: Graph, node: Node) {
    this.graph = graph;
    this.node = node;
  }

  /** An input that the operator demands: a damaged file need not have it. */
  input(at: number): Value {
    return this.node.inputs[at] ?? this.refuse(`no input ${at}`, `the inputs that ${this.node.op} demands`);
  }

  private stem(suffix: string): string {
    return `${this.node.outputs[0]?.name || this.node.op}_${suffix}`;
  }

  /** A new initializer. */
  constant(suffix: string, constant: Tensor): Value {
    const value = new Value(this.stem(suffix), { dtype: constant.dtype, shape: constant.dims });
    value.constant = constant;
    this.graph.initializers.push(value);
    return value;
  }

  /** The output of a new node in front of this one. */
  prepend(op: string, inputs: Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    const output = new Value(this.stem(op));
    this.before.push(new Node(op, inputs, [output], new Map(Object.entries(attributes))));
    return output;
  }

  /** Puts a new node behind this one, which takes over its first output. */
  append(op: string, inputs: (made: Value) => Value[]): void {
    const output = this.node.outputs[0] ?? this.refuse("no output", "an output");
    const made = new Value(this.stem(this.node.op), { dtype: output.dtype });
    made.producer = this.node;
    this.node.outputs[0] = made;
    this.after.push(new Node(op, inputs(made), [output]));
  }

  /** Takes an attribute off the node. */
  take(name: string): Attribute | undefined {
    const attribute = this.node.attributes.get(name);
    this.node.attributes.delete(name);
    return attribute;
  }

  /** Leaves only the first output; refuses where another one is used, since it means something else now. */
  keepFirstOutput(got: string, expected: string): void {
    const dropped = new Set(this.node.outputs.splice(1));
    const used =
      this.graph.outputs.some((output) => dropped.has(output)) ||
      this.graph.nodes.some((node) => usesAny(node, dropped));
    if (used) this.refuse(got, expected);
  }

  /** For what the newer version can't say. */
  refuse(got: string, expected: string): never {
    throw new BlindspotError({
      code: "E_OPSET_UPGRADE",
      subject: this.node.describe(),
      expected,
      got,
      hint: "Export the model again at opset 18",
    });
  }
}

function usesAny(node: Node, values: ReadonlySet<Value>): boolean {
  return [...dependencies(node)].some((value) => values.has(value));
}
