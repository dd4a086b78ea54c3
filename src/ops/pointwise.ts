import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Shape, Value } from "../graph/ir.ts";
import type { DType } from "../tensor/tensor.ts";
import { broadcastAll, mapBroadcast, mapElements } from "./broadcast.ts";
import { defineOp, type Example, type ExampleInput, type OpDefinition } from "./define.ts";
import { typeOfInput } from "./dims.ts";
import { convert } from "./dtypes.ts";

/** The shape of all inputs broadcast together. */
export function broadcastInputs(node: Node, inputs: readonly (Value | null)[] = node.inputs): Shape | null {
  return broadcastAll(
    inputs.map((value) => value?.shape ?? null),
    node,
  );
}

/** An example input drawn from an interval, to stay away from kinks and poles. */
export function within(low: number, high: number, ...dims: number[]): ExampleInput {
  return { dims, low, high };
}

/** Everything that the derivative of a function of one tensor may need. */
export interface UnaryContext {
  readonly op: OpBuilder;
  readonly dy: Value;
  readonly x: Value;
  readonly y: Value;
  readonly node: Node;
}

export interface Unary {
  readonly type: string;
  readonly domain?: string;
  readonly f: (x: number, node: Node) => number;
  /** The cotangent of x; `"flat"` where the derivative is zero almost everywhere. */
  readonly dx: ((context: UnaryContext) => Value) | "flat";
  /** Where to draw examples from (default -2..2). */
  readonly range?: readonly [low: number, high: number];
  /** One further example for each. */
  readonly attributes?: readonly NonNullable<Example["attributes"]>[];
  /** Attributes that an operator requires, in each example. */
  readonly required?: NonNullable<Example["attributes"]>;
}

/** A function applied to each element. */
export function unary({
  type,
  domain = "",
  f,
  dx,
  range = [-2, 2],
  attributes = [],
  required = {},
}: Unary): OpDefinition {
  const flat = dx === "flat";
  return defineOp({
    type,
    domain,
    infer: (node) => [typeOfInput(node, 0)],
    evaluate: ([x], node) => [mapElements((value) => f(value, node), x!)],
    gradient: ({ op, node, inputs: [x], outputs: [y], cotangents: [dy] }) => [
      flat ? op.Mul(dy!, op.scalarLike(dy!, 0)) : dx({ op, dy: dy!, x: x!, y, node }),
    ],
    flat,
    examples: [
      { inputs: [within(...range, 3)], attributes: required },
      { inputs: [within(...range, 2, 3, 2)], attributes: required },
      ...attributes.map((more) => ({ inputs: [within(...range, 2, 5)], attributes: { ...required, ...more } })),
    ],
  });
}

/** A function of the elements of several tensors broadcast together, without a gradient: the results are booleans or integers. */
export function discrete(
  type: string,
  f: (node: Node) => (...values: number[]) => number,
  dtype: DType | "same",
): OpDefinition {
  return defineOp({
    type,
    infer: (node) => [{ dtype: dtype === "same" ? typeOfInput(node, 0).dtype : dtype, shape: broadcastInputs(node) }],
    evaluate: (inputs, node) => {
      const operands = inputs.map((input) => input!);
      return [convert(mapBroadcast(f(node), ...operands), dtype === "same" ? operands[0].dtype : dtype)];
    },
    gradient: "discrete",
  });
}

/** Examples of two operands: equal shapes, broadcasting either way and both ways, scalars. */
export function pairs(a: readonly [number, number], b: readonly [number, number]): Example[] {
  const shapes: readonly (readonly [number[], number[]])[] = [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3, 2], [2]],
    [[], [3]],
    [
      [3, 1],
      [2, 1, 4],
    ],
  ];
  return shapes.map(([first, second]) => ({ inputs: [within(...a, ...first), within(...b, ...second)] }));
}
