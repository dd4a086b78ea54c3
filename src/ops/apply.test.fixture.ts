import { backward } from "../autodiff/backward.ts";
import { type AttributeInput, opBuilder } from "../graph/builder.ts";
import { Graph, type Shape, type Value, type ValueType } from "../graph/ir.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import type { Reference } from "./define.ts";
import { referenceOf } from "./dtypes.ts";
import { operators } from "./index.ts";
import { interpret } from "./interpret.ts";

/** One use of an operator, for tests: numbers are float32 scalars, arrays are vectors, tensors are what they are. */
export type Input = number | readonly number[] | Tensor | null;
export type Attributes = Readonly<Record<string, AttributeInput>>;

function tensorOf(input: Exclude<Input, null>): Tensor {
  if (typeof input === "number") return float32([], [input]);
  return Array.isArray(input) ? float32([input.length], input) : (input as Tensor);
}

function split(type: string): [op: string, domain: string] {
  const dot = type.lastIndexOf(".");
  return [type.slice(dot + 1), type.slice(0, Math.max(dot, 0))];
}

/** What the reference computes, as plain arrays. */
export function evaluate(
  type: string,
  inputs: readonly Input[],
  attributes: Attributes = {},
  outputs = 1,
): Reference[] {
  const [name, domain] = split(type);
  const op = opBuilder(new Graph(), operators);
  const operands = inputs.map((input) => (input === null ? null : op.initializer("x", tensorOf(input))));
  const results = op.node(name, operands, attributes, outputs, domain);
  const values = interpret(op.graph, new Map(), operators, results);
  return results.map((result) => values.get(result)!);
}

/** The first output's elements. */
export function elements(type: string, inputs: readonly Input[], attributes: Attributes = {}): number[] {
  return Array.from(evaluate(type, inputs, attributes)[0].data);
}

/** What inference finds out about the outputs, from shapes alone. Tensors stand for constants. */
export function infer(
  type: string,
  inputs: readonly (Shape | Tensor | ValueType | null)[],
  attributes: Attributes = {},
  outputs = 1,
): (Shape | null)[] {
  const [name, domain] = split(type);
  const op = opBuilder(new Graph(), operators);
  const operands = inputs.map((input, i) => {
    if (input === null) return null;
    if ("data" in input) return op.initializer("constant", input);
    return op.input(`x${i}`, "shape" in input ? input : { dtype: "float32", shape: input });
  });
  return op.node(name, operands, attributes, outputs, domain).map((output) => output.shape);
}

/** The gradient of the sum of an expression's elements with respect to its float32 arguments. */
export function gradient(
  expression: (op: ReturnType<typeof opBuilder>, ...inputs: Value[]) => Value,
  ...inputs: readonly Exclude<Input, null>[]
): number[][] {
  const op = opBuilder(new Graph(), operators);
  const feeds = new Map<Value, Reference>();
  const values = inputs.map((input, i) => {
    const given = tensorOf(input);
    const value = op.input(`x${i}`, { dtype: "float32", shape: given.dims });
    feeds.set(value, referenceOf(given));
    return value;
  });
  const y = expression(op, ...values);
  const cotangent = op.Expand(op.scalarLike(y, 1), op.Shape(y));
  const gradients = backward(op, { table: operators, outputs: [{ value: y, cotangent }], targets: values });
  const wanted = values.map((value) => gradients.get(value)!);
  const computed = interpret(op.graph, feeds, operators, wanted);
  return wanted.map((value) => Array.from(computed.get(value)!.data));
}
