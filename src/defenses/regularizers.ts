import { BlindspotError, type Problem } from "../base/errors.ts";
import { type Batch, rowOf } from "./inner-attacks.ts";

/** Additions to the loss; absent: off. */
export interface Regularizers {
  /** Weight of the mean squared L2 norm of the loss's gradient with respect to the clean input (Ross and Doshi-Velez 2018, arXiv 1711.09404). */
  readonly inputGradient?: number;
  /** Of the optimizer: decoupled for AdamW, in the gradient for SGD. */
  readonly weightDecay?: number;
  /** Share of the label that is spread over all classes. Makes attacks by cross-entropy fail without making the model robust: a control. */
  readonly labelSmoothing?: number;
}

const KEYS = {
  "input-gradient": "inputGradient",
  "weight-decay": "weightDecay",
  "label-smoothing": "labelSmoothing",
} as const;

/** Reads `input-gradient=0.1,weight-decay=5e-4`. All that is wrong is said at once. */
export function parseRegularizers(text: string): Regularizers {
  const problems: Problem[] = [];
  const refuse = (expected: string, got: string) =>
    problems.push({ code: "E_REGULARIZER", subject: `--regularize ${text}`, expected, got: `'${got}'` });
  const result: { -readonly [Key in keyof Regularizers]: Regularizers[Key] } = {};
  for (const part of text.split(",")) {
    const [name = "", value = "", ...rest] = part.split("=").map((piece) => piece.trim());
    const weight = value === "" || rest.length > 0 ? Number.NaN : Number(value);
    if (!Object.hasOwn(KEYS, name)) refuse(`NAME=WEIGHT with ${Object.keys(KEYS).join(", ")}`, part);
    else if (!(weight >= 0) || !Number.isFinite(weight)) refuse("a weight of 0 or more", part);
    else if (name === "label-smoothing" && weight >= 1) refuse("a share below 1", part);
    else if (weight > 0) result[KEYS[name as keyof typeof KEYS]] = weight;
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  return result;
}

/**
 * Distance, in 0..1 units, of the two points whose losses are subtracted. The error of a central difference falls with its square; float32's
 * rounding of the losses, divided by it, grows.
 */
const DIFFERENCE = 1e-2;

export interface PenaltyRows {
  /** [2 count, size]: x + h d, then x - h d. */
  readonly rows: Float32Array;
  /** Factors of their cross-entropies. */
  readonly weights: Float32Array;
  /** Mean of |g|^2. */
  readonly penalty: number;
}

/**
 * Rows by which a gradient penalty is trained without a second derivative: with g = grad_x loss and d = g / |g|,
 * grad_theta |g|^2 = 2 |g| d . grad_theta g, which is |g| / h times grad_theta [loss(x + h d) - loss(x - h d)] as h goes to 0.
 * @param gradients of each row's loss at the clean points, [count, size]
 * @param weight of the mean of |g|^2 over the rows
 */
export function penaltyRows({ x0, labels, size }: Batch, gradients: Float32Array, weight: number): PenaltyRows {
  const count = labels.length;
  const rows = new Float32Array(2 * x0.length);
  const weights = new Float32Array(2 * count);
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const [x, g] = [rowOf(x0, i, size), rowOf(gradients, i, size)];
    let square = 0;
    for (let j = 0; j < size; j++) square += g[j]! * g[j]!;
    squares += square;
    const length = Math.sqrt(square);
    const factor = length > 0 ? DIFFERENCE / length : 0;
    const [ahead, behind] = [rowOf(rows, i, size), rowOf(rows, count + i, size)];
    for (let j = 0; j < size; j++) {
      ahead[j] = x[j]! + factor * g[j]!;
      behind[j] = x[j]! - factor * g[j]!;
    }
    weights[i] = (weight * length) / (DIFFERENCE * count);
    weights[count + i] = -weights[i]!;
  }
  return { rows, weights, penalty: squares / count };
}
