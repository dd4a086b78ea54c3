/**
 * Square Attack: a query-efficient black-box adversarial attack via random search (Andriushchenko, Croce, Flammarion, Hein 2019),
 * arXiv:1912.00049, algorithms 1 to 3 and section A.
 * Reference settings: p 0.8 (MNIST, CIFAR-10), 0.05 (ImageNet); 10,000 queries; schedule compressed to the budget.
 *
 * Differences from the authors' code: windows may touch the last row and column (their offsets leave it out); a targeted goal descends max other - z_t instead of
 * cross-entropy; a vector takes a random subset of its features for a window, each with its own sign.
 */
import { defineAttack, type Sample } from "../attack.ts";
import { squareL2 } from "./square-l2.ts";
import { squareLinf } from "./square-linf.ts";

export type SquareSettings = {
  /** In all: restarts share them equally. */
  readonly queries: number;
  /** Independent searches. What one search misses another often finds: on a Madry-trained MNIST net two of 2,500 found more than one of 5,000. */
  readonly restarts: number;
  /** Share of the coordinates that a window covers at first. */
  readonly p: number;
  /**
   * Whether the schedule of p, written for 10,000 queries, is compressed to the budget. Measured with 1,000 queries on an MNIST net: two points stronger
   * for L-inf, eleven points weaker for L2; so `auto` does it for L-inf.
   */
  readonly rescale: "auto" | "always" | "never";
};

/** Iterations of a 10,000 query run after which p is halved. */
const HALVINGS = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000] as const;

/** The share of coordinates at an iteration (from 0) of a run that starts with share p; `of`: the length that the schedule is compressed to. */
export function shareAt(iteration: number, p: number, of = 10_000): number {
  const at = Math.floor((iteration / of) * 10_000);
  return p / 2 ** HALVINGS.filter((after) => at > after).length;
}

async function runSquare(sample: Sample, settings: SquareSettings): Promise<void> {
  const { queries, restarts } = settings;
  for (let left = restarts, spent = 0; left > 0; left--) {
    const share = Math.floor((queries - spent) / left);
    if (share > 0) await search(sample, share, settings);
    spent += share;
  }
}

/** One search, from a random start unless one is given. */
async function search(
  sample: Sample,
  queries: number,
  { p, rescale }: Pick<SquareSettings, "p" | "rescale">,
  start?: Float32Array,
): Promise<void> {
  const { norm } = sample.threat;
  const scheduled = rescale === "always" || (rescale === "auto" && norm === "linf") ? queries : undefined;
  const proposals = norm === "l2" ? squareL2(sample) : squareLinf(sample);
  let best: Float32Array = start ?? proposals.initial();
  let candidate: Float32Array = new Float32Array(best.length);
  let loss = sample.margin((await sample.scores(best)).scores);
  for (let i = 0; i < queries - 1; i++) {
    proposals.propose(best, shareAt(i, p, scheduled), candidate);
    const candidateLoss = sample.margin((await sample.scores(candidate)).scores);
    // A success would have ended the attempt; one that was rejected (rounding) is still worth keeping.
    if (candidateLoss < loss || candidateLoss <= 0) {
      loss = candidateLoss;
      [best, candidate] = [candidate, best];
    }
  }
}

export const square = defineAttack<SquareSettings>({
  name: "square",
  knowledge: "score",
  summary: "random search with square windows, on scores alone",
  source: "Square Attack: a query-efficient black-box adversarial attack via random search, arXiv:1912.00049",
  defaults: { queries: 2000, restarts: 1, p: 0.8, rescale: "auto" },
  norms: ["linf", "l2"],
  choices: { rescale: ["auto", "always", "never"] },
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runSquare,
});

export type WarmSquareSettings = {
  /** For each start. */
  readonly queries: number;
  readonly p: number;
};

/** Square Attack from inputs that fooled another version: small windows, so that what is right already stays. */
export const squareWarm = defineAttack<WarmSquareSettings>({
  name: "square-warm",
  knowledge: "score",
  summary: "random search with small windows, from inputs that fooled another version of the model",
  source: square.source,
  defaults: { queries: 500, p: 0.05 },
  norms: ["linf", "l2"],
  warm: true,
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  async run(sample, { queries, p }) {
    for (const start of sample.starts) {
      const from = sample.threat.project(Float32Array.from(start), sample.x0);
      await search(sample, queries, { p, rescale: "never" }, from);
    }
  },
});
