import type { OpBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/ir.ts";
import { int64Vector } from "../tensor/tensor.ts";
import { appendDivergence, appendLoss } from "./losses.ts";

/**
 * What a training step minimizes.
 * - `cross-entropy`: its mean over the rows.
 * - `weighted`: sum over the rows of `loss_weights` times cross-entropy. Weights may be negative: the difference of the losses at two points is
 *   how a penalty on input gradients is trained. `labelSmoothing` a replaces the label by (1 - a) label + a / classes. `consistency` adds
 *   the sum of `consistency_weights` times KL(p_partner || p_row), where `partners` names a row of the same batch; the
 *   derivative reaches both (TRADES, arXiv 1901.08573, equation 3 with the surrogate of section 4).
 */
export type Objective =
  | "cross-entropy"
  | { readonly kind: "weighted"; readonly labelSmoothing?: number; readonly consistency?: boolean };

export interface AppendedObjective {
  /** Cross-entropy of each row with its label, [N]. */
  readonly losses: Value;
  /** What is minimized, a scalar. */
  readonly total: Value;
}

/** Names of the inputs that an objective adds to `labels`. */
export function objectiveInputs(objective: Objective): readonly string[] {
  if (objective === "cross-entropy") return [];
  return ["loss_weights", ...(objective.consistency ? ["partners", "consistency_weights"] : [])];
}

export function appendObjective(op: OpBuilder, objective: Objective, z: Value, labels: Value): AppendedObjective {
  const losses = appendLoss(op, "cross-entropy", z, labels);
  if (objective === "cross-entropy") return { losses, total: op.ReduceMean(losses, int64Vector([0]), { keepdims: 0 }) };
  const { labelSmoothing = 0, consistency = false } = objective;
  const perRow = { dtype: "float32", shape: losses.shape } as const;
  const weights = op.input("loss_weights", perRow);
  const logProbabilities = op.LogSoftmax(z, { axis: 1 });
  const total = weightedSum(op, weights, smoothed(op, losses, logProbabilities, labelSmoothing));
  if (!consistency) return { losses, total };

  const partners = op.input("partners", { dtype: "int64", shape: losses.shape });
  const divergences = appendDivergence(op, op.Gather(z, partners, { axis: 0 }), z);
  return { losses, total: op.Add(total, weightedSum(op, op.input("consistency_weights", perRow), divergences)) };
}

/** (1 - a) CE + a mean_c(-log p_c): cross-entropy with the label (1 - a) y + a / classes. */
function smoothed(op: OpBuilder, losses: Value, logProbabilities: Value, a: number): Value {
  if (a === 0) return losses;
  const uniform = op.Neg(op.ReduceMean(logProbabilities, int64Vector([1]), { keepdims: 0 }));
  const times = (value: Value, factor: number): Value => op.Mul(value, op.scalarLike(value, factor));
  return op.Add(times(losses, 1 - a), times(uniform, a));
}

function weightedSum(op: OpBuilder, weights: Value, values: Value): Value {
  return op.ReduceSum(op.Mul(weights, values), int64Vector([0]), { keepdims: 0 });
}
