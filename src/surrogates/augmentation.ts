/**
 * Practical black-box attacks against machine learning (Papernot et al. 2017), arXiv:1602.02697, algorithm 1: a substitute learns from labels that the target
 * gives to inputs which the substitute itself proposes.
 * Reference settings: lambda 0.1, its sign turned every tau = 3 rounds; for MNIST 100 inputs to begin with and 6 rounds, 6,400 queries; 10 epochs a round.
 *
 * Differences from the paper: the number of queries is fixed, and the last round proposes as many inputs as it leaves (drawn, where that is not all); inputs are
 * rounded to what the target can receive; the network and its optimizer are ours (`trainNetwork`).
 */

import { internalError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import type { Classifier } from "../models/classifier.ts";
import { gradientsOf } from "../models/row-batches.ts";
import type { LabelledRows } from "./train-network.ts";

/** The paper's step, in 0..1 units of each coordinate. */
export const LAMBDA = 0.1;
/** Rounds after which the step turns its sign. */
export const TAU = 3;

export interface Augmentation {
  /** S_0: inputs that the attacker has. */
  readonly start: readonly Float32Array[];
  /** Rows that the target is asked about, those of `start` included. */
  readonly queries: number;
  readonly rng: Rng;
  /** O: the class that the target gives each row. */
  ask(points: readonly Float32Array[]): Promise<readonly number[]>;
  /** Trains F on these rows, from where the round before left it. What is not the last one is closed here. */
  learn(rows: LabelledRows, round: number): Promise<Classifier>;
  /** The nearest input that the target can receive; `x0` is one that it received. */
  deployable(x: Float32Array, x0: Float32Array): Float32Array;
  /** Told before each training. */
  onRound?(round: number, rows: number): void;
}

/** Rounds of augmentation until so many queries are spent: each doubles the rows. */
export function roundsFor(start: number, queries: number): number {
  return Math.ceil(Math.log2(queries / start));
}

/** The last F, which the caller closes. */
export async function trainSubstitute(options: Augmentation): Promise<Classifier> {
  const { start, queries, rng } = options;
  if (start.length === 0 || start.length > queries) throw internalError(`${start.length} rows for ${queries} queries`);
  const points = [...start];
  const labels = [...(await options.ask(points))];
  for (let rho = 0; ; rho++) {
    options.onRound?.(rho, points.length);
    const substitute = await options.learn({ points, labels }, rho);
    const left = queries - points.length;
    if (left === 0) return substitute;
    try {
      const all = Array.from(points.keys());
      const chosen = left >= all.length ? all : rng.fold(rho).shuffle(all).slice(0, left);
      // lambda_rho = lambda (-1)^floor(rho / tau)
      const step = LAMBDA * (Math.floor(rho / TAU) % 2 === 0 ? 1 : -1);
      const xs = chosen.map((row) => points[row]!);
      const classes = chosen.map((row) => labels[row]!);
      const gradients = await gradientsOf(substitute, xs, classes, "cross-entropy");
      // x + lambda sgn(J_F[O(x)]): the cross-entropy falls where the probability of O(x) rises
      const proposed = xs.map((x, i) => {
        const g = gradients[i]!;
        const moved = x.map((value, j) => Math.min(1, Math.max(0, value - step * Math.sign(g[j]!))));
        return options.deployable(moved, x);
      });
      points.push(...proposed);
      labels.push(...(await options.ask(proposed)));
    } finally {
      await substitute.close();
    }
  }
}
