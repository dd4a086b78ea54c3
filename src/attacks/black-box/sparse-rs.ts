/**
 * Sparse-RS: a versatile framework for query-efficient sparse black-box adversarial attacks (Croce, Andriushchenko, Singh, Flammarion, Hein 2020),
 * arXiv:2006.12834, algorithm 1 and section 4 (L0).
 * Reference settings: alpha 0.3, 10,000 queries, schedule compressed to the budget, margin loss.
 *
 * Differences from the authors' code: the color of a pixel is drawn again if it is the clean one (a change that changes nothing); a targeted goal descends
 * max other - z_t instead of cross-entropy; where every pixel may change, chosen pixels are given new colors instead of new places.
 */
import type { Rng } from "../../base/rng.ts";
import { freeUnits } from "../../threats/l0.ts";
import { defineAttack, type Sample } from "../attack.ts";
import { randomSubset } from "./window.ts";

export type SparseRsSettings = {
  /** In all: restarts share them equally. */
  readonly queries: number;
  readonly restarts: number;
  /** Share of the changed pixels that one proposal moves, at first. */
  readonly alpha: number;
};

/** Iterations of a 10,000 query run after which alpha is divided by so much. */
const SCHEDULE = [
  [8000, 20],
  [6000, 15],
  [4000, 12],
  [2000, 10],
  [1000, 8],
  [500, 6],
  [200, 5],
  [50, 4],
  [0, 2],
] as const;

/** How many of `count` changed pixels move at an iteration (from 0) of a run of `of` iterations. */
export function movedAt(iteration: number, alpha: number, count: number, of: number): number {
  const at = Math.floor((iteration / of) * 10_000);
  const [, divisor] = SCHEDULE.find(([after]) => at > after) ?? [0, 1];
  return Math.max(Math.floor((alpha / divisor) * count), 1);
}

async function runSparseRs(sample: Sample, { queries, restarts, alpha }: SparseRsSettings): Promise<void> {
  for (let left = restarts, spent = 0; left > 0; left--) {
    const share = Math.floor((queries - spent) / left);
    if (share > 0) await search(sample, share, alpha);
    spent += share;
  }
}

/** One search, from a random start unless one is given. `places`: the changed pixels first (the set M), then all others. */
async function search(sample: Sample, queries: number, alpha: number, start?: Float32Array): Promise<void> {
  const { x0, threat, rng } = sample;
  const places = rng.shuffle(freeUnits(threat.mask, x0.length, threat.unit));
  const count = Math.min(threat.effectiveEpsilon, places.length);
  if (count === 0) return;
  let best: Float32Array = Float32Array.from(start ?? x0);
  if (start === undefined) for (const place of places.slice(0, count)) recolor(sample, best, place);
  else {
    const changed = (place: number) => {
      const at = place * threat.unit;
      return Number(x0.subarray(at, at + threat.unit).some((value, i) => value !== start[at + i]));
    };
    places.sort((a, b) => changed(b) - changed(a));
  }
  let candidate: Float32Array = Float32Array.from(best);
  let loss = sample.margin((await sample.scores(best)).scores);
  for (let i = 1; i < queries; i++) {
    candidate.set(best);
    const moved = movedAt(i, alpha, count, queries);
    const swaps = propose(sample, places, count, Math.min(moved, count), candidate);
    const candidateLoss = sample.margin((await sample.scores(candidate)).scores);
    // A success would have ended the attempt; one that was rejected (rounding) is still worth keeping.
    if (candidateLoss >= loss && candidateLoss > 0) continue;
    loss = candidateLoss;
    [best, candidate] = [candidate, best];
    for (const [inside, outside] of swaps) [places[inside], places[outside]] = [places[outside]!, places[inside]!];
  }
}

/** Takes `moved` pixels back to their clean color and changes as many others; returns what is to be swapped in `places` if this is kept. */
function propose(
  sample: Sample,
  places: readonly number[],
  count: number,
  moved: number,
  out: Float32Array,
): readonly (readonly [number, number])[] {
  const { x0, threat, rng } = sample;
  const given = randomSubset(count, moved, rng);
  const taken = randomSubset(places.length - count, Math.min(moved, places.length - count), rng);
  return given.map((inside, i) => {
    // With no place left outside, the pixel keeps its own and is given another color.
    const outside = taken[i] === undefined ? inside : count + taken[i];
    const from = places[inside]! * threat.unit;
    for (let at = from; at < from + threat.unit; at++) out[at] = x0[at]!;
    recolor(sample, out, places[outside]!);
    return [inside, outside] as const;
  });
}

/** Draws of a color before one that changes nothing is let through. */
const DRAWS = 8;

/** A random corner of the color cube. */
function recolor({ x0, threat, rng }: Sample, x: Float32Array, place: number): void {
  const from = place * threat.unit;
  const to = from + threat.unit;
  for (let draw = 0; draw < DRAWS; draw++) {
    let changed = false;
    for (let i = from; i < to; i++) {
      if (threat.mask?.[i] === 0) continue;
      x[i] = bit(rng);
      changed ||= x[i] !== x0[i];
    }
    if (changed) return;
  }
}

function bit(rng: Rng): number {
  return Number(rng.sign() > 0);
}

export const sparseRs = defineAttack<SparseRsSettings>({
  name: "sparse-rs",
  knowledge: "score",
  summary: "random search over the places and colors of a few pixels, on scores alone",
  source: "Sparse-RS: a versatile framework for query-efficient sparse black-box adversarial attacks, arXiv:2006.12834",
  defaults: { queries: 5000, restarts: 1, alpha: 0.3 },
  norms: ["l0"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runSparseRs,
});

export type WarmSparseRsSettings = {
  /** For each start. */
  readonly queries: number;
  readonly alpha: number;
};

/** Sparse-RS from inputs that fooled another version: few pixels move at a time, so that what is right already stays. */
export const sparseRsWarm = defineAttack<WarmSparseRsSettings>({
  name: "sparse-rs-warm",
  knowledge: "score",
  summary: "random search over places and colors, from few-pixel inputs that fooled another version of the model",
  source: sparseRs.source,
  defaults: { queries: 500, alpha: 0.1 },
  norms: ["l0"],
  warm: true,
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  async run(sample, { queries, alpha }) {
    for (const start of sample.starts)
      await search(sample, queries, alpha, sample.threat.project(Float32Array.from(start), sample.x0));
  },
});
