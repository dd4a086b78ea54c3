import { internalError } from "../base/errors.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { cloneModel, prepareForGradient, removeDeadCode } from "../graph/index.ts";
import type { Graph, Model, Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import { arrayType, float32, isFloat, type NumericDType, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { backward } from "./backward.ts";
import { appendObjective, type Objective, objectiveInputs } from "./objectives.ts";
import { holdOpen } from "./open-weights.ts";
import { appendUpdate, type Optimizer } from "./optimizers.ts";
import { addOutput, find, logitsOf, refuseCollisions } from "./rewrite.ts";
import { type DropoutMask, feedDropouts, isBatchNormalization, normalizeByBatch } from "./training-mode.ts";

export interface TrainingOptions {
  readonly table: OpTable;
  /** What is minimized. */
  readonly loss: Objective;
  /** The output or inner value that holds the logits; the first output by default. */
  readonly logits?: string;
  /**
   * Names of initializers; by default every float initializer of more than one element that the loss depends on. A BatchNormalization
   * whose scale is left out stays as in inference.
   */
  readonly trainable?: readonly string[];
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
  /** Whether the trained model keeps it (weights, running statistics) or only training does (momentum). */
  readonly kept: boolean;
  /** The weight of which this is the moving average. */
  readonly averageOf?: string;
}

export interface TrainingStep {
  /**
   * Inputs: the source model's, `labels` (int64 [N]), `learning_rate` (float32 scalar), those of the objective, dropout masks, and the
   * state. Outputs: the source model's, `loss` (float32 [N], cross-entropy of each row), `mean_loss` (scalar, what is minimized), and
   * the state after the step.
   */
  readonly model: Model;
  readonly state: readonly StateTensor[];
  readonly dropouts: readonly DropoutMask[];
  /** Weights that were asked for but that the loss does not depend on: they stay as they are. */
  readonly unreached: readonly string[];
  /** The source model with its weights replaced by those of a state, by the names of its inputs. */
  finish(state: Readonly<Record<string, Tensor>>): Model;
}

/**
 * One step of training as one ONNX model: forward, backward, and the optimizer. Weights are inputs named as in the source model; after
 * the step they are the outputs `next_<name>`. BatchNormalization uses the batch's statistics and updates its running ones;
 * Dropout multiplies with masks that are fed. Errors are those of `withGradient`.
 */
export function withTrainingStep(source: Model, options: TrainingOptions): TrainingStep {
  const { table } = options;
  const model = cloneModel(source);
  const weights = options.trainable ?? largeFloats(model.graph);
  find(model.graph, weights);
  const statistics = runningStatistics(model.graph, options.trainable);
  const stateful = [...weights, ...statistics.map(({ name }) => name)];
  const fixed = ["labels", "learning_rate", "step", "loss", "mean_loss", "next_step", ...objectiveInputs(options.loss)];
  refuseCollisions(model, [...fixed, ...stateful.map((name) => `next_${name}`)]);
  const held = holdOpen(model.graph, stateful);

  prepareForGradient(model, table);
  const op = opBuilder(model.graph, table);
  const state = new StateBuilder(op);
  for (const node of model.graph.nodes.filter(isBatchNormalization)) {
    if (!held.has(node.inputs[3]!)) continue;
    for (const [statistic, next] of normalizeByBatch(op, node))
      state.carry(statistic, next, held.get(statistic)!, true);
  }
  const dropouts = feedDropouts(op);

  const logits = logitsOf(op, options.logits);
  const labels = op.input("labels", { dtype: "int64", shape: [logits.shape?.[0] ?? null] });
  const learningRate = op.input("learning_rate", { dtype: "float32", shape: [] });
  op.scope = "loss/";
  const { losses, total } = appendObjective(op, options.loss, logits, labels);
  op.scope = "";
  addOutput(op, losses, "loss");
  addOutput(op, total, "mean_loss");

  const targets = [...held.keys()].filter(({ name }) => weights.includes(name));
  const one = op.constant(float32([], [1]));
  const found = backward(op, { table, outputs: [{ value: total, cotangent: one }], targets });
  const unreached = targets.filter((weight) => found.get(weight) == null);
  for (const weight of unreached) restore(model.graph, weight, held.get(weight)!);
  const reached = targets.filter((weight) => found.get(weight) != null);
  const gradients = reached.map((weight) => found.get(weight)!);
  const clipped = options.clipGradient === undefined ? gradients : clip(op, gradients, options.clipGradient);

  const step = state.counter("step");
  for (const [i, weight] of reached.entries()) {
    op.scope = `update/${weight.name}/`;
    const own = (name: string) => state.zeros(`${name}_${weight.name}`, weight);
    const gradient = clipped[i]!;
    const next = appendUpdate(options.optimizer, { op, weight, gradient, learningRate, step: step(), state: own });
    const initial = held.get(weight)!;
    if (options.average !== undefined) state.average(weight, next, initial, options.average, step());
    op.scope = "";
    state.carry(weight, next, initial, true);
  }
  removeDeadCode(model);
  return {
    model,
    state: state.tensors,
    dropouts,
    unreached: unreached.map(({ name }) => name),
    finish: (values) => withWeights(source, values),
  };
}

/** Declares state: inputs, the outputs that replace them, and where they start. */
class StateBuilder {
  readonly tensors: StateTensor[] = [];
  private readonly op: OpBuilder;

  constructor(op: OpBuilder) {
    this.op = op;
  }

  carry(input: Value, next: Value, initial: Tensor, kept: boolean, averageOf?: string): void {
    const output = `next_${input.name}`;
    addOutput(this.op, next, output);
    const tensor = { input: input.name, output, initial, kept };
    this.tensors.push(averageOf === undefined ? tensor : { ...tensor, averageOf });
  }

  zeros(name: string, like: Value): { value: Value; next(value: Value): void } {
    const dtype = like.dtype as NumericDType;
    const dims = like.shape as readonly number[];
    const value = this.op.input(name, { dtype, shape: dims });
    const data = new (arrayType(dtype))(sizeOf(dims)) as Float32Array;
    return { value, next: (next) => this.carry(value, next, { dtype, dims, data }, false) };
  }

  /** See `TrainingOptions.average`. */
  average(weight: Value, next: Value, initial: Tensor, decay: number, step: Value): void {
    const { op } = this;
    const average = op.input(`average_${weight.name}`, { dtype: weight.dtype, shape: weight.shape });
    const number = (value: number): Value => op.scalarLike(step, value);
    const rate = op.Min(number(decay), op.Div(op.Add(step, number(1)), op.Add(step, number(10))));
    const moved = op.Add(average, op.Mul(op.Sub(number(1), rate), op.Sub(next, average)));
    this.carry(average, moved, initial, false, weight.name);
  }

  /** The number of the current step, from 1; the input is declared at first use. */
  counter(name: string): () => Value {
    let current: Value | undefined;
    return () => {
      if (current === undefined) {
        const before = this.op.input(name, { dtype: "float32", shape: [] });
        current = this.op.Add(before, this.op.scalarLike(before, 1));
        this.carry(before, current, float32([], [0]), false);
      }
      return current;
    };
  }
}

/** g min(1, limit / (|all g|_2 + 1e-6)) for each gradient g. */
function clip(op: OpBuilder, gradients: readonly Value[], limit: number): Value[] {
  op.scope = "clip/";
  const squares = gradients.map((gradient) => op.ReduceSumSquare(gradient, { keepdims: 0 }));
  const norm = op.Sqrt(op.node("Sum", squares)[0]!);
  const number = (value: number): Value => op.scalarLike(norm, value);
  const factor = op.Min(number(1), op.Div(number(limit), op.Add(norm, number(1e-6))));
  const clipped = gradients.map((gradient) => op.Mul(gradient, factor));
  op.scope = "";
  return clipped;
}

/** Inputs 3 and 4 of each BatchNormalization; only of those whose scale is trained, where it is said what is trained. */
function runningStatistics(graph: Graph, trainable?: readonly string[]): Value[] {
  return graph.nodes
    .filter((node) => isBatchNormalization(node) && (trainable?.includes(node.inputs[1]!.name) ?? true))
    .flatMap((node) => node.inputs.slice(3, 5) as Value[]);
}

function largeFloats(graph: Graph): string[] {
  const statistics = new Set(runningStatistics(graph));
  return graph.initializers
    .filter((value) => isFloat(value.dtype) && sizeOf(value.constant!.dims) > 1 && !statistics.has(value))
    .map(({ name }) => name);
}

/** What the loss does not depend on stays a constant. */
function restore(graph: Graph, value: Value, constant: Tensor): void {
  graph.inputs = graph.inputs.filter((input) => input !== value);
  graph.initializers.push(value);
  value.constant = constant;
}

/** A copy of the model with the named constants replaced: initializers, and Constant nodes by the name of their output. */
export function withWeights(source: Model, values: Readonly<Record<string, Tensor>>): Model {
  const model = cloneModel(source);
  const replaced = (name: string, constant: Tensor): Tensor | null => {
    const trained = values[name];
    if (trained === undefined) return null;
    if (trained.data.length !== constant.data.length) throw internalError(`'${name}' changed its size`);
    return { ...trained, dims: constant.dims };
  };
  for (const value of model.graph.initializers)
    value.constant = replaced(value.name, value.constant!) ?? value.constant;
  for (const node of model.graph.nodes) {
    if (node.op !== "Constant" || node.domain !== "") continue;
    const constant = node.tensor("value");
    const trained = constant && replaced(node.outputs[0]!.name, constant);
    if (trained) {
      node.attributes.set("value", { type: "tensor", value: trained });
      node.outputs[0]!.constant = null;
    }
  }
  return model;
}
