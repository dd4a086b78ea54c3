import { BlindspotError, internalError } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/ir.ts";
import { int64, int64Vector } from "../tensor/tensor.ts";

/**
 * What the attacker *increases*, per sample. With logits z, label y, target t, and pi the classes by descending logit:
 * - `cross-entropy`: -log softmax(z)_y
 * - `margin`: max_{i != y} z_i - z_y; positive once the sample is misclassified
 * - `dlr`: -(z_y - max_{i != y} z_i) / (z_pi1 - z_pi3 + 1e-12), invariant to shift and scale (Croce and Hein 2020, arXiv 2003.01690)
 * - `targeted-cross-entropy`: log softmax(z)_t
 * - `targeted-margin`: z_t - max_{i != t} z_i
 * - `targeted-dlr`: -(z_y - z_t) / (z_pi1 - (z_pi3 + z_pi4) / 2 + 1e-12)
 * - `other`: z_t - z_y, raises the logit of one other class against the label's
 *
 * Two classes have no z_pi3: both DLR losses are then their numerators. Three have no z_pi4: the denominator is z_pi1 - z_pi3.
 */
export type LossName =
  | "cross-entropy"
  | "margin"
  | "dlr"
  | "targeted-cross-entropy"
  | "targeted-margin"
  | "targeted-dlr"
  | "other";

interface LossContext {
  readonly op: OpBuilder;
  /** Logits, [N, classes]. */
  readonly z: Value;
  readonly classes: number;
  /** int64 [N]. */
  readonly labels: Value;
  /** int64 [N]; asked for by targeted losses only. */
  targets(): Value;
}

const LOSSES: Readonly<Record<LossName, (context: LossContext) => Value>> = {
  "cross-entropy": ({ op, z, classes, labels }) => op.Neg(logitOf(op, op.LogSoftmax(z, { axis: 1 }), labels, classes)),
  margin: ({ op, z, classes, labels }) => op.Sub(bestExcept(op, z, labels, classes), logitOf(op, z, labels, classes)),
  dlr: (context) => {
    const margin = LOSSES.margin(context);
    return context.classes < 3 ? margin : context.op.Div(margin, spread(context, 3));
  },
  "targeted-cross-entropy": ({ op, z, classes, targets }) =>
    logitOf(op, op.LogSoftmax(z, { axis: 1 }), targets(), classes),
  "targeted-margin": ({ op, z, classes, targets }) =>
    op.Sub(logitOf(op, z, targets(), classes), bestExcept(op, z, targets(), classes)),
  "targeted-dlr": (context) => {
    const raised = LOSSES.other(context);
    return context.classes < 3 ? raised : context.op.Div(raised, spread(context, 4));
  },
  other: ({ op, z, classes, labels, targets }) =>
    op.Sub(logitOf(op, z, targets(), classes), logitOf(op, z, labels, classes)),
};

export const LOSS_NAMES = Object.keys(LOSSES) as readonly LossName[];

/** Whether the loss reads `targets`. */
export function isTargeted(loss: LossName): boolean {
  return loss.startsWith("targeted-") || loss === "other";
}

/**
 * Appends a loss to the graph; returns it, [N].
 * @param z logits, [N, classes], the number of classes known and at least 2
 * @param labels int64 [N]
 * @param targets int64 [N], for targeted losses
 */
export function appendLoss(op: OpBuilder, loss: LossName, z: Value, labels: Value, targets?: Value): Value {
  const classes = z.shape?.[1];
  if (z.rank !== 2 || typeof classes !== "number" || classes < 2)
    throw new BlindspotError({
      code: "E_LOGITS_SHAPE",
      subject: `output '${z.name}'`,
      expected: "logits of shape [N, classes] with at least two classes",
      got: z.shape === null ? "a value of unknown shape" : `shape [${z.shape.map((dim) => dim ?? "?").join(", ")}]`,
      hint: "Name the output that holds one score per class with --output",
    });
  return LOSSES[loss]({
    op,
    z,
    classes,
    labels,
    targets: () => {
      if (targets === undefined) throw internalError(`loss ${loss} without targets`);
      return targets;
    },
  });
}

/** sum_c p_c (log p_c - log q_c) per row, with p = softmax(reference) and q = softmax(z): KL(p || q), [N]. */
export function appendDivergence(op: OpBuilder, reference: Value, z: Value): Value {
  const logP = op.LogSoftmax(reference, { axis: 1 });
  const terms = op.Mul(op.Exp(logP), op.Sub(logP, op.LogSoftmax(z, { axis: 1 })));
  return op.ReduceSum(terms, int64Vector([1]), { keepdims: 0 });
}

/** [N, classes]: true at the given class of each row. */
function isClass(op: OpBuilder, index: Value, classes: number): Value {
  const all = op.constant(
    int64(
      [1, classes],
      Array.from({ length: classes }, (_, i) => i),
    ),
  );
  return op.Equal(op.Unsqueeze(index, int64Vector([1])), all);
}

/** z[n, index[n]], as a sum under a mask: its derivative is a Where, and an infinite logit elsewhere does no harm. */
function logitOf(op: OpBuilder, z: Value, index: Value, classes: number): Value {
  const picked = op.Where(isClass(op, index, classes), z, op.scalarLike(z, 0));
  return op.ReduceSum(picked, int64Vector([1]), { keepdims: 0 });
}

/** max over i != index[n] of z[n, i]. */
function bestExcept(op: OpBuilder, z: Value, index: Value, classes: number): Value {
  // The most negative float32: unlike -Infinity it makes no NaN in a later product with zero.
  const others = op.Where(isClass(op, index, classes), op.scalarLike(z, -3.4028234663852886e38), z);
  return op.ReduceMax(others, int64Vector([1]), { keepdims: 0 });
}

/** The denominator of DLR: z_pi1 minus z_pi3 (depth 3), or minus the mean of z_pi3 and z_pi4 (depth 4). */
function spread({ op, z, classes }: LossContext, depth: 3 | 4): Value {
  const [sorted] = op.node("TopK", [z, int64Vector([Math.min(depth, classes)])], { axis: 1 }, 2);
  const at = (rank: number): Value => op.Gather(sorted!, op.constant(int64([], [rank - 1])), { axis: 1 });
  const low = depth === 3 || classes === 3 ? at(3) : op.Mul(op.Add(at(3), at(4)), op.scalarLike(z, 0.5));
  return op.Add(op.Sub(at(1), low), op.scalarLike(z, 1e-12));
}
