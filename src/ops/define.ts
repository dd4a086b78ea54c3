import type { OpBuilder, OperatorTable } from "../graph/builder.ts";
import type { Node, Value, ValueType } from "../graph/ir.ts";
import type { DType } from "../tensor/tensor.ts";

/**
 * A tensor inside the float64 reference interpreter: every element type is held as float64 (booleans as 0 and 1), so that rules are
 * checked by finite differences without float32 noise. `dtype` is what ONNX would say, with all float types read as "float64".
 */
export interface Reference {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

export interface GradientContext {
  /** Appends backward nodes; every ONNX operator is a method of it. */
  readonly op: OpBuilder;
  readonly node: Node;
  /** The forward inputs and outputs, with inferred types. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  /** Cotangents of the outputs; null where nothing flows back. At least one is not null. */
  readonly cotangents: readonly (Value | null)[];
  /** Whether the cotangent of input i is wanted; a rule may skip work for the others (their entries are ignored). */
  needs(input: number): boolean;
}

/**
 * One cotangent per input, or null for integer, boolean and shape inputs. A rule ignores broadcasting (the engine sums a cotangent down to
 * its input's shape), pruning and accumulation. It works for a symbolic batch size, and raises a BlindspotError that names node,
 * what is unknown, and the flag that fixes it, where it needs a size that it doesn't have.
 */
export type GradientRule = (context: GradientContext) => readonly (Value | null)[];

/** Random inputs of these shapes go through the gradient check. `fixed` inputs are constants (shapes, axes, indices) and not differentiated. */
export interface Example {
  readonly inputs: readonly ExampleInput[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
  /** How many outputs to ask for (default 1). */
  readonly outputs?: number;
}

/** Dims of a random float input, drawn uniformly from `low..high` (default -1..1); or a constant; or a missing optional input. */
export type ExampleInput =
  | readonly number[]
  | { readonly dims: readonly number[]; readonly low: number; readonly high: number }
  | {
      readonly dtype: "int64" | "bool" | "float32" | "uint8" | "int8" | "int32";
      readonly dims: readonly number[];
      readonly values: readonly number[];
    }
  | null;

/**
 * Everything that Blindspot knows of an operator, in one place. Bounds (interval and linear relaxations) will join as further optional
 * members; nothing outside this file's users may ask for an operator by name.
 */
export interface OpDefinition {
  readonly type: string;
  readonly domain?: string;
  /** Output types from input types, attributes, and constant inputs (`value.constant`). Unknown parts are null; a contradiction is a BlindspotError. */
  infer(node: Node): readonly ValueType[];
  /** The reference in float64. Inputs that are absent are null. */
  evaluate(inputs: readonly (Reference | null)[], node: Node): readonly Reference[];
  /**
   * `"discrete"`: all outputs are integers, booleans or shapes, so nothing flows back. Absent: no rule, and the model can't be
   * differentiated through it.
   */
  readonly gradient?: GradientRule | "discrete";
  /** The rule is not the true derivative but passes the cotangent through (quantization). Named by `inspect` and as a check. */
  readonly straightThrough?: boolean;
  /** The true derivative is zero almost everywhere (Sign, Round): correct, and useless to an attacker. Named like the above. */
  readonly flat?: boolean;
  readonly examples?: readonly Example[];
}

export type OpTable = OperatorTable<OpDefinition>;

/** Identity, for type inference at the place of definition. */
export function defineOp(definition: OpDefinition): OpDefinition {
  return definition;
}

export function opTable(definitions: readonly OpDefinition[]): OpTable & { readonly all: readonly OpDefinition[] } {
  const map = new Map(definitions.map((definition) => [`${definition.domain ?? ""}:${definition.type}`, definition]));
  return { all: definitions, get: (op, domain = "") => map.get(`${domain}:${op}`) };
}
