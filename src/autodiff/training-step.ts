import { internalError } from "../base/errors.ts";
import { opBuilder } from "../graph/builder.ts";
import { cloneModel, prepareForGradient, removeDeadCode } from "../graph/index.ts";
import type { Graph, Model, Value } from "../graph/ir.ts";
import { isFloat, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { backward } from "./backward.ts";
import { appendObjective, type Objective, objectiveInputs } from "./objectives.ts";
import { holdOpen } from "./open-weights.ts";
import { addOutput, find, logitsOf, refuseCollisions } from "./rewrite.ts";
import { type DropoutMask, feedDropouts, isBatchNormalization, normalizeByBatch } from "./training-mode.ts";
import { packed, type StateTensor, type UpdateOptions, updateGraph } from "./update-graph.ts";

export interface TrainingOptions extends UpdateOptions {
  /** What is minimized. */
  readonly loss: Objective;
  /** The output or inner value that holds the logits; the first output by default. */
  readonly logits?: string;
  /**
   * Names of initializers; by default every float initializer of more than one element that the loss depends on. A BatchNormalization
   * whose scale is left out stays as in inference.
   */
  readonly trainable?: readonly string[];
}

export interface TrainingStep {
  /**
   * Forward and backward. Inputs: the source model's, `labels` (int64 [N]), those of the objective, dropout masks, weights and running statistics.
   * Further `share` (float32 scalar), of the batch that is passed here. Outputs: the source model's, `loss` (float32 [N], cross-entropy of each row),
   * `mean_loss` (scalar, what is minimized), `share` times its `gradient` (a vector: all weights one behind the other), and the running statistics after
   * the step.
   */
  readonly pass: Model;
  readonly state: readonly StateTensor[];
  readonly dropouts: readonly DropoutMask[];
  /** Whether each row is treated on its own, so that a batch may be passed in parts: not where a layer looks at the statistics of the batch. */
  readonly separable: boolean;
  /** Weights that were asked for but that the loss does not depend on: they stay as they are. */
  readonly unreached: readonly string[];
  /**
   * The optimizer, for a batch that was passed in so many parts. Inputs: `gradient_<part>` for each, `learning_rate` (float32 scalar), and the state; outputs:
   * the state after the step.
   */
  update(parts?: number): Model;
  /** The source model with its weights replaced by those of a state, by the names of its inputs. */
  finish(state: Readonly<Record<string, Tensor>>): Model;
}

/**
 * One step of training as two ONNX models: `pass` is forward and backward, `update` the optimizer. Weights are inputs named as in the source model;
 * after the step they are the outputs `next_<name>`. BatchNormalization uses the batch's statistics and updates its running ones;
 * Dropout multiplies with masks that are fed. Errors are those of `withGradient`.
 */
export function withTrainingStep(source: Model, options: TrainingOptions): TrainingStep {
  const { table } = options;
  const model = cloneModel(source);
  const weights = options.trainable ?? largeFloats(model.graph);
  find(model.graph, weights);
  const statistics = runningStatistics(model.graph, options.trainable);
  const stateful = [...weights, ...statistics.map(({ name }) => name)];
  const fixed = ["labels", "learning_rate", "share", "gradient", "loss", "mean_loss", ...objectiveInputs(options.loss)];
  refuseCollisions(model, [...fixed, ...stateful.map((name) => `next_${name}`)]);
  const held = holdOpen(model.graph, stateful);

  prepareForGradient(model, table);
  const op = opBuilder(model.graph, table);
  const state: StateTensor[] = [];
  for (const node of model.graph.nodes.filter(isBatchNormalization)) {
    if (!held.has(node.inputs[3]!)) continue;
    for (const [statistic, next] of normalizeByBatch(op, node)) {
      const [input, output] = [statistic.name, `next_${statistic.name}`];
      addOutput(op, next, output);
      state.push({ input, output, initial: held.get(statistic)!, from: "pass", kept: true });
    }
  }
  const dropouts = feedDropouts(op);

  const logits = logitsOf(op, options.logits);
  const labels = op.input("labels", { dtype: "int64", shape: [logits.shape?.[0] ?? null] });
  op.scope = "loss/";
  const { losses, total } = appendObjective(op, options.loss, logits, labels);
  op.scope = "";
  addOutput(op, losses, "loss");
  addOutput(op, total, "mean_loss");

  const targets = [...held.keys()].filter(({ name }) => weights.includes(name));
  const share = op.input("share", { dtype: "float32", shape: [] });
  const found = backward(op, { table, outputs: [{ value: total, cotangent: share }], targets });
  const unreached = targets.filter((weight) => found.get(weight) == null);
  for (const weight of unreached) restore(model.graph, weight, held.get(weight)!);
  const reached = targets.filter((weight) => found.get(weight) != null);
  const trained = reached.map((weight) => ({ name: weight.name, value: held.get(weight)! }));
  addOutput(
    op,
    packed(
      op,
      reached.map((weight) => found.get(weight)!),
    ),
    "gradient",
  );
  removeDeadCode(model);
  return {
    pass: model,
    state: [...state, ...updateGraph(trained, 1, options).state],
    dropouts,
    separable: state.length === 0,
    unreached: unreached.map(({ name }) => name),
    update: (parts = 1) => updateGraph(trained, parts, options).model,
    finish: (values) => withWeights(source, values),
  };
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
