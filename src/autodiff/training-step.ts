import { internalError } from "../base/errors.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { cloneModel, prepareForGradient, removeDeadCode } from "../graph/index.ts";
import { floatAttribute, type Graph, intAttribute, type Model, type Node, Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import { dtypeCode } from "../ops/dtypes.ts";
import { arrayType, float32, int64Vector, isFloat, type NumericDType, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { backward } from "./backward.ts";
import { appendLoss, type LossName } from "./losses.ts";
import { appendUpdate, type Optimizer } from "./optimizers.ts";
import { addOutput, find, logitsOf, refuseCollisions } from "./rewrite.ts";

export interface TrainingOptions {
  readonly table: OpTable;
  /** Minimized, averaged over the batch. */
  readonly loss: Extract<LossName, "cross-entropy">;
  /** The output or inner value that holds the logits; the first output by default. */
  readonly logits?: string;
  /** Names of initializers; by default every float initializer of more than one element that the loss depends on. */
  readonly trainable?: readonly string[];
  readonly optimizer: Optimizer;
}

/** What one step hands to the next: output `output` of a run is fed as input `input` of the following one. */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly initial: Tensor;
  /** Whether the trained model keeps it (weights, running statistics) or only training does (momentum). */
  readonly kept: boolean;
}

export interface TrainingStep {
  /**
   * Inputs: the source model's, `labels` (int64 [N]), `learning_rate` (float32 scalar), and the state. Outputs: the source model's,
   * `loss` (float32 [N]), `mean_loss` (scalar), and the state after the step.
   */
  readonly model: Model;
  readonly state: readonly StateTensor[];
  /** The source model with its weights replaced by those of a state, by the names of its inputs. */
  finish(state: Readonly<Record<string, Tensor>>): Model;
}

/**
 * One step of training as one ONNX model: forward, backward, and the optimizer. Weights are inputs named as in the source model; after
 * the step they are the outputs `next_<name>`. BatchNormalization uses the batch's statistics and updates its running ones;
 * Dropout stays the identity. Errors are those of `withGradient`.
 */
export function withTrainingStep(source: Model, options: TrainingOptions): TrainingStep {
  const { table } = options;
  const model = cloneModel(source);
  const weights = options.trainable ?? largeFloats(model.graph);
  find(model.graph, weights);
  const statistics = runningStatistics(model.graph);
  const stateful = [...weights, ...statistics.map(({ name }) => name)];
  const fixed = ["labels", "learning_rate", "step", "loss", "mean_loss", "next_step"];
  refuseCollisions(model, [...fixed, ...stateful.map((name) => `next_${name}`)]);
  const held = holdOpen(model.graph, stateful);

  prepareForGradient(model, table);
  const op = opBuilder(model.graph, table);
  const state = new StateBuilder(op);
  for (const node of model.graph.nodes.filter(isBatchNormalization)) {
    for (const [statistic, next] of trainingMode(op, node)) state.carry(statistic, next, held.get(statistic)!, true);
  }

  const logits = logitsOf(op, options.logits);
  const labels = op.input("labels", { dtype: "int64", shape: [logits.shape?.[0] ?? null] });
  const learningRate = op.input("learning_rate", { dtype: "float32", shape: [] });
  op.scope = "loss/";
  const losses = appendLoss(op, options.loss, logits, labels);
  const mean = op.ReduceMean(losses, int64Vector([0]), { keepdims: 0 });
  op.scope = "";
  addOutput(op, losses, "loss");
  addOutput(op, mean, "mean_loss");

  const targets = [...held.keys()].filter(({ name }) => weights.includes(name));
  const one = op.constant(float32([], [1]));
  const gradients = backward(op, { table, outputs: [{ value: mean, cotangent: one }], targets });
  const step = state.counter("step");
  for (const weight of targets) {
    const initial = held.get(weight)!;
    const gradient = gradients.get(weight) ?? null;
    if (gradient === null) {
      restore(model.graph, weight, initial);
      continue;
    }
    op.scope = `update/${weight.name}/`;
    const own = (name: string) => state.zeros(`${name}_${weight.name}`, weight);
    const next = appendUpdate(options.optimizer, { op, weight, gradient, learningRate, step: step(), state: own });
    op.scope = "";
    state.carry(weight, next, initial, true);
  }
  removeDeadCode(model);
  return { model, state: state.tensors, finish: (values) => withWeights(source, values) };
}

/** Declares state: inputs, the outputs that replace them, and where they start. */
class StateBuilder {
  readonly tensors: StateTensor[] = [];
  private readonly op: OpBuilder;

  constructor(op: OpBuilder) {
    this.op = op;
  }

  carry(input: Value, next: Value, initial: Tensor, kept: boolean): void {
    const output = `next_${input.name}`;
    addOutput(this.op, next, output);
    this.tensors.push({ input: input.name, output, initial, kept });
  }

  zeros(name: string, like: Value): { value: Value; next(value: Value): void } {
    const dtype = like.dtype as NumericDType;
    const dims = like.shape as readonly number[];
    const value = this.op.input(name, { dtype, shape: dims });
    const data = new (arrayType(dtype))(sizeOf(dims)) as Float32Array;
    return { value, next: (next) => this.carry(value, next, { dtype, dims, data }, false) };
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

function isBatchNormalization(node: Node): boolean {
  return node.domain === "" && node.op === "BatchNormalization";
}

/** Inputs 3 and 4 of each BatchNormalization. */
function runningStatistics(graph: Graph): Value[] {
  return graph.nodes.filter(isBatchNormalization).flatMap((node) => node.inputs.slice(3, 5) as Value[]);
}

/**
 * Switches a BatchNormalization to the batch's statistics. Returns the running mean and variance with what they become:
 * momentum * old + (1 - momentum) * batch, the batch's variance being N / (N - 1) times ONNX's biased one, as in PyTorch; N is the
 * number of elements per channel.
 */
function trainingMode(op: OpBuilder, node: Node): [Value, Value][] {
  const [x, , , mean, variance] = node.inputs as [Value, Value, Value, Value, Value];
  const momentum = node.float("momentum", 0.9);
  const outputs = ["batch_mean", "batch_var"].map((stem) => {
    const output = new Value(op.freshName(`${node.name || node.outputs[0]!.name}/${stem}`), mean);
    output.producer = node;
    return output;
  });
  const [batchMean, batchVariance] = outputs as [Value, Value];
  node.outputs = [node.outputs[0]!, batchMean, batchVariance];
  node.attributes.set("training_mode", intAttribute(1));
  // With momentum 0 the outputs are the batch's own statistics.
  node.attributes.set("momentum", floatAttribute(0));
  // ONNX Runtime writes outputs 1 and 2 into the memory of inputs 3 and 4, even where that is the caller's: give it scratch values.
  const scratch = [op.Neg(mean), op.Neg(variance)];
  node.inputs.splice(3, 2, ...scratch);
  moveBefore(op.graph, node, scratch.length);

  const count = op.Cast(op.Div(op.Size(x), op.Size(mean)), { to: dtypeCode("float32") });
  const unbiased = op.Mul(batchVariance, op.Div(count, op.Sub(count, op.scalarLike(count, 1))));
  const blend = (old: Value, batch: Value): Value =>
    op.Add(op.Mul(old, op.scalarLike(old, momentum)), op.Mul(batch, op.scalarLike(batch, 1 - momentum)));
  return [
    [mean, blend(mean, batchMean)],
    [variance, blend(variance, unbiased)],
  ];
}

/** Moves the last nodes of the graph to just before another, which came to depend on them. */
function moveBefore(graph: Graph, node: Node, count: number): void {
  const moved = graph.nodes.splice(-count);
  graph.nodes.splice(graph.nodes.indexOf(node), 0, ...moved);
}

function largeFloats(graph: Graph): string[] {
  const statistics = new Set(runningStatistics(graph));
  return graph.initializers
    .filter((value) => isFloat(value.dtype) && sizeOf(value.constant!.dims) > 1 && !statistics.has(value))
    .map(({ name }) => name);
}

/** Makes graph inputs of the named initializers; returns the constants that they held. */
function holdOpen(graph: Graph, names: readonly string[]): Map<Value, Tensor> {
  const open = graph.initializers.filter((value) => names.includes(value.name));
  graph.initializers = graph.initializers.filter((value) => !open.includes(value));
  graph.inputs.push(...open);
  const held = new Map(open.map((value) => [value, value.constant!]));
  for (const value of open) value.constant = null;
  return held;
}

/** What the loss does not depend on stays a constant. */
function restore(graph: Graph, value: Value, constant: Tensor): void {
  graph.inputs = graph.inputs.filter((input) => input !== value);
  graph.initializers.push(value);
  value.constant = constant;
}

function withWeights(source: Model, values: Readonly<Record<string, Tensor>>): Model {
  const model = cloneModel(source);
  for (const value of model.graph.initializers) {
    const trained = values[value.name];
    if (trained === undefined) continue;
    if (trained.data.length !== value.constant!.data.length) throw internalError(`'${value.name}' changed its size`);
    value.constant = { ...trained, dims: value.constant!.dims };
  }
  return model;
}
