import type { OpBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/ir.ts";

/** PyTorch's `torch.optim.SGD` and `AdamW`, with its defaults where a setting is left out. Weight decay applies to all weights. */
export type Optimizer =
  | { readonly kind: "sgd"; readonly momentum?: number; readonly weightDecay?: number; readonly nesterov?: boolean }
  | {
      readonly kind: "adamw";
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
      readonly weightDecay?: number;
    };

export interface UpdateContext {
  readonly op: OpBuilder;
  readonly weight: Value;
  readonly gradient: Value;
  readonly learningRate: Value;
  /** Number of this step, from 1, as a float scalar. */
  step(): Value;
  /** Declares a state of the weight's shape, zero at first; returns its value before this step. `next` sets the one after. */
  state(name: string): { readonly value: Value; next(value: Value): void };
}

/** Appends one update; returns the new weight. */
export function appendUpdate(optimizer: Optimizer, context: UpdateContext): Value {
  return optimizer.kind === "sgd" ? sgd(optimizer, context) : adamw(optimizer, context);
}

/** g += decay w;  v' = momentum v + g;  w' = w - lr v'  (Nesterov: w - lr (g + momentum v')). */
function sgd(optimizer: Extract<Optimizer, { kind: "sgd" }>, context: UpdateContext): Value {
  const { op, weight, learningRate } = context;
  const { momentum = 0, weightDecay = 0, nesterov = false } = optimizer;
  const times = (value: Value, factor: number): Value => op.Mul(value, op.scalarLike(weight, factor));
  const g = weightDecay === 0 ? context.gradient : op.Add(context.gradient, times(weight, weightDecay));
  let direction = g;
  if (momentum !== 0) {
    const velocity = context.state("velocity");
    const next = op.Add(times(velocity.value, momentum), g);
    velocity.next(next);
    direction = nesterov ? op.Add(g, times(next, momentum)) : next;
  }
  return op.Sub(weight, op.Mul(direction, learningRate));
}

/**
 * Loshchilov and Hutter 2019 (arXiv 1711.05101), ordered as PyTorch does it, scalars before vectors:
 * w' = (1 - lr decay) w - lr / (1 - b1^t) m' / (sqrt(v') / sqrt(1 - b2^t) + eps).
 */
function adamw(optimizer: Extract<Optimizer, { kind: "adamw" }>, context: UpdateContext): Value {
  const { op, weight, gradient, learningRate } = context;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = optimizer;
  const step = context.step();
  const constant = (value: number): Value => op.scalarLike(weight, value);
  const average = (name: string, sample: Value, beta: number): Value => {
    const state = context.state(name);
    const next = op.Add(op.Mul(state.value, constant(beta)), op.Mul(sample, constant(1 - beta)));
    state.next(next);
    return next;
  };
  // An average that began at zero is too small by this.
  const bias = (beta: number): Value => op.Sub(constant(1), op.Pow(constant(beta), step));
  const m = average("m", gradient, beta1);
  const v = average("v", op.Mul(gradient, gradient), beta2);
  const deviation = op.Add(op.Div(op.Sqrt(v), op.Sqrt(bias(beta2))), constant(epsilon));
  const moved = op.Mul(op.Div(m, deviation), op.Div(learningRate, bias(beta1)));
  const shrunk = op.Mul(weight, op.Sub(constant(1), op.Mul(learningRate, constant(weightDecay))));
  return op.Sub(shrunk, moved);
}
