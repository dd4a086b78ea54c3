import { internalError } from "../base/errors.ts";
import { type NumericDType, scalar, type Tensor } from "../tensor/tensor.ts";
import { type Attribute, type Graph, Node, Value, type ValueType } from "./ir.ts";

/** What the graph room needs to know of an operator. The table of `ops` has this shape, and more. */
export interface OperatorTypes {
  infer(node: Node): readonly ValueType[];
}

export interface OperatorTable<Definition extends OperatorTypes = OperatorTypes> {
  get(op: string, domain?: string): Definition | undefined;
}

export type AttributeInput = number | string | readonly number[] | readonly string[] | Tensor | Attribute;
export type Operand = Value | Tensor | null;

/** ONNX declares these as floats, so that `alpha: 1` is written as 1.0. */
const FLOAT_ATTRIBUTES = new Set([
  "alpha",
  "beta",
  "gamma",
  "lambd",
  "bias",
  "epsilon",
  "momentum",
  "ratio",
  "scale",
  "value_float",
  "value_floats",
  "cubic_coeff_a",
  "extrapolation_value",
  "spatial_scale",
  "size",
  "clip",
]);
const INTEGER_EXCEPTIONS = new Set(["LRN.size"]);

function toAttribute(op: string, name: string, input: AttributeInput): Attribute {
  const float = FLOAT_ATTRIBUTES.has(name) && !INTEGER_EXCEPTIONS.has(`${op}.${name}`);
  if (typeof input === "number") return { type: float || !Number.isInteger(input) ? "float" : "int", value: input };
  if (typeof input === "string") return { type: "string", value: input };
  if (Array.isArray(input)) {
    if (input.some((item) => typeof item === "string")) return { type: "strings", value: input as readonly string[] };
    const numbers = input as readonly number[];
    return { type: float || numbers.some((item) => !Number.isInteger(item)) ? "floats" : "ints", value: numbers };
  }
  if ("dims" in input) return { type: "tensor", value: input as Tensor };
  return input as Attribute;
}

/**
 * Appends nodes to a graph and infers their types at once, so that code which writes graphs can ask for shapes.
 * `op.node("Conv", [x, w], { group: 2 })` is the general form; `op.Add(a, b)` the short one, for any ONNX operator with one output.
 */
export class GraphBuilder {
  readonly graph: Graph;
  private readonly table: OperatorTable;
  /** Prefix of the names of new values: `grad/conv1/`. */
  scope = "";
  private readonly names = new Set<string>();
  private counter = 0;
  private readonly constants = new Map<string, Value>();

  constructor(graph: Graph, table: OperatorTable) {
    this.graph = graph;
    this.table = table;
    for (const value of [...graph.inputs, ...graph.initializers]) this.names.add(value.name);
    // Names of nodes too: a new node is named after its output, and runtimes refuse two nodes of one name.
    for (const node of graph.nodes)
      for (const name of [node.name, ...node.outputs.map((output) => output.name)]) this.names.add(name);
  }

  /** A name that no value of this graph has yet. */
  freshName(stem: string): string {
    let name = `${this.scope}${stem}`;
    while (this.names.has(name)) name = `${this.scope}${stem}_${this.counter++}`;
    this.names.add(name);
    return name;
  }

  input(name: string, type: ValueType): Value {
    if (this.names.has(name)) throw internalError(`input name '${name}' is taken`);
    this.names.add(name);
    const value = new Value(name, type);
    this.graph.inputs.push(value);
    return value;
  }

  /** A new initializer. */
  initializer(stem: string, constant: Tensor): Value {
    const value = new Value(this.freshName(stem), { dtype: constant.dtype, shape: constant.dims });
    value.constant = constant;
    this.graph.initializers.push(value);
    return value;
  }

  /** An initializer shared by all uses of the same small constant. */
  constant(constant: Tensor): Value {
    if (constant.data.length > 16) return this.initializer("const", constant);
    const key = `${constant.dtype}[${constant.dims}]${Array.from(constant.data as ArrayLike<number>).map((v) => (Object.is(v, -0) ? "-0" : String(v)))}`;
    let value = this.constants.get(key);
    if (value === undefined) {
      const scope = this.scope;
      this.scope = "";
      value = this.initializer("const", constant);
      this.scope = scope;
      this.constants.set(key, value);
    }
    return value;
  }

  /** A scalar of the same type as another value. */
  scalarLike(like: Value, value: number): Value {
    return this.constant(scalar((like.dtype ?? "float32") as NumericDType, value));
  }

  /** Appends a node; returns its outputs. Inputs that are tensors become constants. */
  node(
    op: string,
    inputs: readonly Operand[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    outputs = 1,
    domain = "",
  ): Value[] {
    const values = inputs.map((input) => (input === null || input instanceof Value ? input : this.constant(input)));
    const made = Array.from({ length: outputs }, (_, i) => new Value(this.freshName(i === 0 ? op : `${op}_out${i}`)));
    const map = new Map(Object.entries(attributes).map(([name, input]) => [name, toAttribute(op, name, input)]));
    const node = new Node(op, values, made, map, domain, made[0]!.name);
    const definition = this.table.get(op, domain);
    definition?.infer(node).forEach((type, i) => {
      const output = made[i];
      if (output === undefined) return;
      output.dtype = type.dtype;
      output.shape = type.shape;
    });
    this.graph.nodes.push(node);
    return made;
  }

  output(value: Value): void {
    this.graph.outputs.push(value);
  }
}

/** `op.MatMul(a, b)`, `op.Transpose(x, { perm: [1, 0] })`: any operator with one output, attributes last. */
export type OpBuilder = GraphBuilder &
  Record<Capitalized, (...args: (Operand | Readonly<Record<string, AttributeInput>>)[]) => Value>;
type Capitalized =
  `${"A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "L" | "M" | "N" | "O" | "P" | "Q" | "R" | "S" | "T" | "U" | "W" | "X"}${string}`;

function isOperand(argument: unknown): argument is Operand {
  return (
    argument === null || argument instanceof Value || (typeof argument === "object" && "dims" in (argument as object))
  );
}

/** Wraps a builder so that every ONNX operator is a method of it. */
export function opBuilder(graph: Graph, table: OperatorTable): OpBuilder {
  const builder = new GraphBuilder(graph, table);
  return new Proxy(builder, {
    get(target, property, receiver) {
      if (typeof property !== "string" || property in target || !/^[A-Z]/.test(property))
        return Reflect.get(target, property, receiver);
      return (...args: unknown[]): Value => {
        const operands = args.filter(isOperand);
        const attributes = args.find((argument) => !isOperand(argument)) as Record<string, AttributeInput> | undefined;
        return target.node(property, operands, attributes)[0]!;
      };
    },
    set(target, property, value) {
      return Reflect.set(target, property, value);
    },
  }) as OpBuilder;
}
