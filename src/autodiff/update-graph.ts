import { BlindspotError } from "../base/errors.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { GRADIENT_OPSET } from "../graph/index.ts";
import { Graph, Model, type Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import { arrayType, float32, int64Vector, type NumericDType, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { appendUpdate, type Optimizer } from "./optimizers.ts";

export interface UpdateOptions {
  readonly table: OpTable;
  readonly optimizer: Optimizer;
  /** Gradients are scaled down together where their common L2 norm is above this, as `torch.nn.utils.clip_grad_norm_` does. */
  readonly clipGradient?: number;
  /**
   * Decay d of an exponential moving average of the weights: a' = a + (1 - d_t) (w' - a) with d_t = min(d, (1 + t) / (10 + t)) at step t, so that
   * the first steps count less the longer the training lasts.
   */
  readonly average?: number;
}

/** What one step hands to the next: output `output` of a run is fed as input `input` of the following one. */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly initial: Tensor;
  /** The graph that computes it. */
  readonly from: "pass" | "update";
  /** Whether the trained model keeps it (weights, running statistics) or only training does (momentum). */
  readonly kept: boolean;
  /** The weight of which this is the moving average. */
  readonly averageOf?: string;
}

export interface NamedTensor {
  readonly name: string;
  readonly value: Tensor;
}

/** Values one behind the other, as one vector. */
export function packed(op: OpBuilder, values: readonly Value[]): Value {
  const flat = values.map((value) => op.Reshape(value, int64Vector([-1])));
  return flat.length === 1 ? flat[0]! : op.node("Concat", flat, { axis: 0 })[0]!;
}

function unpacked(op: OpBuilder, vector: Value, like: readonly Tensor[]): Value[] {
  const sizes = like.map(({ dims }) => sizeOf(dims));
  const parts = like.length === 1 ? [vector] : op.node("Split", [vector, int64Vector(sizes)], { axis: 0 }, like.length);
  return like.map(({ dims }, i) => op.Reshape(parts[i]!, int64Vector(dims)));
}

/** The input that takes the gradient of one part of the batch. */
export const gradientOf = (part: number): string => `gradient_${part}`;

/**
 * The optimizer as a graph. Inputs: `gradient_0`, `gradient_1`, ... (all weights' gradients, as `packed`, of each part of the batch), `learning_rate`
 * (float32 scalar), the weights, and `optimizer/...`; outputs: `next_<name>` of each of them. All weights are updated as one vector: a dozen operators in
 * all, not a dozen for each.
 */
export function updateGraph(
  weights: readonly NamedTensor[],
  parts: number,
  { table, optimizer, clipGradient, average }: UpdateOptions,
): { readonly model: Model; readonly state: readonly StateTensor[] } {
  const dtype = requireOneType(weights);
  const graph = new Graph("update");
  const op = opBuilder(graph, table);
  const tensors: StateTensor[] = [];
  const initials = weights.map(({ value }) => value);
  const shape = [initials.reduce((sum, { dims }) => sum + sizeOf(dims), 0)];

  const carry = (input: string, next: Value, initial: Tensor, about: Pick<StateTensor, "kept" | "averageOf">): void => {
    const output = `next_${input}`;
    next.name = output;
    op.output(next);
    tensors.push({ input, output, initial, from: "update", ...about });
  };
  /** Declares the weights, or something of the same shapes, as inputs. */
  const declared = (name: (weight: string) => string): Value =>
    packed(
      op,
      weights.map((weight) => op.input(name(weight.name), { dtype, shape: weight.value.dims })),
    );
  const own = (stem: string) => {
    const name = `optimizer/${stem}`;
    const value = op.input(name, { dtype, shape });
    const data = new (arrayType(dtype))(shape[0]!) as Float32Array;
    return { value, next: (next: Value) => carry(name, next, { dtype, dims: shape, data }, { kept: false }) };
  };
  let current: Value | undefined;
  /** Number of the current step, from 1; declared at first use. */
  const step = (): Value => {
    if (current === undefined) {
      const before = op.input("optimizer/step", { dtype: "float32", shape: [] });
      current = op.Add(before, op.scalarLike(before, 1));
      carry("optimizer/step", current, float32([], [0]), { kept: false });
    }
    return current;
  };

  const gradients = Array.from({ length: parts }, (_, part) => op.input(gradientOf(part), { dtype, shape }));
  const given = gradients.reduce((sum, gradient) => op.Add(sum, gradient));
  const learningRate = op.input("learning_rate", { dtype: "float32", shape: [] });
  const weight = declared((name) => name);
  const gradient = clipGradient === undefined ? given : clip(op, given, clipGradient);
  const next = appendUpdate(optimizer, { op, weight, gradient, learningRate, step, state: own });
  for (const [i, value] of unpacked(op, next, initials).entries())
    carry(weights[i]!.name, value, initials[i]!, { kept: true });
  if (average !== undefined) {
    const named = (name: string): string => `average_${name}`;
    const moved = movingAverage(op, declared(named), next, average, step());
    for (const [i, value] of unpacked(op, moved, initials).entries()) {
      const { name } = weights[i]!;
      carry(named(name), value, initials[i]!, { kept: false, averageOf: name });
    }
  }
  return { model: new Model(graph, GRADIENT_OPSET), state: tensors };
}

function requireOneType(weights: readonly NamedTensor[]): NumericDType {
  const types = [...new Set(weights.map(({ value }) => value.dtype))];
  if (types.length === 1) return types[0] as NumericDType;
  throw new BlindspotError({
    code: "E_TRAIN_WEIGHTS",
    subject: "training",
    expected: "weights of one type that the loss depends on",
    got: types.length === 0 ? "none" : types.join(" and "),
  });
}

/** g min(1, limit / (|g|_2 + 1e-6)) */
function clip(op: OpBuilder, gradient: Value, limit: number): Value {
  const number = (value: number): Value => op.scalarLike(gradient, value);
  const norm = op.Sqrt(op.ReduceSumSquare(gradient, { keepdims: 0 }));
  return op.Mul(gradient, op.Min(number(1), op.Div(number(limit), op.Add(norm, number(1e-6)))));
}

/** See `UpdateOptions.average`. */
function movingAverage(op: OpBuilder, average: Value, next: Value, decay: number, step: Value): Value {
  const number = (value: number): Value => op.scalarLike(step, value);
  const rate = op.Min(number(decay), op.Div(op.Add(step, number(1)), op.Add(step, number(10))));
  return op.Add(average, op.Mul(op.Sub(number(1), rate), op.Sub(next, average)));
}
