import type { Problem } from "../base/errors.ts";
import { BlindspotError } from "../base/errors.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { removeDeadCode } from "../graph/index.ts";
import type { Model, Value } from "../graph/ir.ts";
import type { OpTable } from "../ops/define.ts";
import { dtypeCode } from "../ops/dtypes.ts";
import { float32, isFloat } from "../tensor/tensor.ts";
import { backward, requireRules } from "./backward.ts";
import { describeCuts } from "./explain.ts";
import { appendDivergence, appendLoss, isTargeted, type LossName } from "./losses.ts";
import { addOutput, find, logitsOf, prepared, refuseCollisions } from "./rewrite.ts";

/** A loss of the caller's own. */
export interface CustomLoss {
  /** Whether it reads `targets`. */
  readonly targeted: boolean;
  /** Appends it, [N], and returns it. `labels` and `targets` are int64 [N]. */
  append(op: OpBuilder, logits: Value, labels: Value, targets: Value | undefined): Value;
}

export interface GradientOptions {
  readonly table: OpTable;
  /** Names of inputs, initializers or inner values; the float inputs by default. */
  readonly wrt?: readonly string[];
  /**
   * What the attacker increases. `divergence` is KL(p || softmax(z)) with p = softmax of the further input `reference_logits` ([N, classes]), which
   * takes the place of `labels`: how far the answer has moved from a given one (TRADES, arXiv 1901.08573).
   */
  readonly loss: LossName | "divergence" | CustomLoss;
  /** The output or inner value that holds the logits, [N, classes]; the first output by default. */
  readonly logits?: string;
}

/**
 * The model with a loss and its gradient as further outputs, as a model that any ONNX runtime executes.
 *
 * Inputs: the model's, `labels` (int64 [N]) and for targeted losses `targets` (int64 [N]). Outputs: the model's, `loss`
 * (float32 [N], what the attacker increases), and `grad_<name>` for each of `wrt`: the gradient of the sum of losses, so that each row
 * of an input's gradient is its own sample's. The model itself is left as it is; weights are shared with it.
 *
 * Throws E_OP_NO_GRADIENT (all nodes at once), E_NO_GRADIENT_PATH, E_NAME_COLLISION, E_NAME_UNKNOWN, E_LOGITS_SHAPE.
 */
export function withGradient(model: Model, options: GradientOptions): Model {
  const { table, loss } = options;
  const wrt = options.wrt ?? floatInputs(model);
  refuseCollisions(model, [...inputsOf(loss), "loss", ...wrt.map((name) => `grad_${name}`)]);

  const result = prepared(model, table);
  const op = opBuilder(result.graph, table);
  const logits = logitsOf(op, options.logits);
  // An operator that we don't know leaves shapes open: it is what has to be named, not the shape.
  requireRules(result.graph.nodes, table, find(result.graph, wrt), [logits]);
  const losses = lossOf(op, loss, logits);
  op.scope = "loss/";
  const ones = onesLike(op, losses);
  op.scope = "";
  const asFloat32 = losses.dtype === "float32" ? losses : op.Cast(losses, { to: dtypeCode("float32") });
  addOutput(op, asFloat32, "loss");
  addGradients(result, op, table, wrt, [{ value: losses, cotangent: ones }]);
  return result;
}

function inputsOf(loss: GradientOptions["loss"]): readonly string[] {
  if (loss === "divergence") return ["reference_logits"];
  const targeted = typeof loss === "string" ? isTargeted(loss) : loss.targeted;
  return targeted ? ["labels", "targets"] : ["labels"];
}

/** Declares what the loss is told beside the logits, and appends it. */
function lossOf(op: OpBuilder, loss: GradientOptions["loss"], logits: Value): Value {
  const perSample = { dtype: "int64", shape: [logits.shape?.[0] ?? null] } as const;
  const inputs = inputsOf(loss).map((name) => op.input(name, name === "reference_logits" ? logits : perSample));
  op.scope = "loss/";
  const [first, second] = inputs as [Value, Value?];
  const append = (): Value => {
    if (loss === "divergence") return appendDivergence(op, first, logits);
    return typeof loss === "string"
      ? appendLoss(op, loss, logits, first, second)
      : loss.append(op, logits, first, second);
  };
  const losses = append();
  op.scope = "";
  return losses;
}

/**
 * The model with a vector-Jacobian product: further inputs `cotangent_<output>` (of that output's shape), further outputs `grad_<name>`.
 * @param options.outputs the outputs that get a cotangent (default: those of a float type)
 */
export function withVjp(
  model: Model,
  options: { readonly table: OpTable; readonly wrt?: readonly string[]; readonly outputs?: readonly string[] },
): Model {
  const { table } = options;
  const wrt = options.wrt ?? floatInputs(model);
  const names = options.outputs ?? model.graph.outputs.filter(({ dtype }) => isFloat(dtype)).map(({ name }) => name);
  refuseCollisions(model, [...names.map((name) => `cotangent_${name}`), ...wrt.map((name) => `grad_${name}`)]);

  const result = prepared(model, table);
  const op = opBuilder(result.graph, table);
  const seeds = find(result.graph, names).map((value) => ({
    value,
    cotangent: op.input(`cotangent_${value.name}`, { dtype: value.dtype, shape: value.shape }),
  }));
  addGradients(result, op, table, wrt, seeds);
  return result;
}

function addGradients(
  model: Model,
  op: OpBuilder,
  table: OpTable,
  wrt: readonly string[],
  outputs: readonly { value: Value; cotangent: Value }[],
): void {
  const targets = find(op.graph, wrt);
  const nodes = [...op.graph.nodes];
  const gradients = backward(op, { table, outputs, targets });
  const problems: Problem[] = [];
  for (const target of targets) {
    const gradient = gradients.get(target);
    if (gradient != null) addOutput(op, gradient, `grad_${target.name}`);
    else {
      const ends = outputs.map(({ value }) => value);
      problems.push(noPath(target, describeCuts(nodes, target, ends, table)));
    }
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  // A rule may have written more than was needed of it.
  removeDeadCode(model);
}

function noPath(target: Value, cuts: readonly string[]): Problem {
  return {
    code: "E_NO_GRADIENT_PATH",
    subject: `'${target.name}'`,
    expected: "a differentiable path to the output",
    got: cuts.length === 0 ? "no path at all" : `paths that end at ${cuts.join(", ")}`,
    hint: "Name the scores before that operator with --output, or attack by queries alone: --profile score",
  };
}

/** What is differentiated unless something else is named. */
function floatInputs({ graph }: Model): string[] {
  const names = graph.inputs.filter(({ dtype }) => isFloat(dtype)).map(({ name }) => name);
  if (names.length > 0) return names;
  throw new BlindspotError({
    code: "E_NO_GRADIENT_PATH",
    subject: "the model",
    expected: "an input of a float type",
    got: graph.inputs.map(({ name, dtype }) => `${name}: ${dtype}`).join(", "),
    hint: "Attack by queries alone: --profile score",
  });
}

function onesLike(op: OpBuilder, value: Value): Value {
  const float = op.ConstantOfShape(op.Shape(value), { value: float32([1], [1]) });
  const ones = value.dtype === "float32" ? float : op.Cast(float, { to: dtypeCode(value.dtype ?? "float32") });
  ones.shape = value.shape;
  return ones;
}
