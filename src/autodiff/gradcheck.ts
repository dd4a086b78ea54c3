import { internalError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { type Dim, Graph, type Value } from "../graph/ir.ts";
import type { Example, ExampleInput, OpDefinition, OpTable, Reference } from "../ops/define.ts";
import { referenceOf } from "../ops/dtypes.ts";
import { interpret } from "../ops/interpret.ts";
import { isFloat, sizeOf, type Tensor, tensor } from "../tensor/tensor.ts";
import { backward } from "./backward.ts";

/** One operator applied once, with its gradient: a graph to run anywhere, and the numbers to run it on. */
export interface GradientCase {
  readonly graph: Graph;
  /** The inputs that are differentiated, and their gradients; null where the rule says that none flows. */
  readonly gradients: ReadonlyMap<Value, Value | null>;
  readonly outputs: readonly Value[];
  /** Cotangent inputs, by the output that they belong to. */
  readonly cotangents: ReadonlyMap<Value, Value>;
  readonly feeds: ReadonlyMap<Value, Reference>;
}

/** Whether a rule may rely on the leading size, or has to work for any batch. */
export type Batch = "known" | "symbolic";

/** Builds an example, draws its inputs and cotangents, and differentiates it. Inputs are exact in float32. */
export function gradientCase(
  definition: OpDefinition,
  example: Example,
  table: OpTable,
  rng: Rng,
  batch: Batch = "known",
): GradientCase {
  const graph = new Graph(definition.type);
  const op = opBuilder(graph, table);
  const feeds = new Map<Value, Reference>();
  const leading = example.inputs.map((input) => dimsOf(input)?.[0]).find((dim) => dim !== undefined);
  const inputs = example.inputs.map((input, i) => {
    const dims = dimsOf(input);
    if (input === null) return null;
    if (dims === undefined) return op.initializer(`constant${i}`, constantOf(input));
    const shape: Dim[] = [...dims];
    if (batch === "symbolic" && shape.length > 1 && shape[0] === leading) shape[0] = "N";
    const value = op.input(`x${i}`, { dtype: "float32", shape });
    feeds.set(value, uniform(dims, rng, Array.isArray(input) ? {} : (input as { low: number; high: number })));
    return value;
  });
  const outputs = op.node(definition.type, inputs, example.attributes, example.outputs ?? 1, definition.domain);
  const results = interpret(graph, feeds, table, outputs);
  const cotangents = new Map<Value, Value>();
  for (const output of outputs) {
    const result = results.get(output)!;
    assertInferred(output, result);
    if (!isFloat(output.dtype)) continue;
    const cotangent = op.input(`cotangent_${cotangents.size}`, {
      dtype: "float32",
      shape: output.shape ?? result.dims,
    });
    feeds.set(cotangent, uniform(result.dims, rng, {}));
    cotangents.set(output, cotangent);
  }
  return { graph, outputs, cotangents, feeds, gradients: differentiate(op, table, inputs, cotangents) };
}

function differentiate(
  op: OpBuilder,
  table: OpTable,
  inputs: readonly (Value | null)[],
  cotangents: ReadonlyMap<Value, Value>,
): Map<Value, Value | null> {
  const targets = inputs.filter((value): value is Value => value !== null && value.constant === null);
  const outputs = [...cotangents].map(([value, cotangent]) => ({ value, cotangent }));
  return backward(op, { table, outputs, targets });
}

/** Gradients of a case in float64; zeros where no gradient flows. */
export function evaluateGradients({ graph, gradients, feeds }: GradientCase, table: OpTable): Map<Value, Reference> {
  const wanted = [...gradients.values()].filter((value) => value !== null);
  const values = interpret(graph, feeds, table, wanted);
  return new Map(
    [...gradients].map(([input, gradient]) => {
      const { dims, data } = feeds.get(input)!;
      const zeros = { dtype: "float64", dims, data: new Float64Array(data.length) } as const;
      return [input, gradient === null ? zeros : values.get(gradient)!];
    }),
  );
}

export interface GradcheckResult {
  /** Largest |analytic - numeric| / max(1, |analytic|, |numeric|). */
  readonly error: number;
  readonly elements: number;
}

/**
 * Compares the gradient of <cotangents, outputs> with central differences, (f(x + h) - f(x - h)) / 2h, in float64.
 * At most `limit` elements of each input are moved, in a random choice.
 */
export function gradcheck(
  given: GradientCase,
  table: OpTable,
  rng: Rng,
  { h = 1e-5, limit = 40 }: { h?: number; limit?: number } = {},
): GradcheckResult {
  const analytic = evaluateGradients(given, table);
  let error = 0;
  let elements = 0;
  for (const [input, gradient] of analytic) {
    const x = given.feeds.get(input)!;
    if (gradient.data.length !== x.data.length)
      throw internalError(`the gradient of ${input.name} [${x.dims}] came out as [${gradient.dims}]`);
    for (const i of rng.shuffle([...x.data.keys()]).slice(0, limit)) {
      const moved = (by: number): number =>
        objective(given, table, new Map(given.feeds).set(input, { ...x, data: x.data.with(i, x.data[i]! + by) }));
      const numeric = (moved(h) - moved(-h)) / (2 * h);
      const found = gradient.data[i]!;
      const relative = Math.abs(found - numeric) / Math.max(1, Math.abs(found), Math.abs(numeric));
      // NaN on either side is the worst of errors.
      error = Number.isNaN(relative) ? Number.POSITIVE_INFINITY : Math.max(error, relative);
      elements++;
    }
  }
  return { error, elements };
}

/** <cotangents, outputs>, the scalar whose gradient a vector-Jacobian product is. */
function objective({ graph, cotangents, feeds }: GradientCase, table: OpTable, at: Map<Value, Reference>): number {
  const values = interpret(graph, at, table, [...cotangents.keys()]);
  let sum = 0;
  for (const [output, cotangent] of cotangents) {
    const weights = feeds.get(cotangent)!.data;
    values.get(output)!.data.forEach((value, i) => {
      sum += weights[i]! * value;
    });
  }
  return sum;
}

/** The same example with twice the leading size, for every random input that shares it; null where there is none. */
export function doubled(example: Example): Example | null {
  const leading = example.inputs.map(dimsOf).find((dims) => dims !== undefined && dims.length > 1)?.[0];
  if (leading === undefined) return null;
  const inputs = example.inputs.map((input) => {
    const dims = dimsOf(input);
    if (dims === undefined || dims[0] !== leading) return input;
    const grown = [2 * leading, ...dims.slice(1)];
    return Array.isArray(input) ? grown : { ...(input as { low: number; high: number }), dims: grown };
  });
  return { ...example, inputs };
}

/** Dims of a random input; undefined for constants and missing inputs. */
function dimsOf(input: ExampleInput): readonly number[] | undefined {
  if (input === null || "values" in input) return Array.isArray(input) ? input : undefined;
  return Array.isArray(input) ? input : (input as { dims: readonly number[] }).dims;
}

function constantOf(input: ExampleInput): Tensor {
  const { dtype, dims, values } = input as Extract<ExampleInput, { dtype: string }>;
  if (dtype === "int64") return tensor(dtype, dims, BigInt64Array.from(values, BigInt));
  const array = { float32: Float32Array, bool: Uint8Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array }[
    dtype
  ];
  return tensor(dtype, dims, array.from(values));
}

function uniform(
  dims: readonly number[],
  rng: Rng,
  { low = -1, high = 1 }: { low?: number; high?: number },
): Reference {
  const draw = (): number => low + (high - low) * rng.uniform();
  return referenceOf(tensor("float32", dims, Float32Array.from({ length: sizeOf(dims) }, draw)));
}

/** Inference must not contradict what the operator computes. */
function assertInferred(output: Value, { dims, dtype }: Reference): void {
  const { shape } = output;
  const wrong =
    shape !== null &&
    (shape.length !== dims.length || shape.some((dim, i) => typeof dim === "number" && dim !== dims[i]));
  const otherType = output.dtype !== null && isFloat(output.dtype) !== isFloat(dtype);
  if (wrong || otherType)
    throw internalError(`${output.producer?.op}: inferred ${output.dtype} [${shape}], computed ${dtype} [${dims}]`);
}
