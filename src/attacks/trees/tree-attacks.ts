/**
 * Attacks on ensembles of decision trees by what their file says: scores are constant between cuts, so that gradients and small noise do nothing, and the nearest
 * point of each region is known. Trees are read, not asked: queries are only the points that are believed to succeed.
 */
import type { TreeEnsemble } from "../../models/classifier.ts";
import type { RowLimits, Threat } from "../../threats/threat.ts";
import { type Conclusion, defineAttack, type Sample } from "../attack.ts";
import { Forest } from "./forest.ts";
import { descend, nearest, type Search } from "./search.ts";
import {
  cutsOf,
  floatBeside,
  rowPlace,
  rowSpace,
  type SearchSpace,
  type State,
  vectorPlace,
  vectorSpace,
} from "./search-space.ts";

export type TreeThresholdSettings = { readonly starts: number };
export type TreeExactSettings = TreeThresholdSettings & {
  /** Parts of the space that are looked at, at most: with more left, nothing is said to be proved. */
  readonly parts: number;
};

/** The cuts of an ensemble, once for all samples: by the space of rows, or for plain coordinates. */
const known = new WeakMap<TreeEnsemble, Map<RowLimits["space"] | null, { forest: Forest; cuts: Float32Array[] }>>();

function forestOf(ensemble: TreeEnsemble, { rows }: Threat, axes: number) {
  const bySpace = known.get(ensemble) ?? new Map<RowLimits["space"] | null, { forest: Forest; cuts: Float32Array[] }>();
  known.set(ensemble, bySpace);
  const space = rows?.space ?? null;
  let placed = bySpace.get(space);
  if (placed === undefined) {
    const cuts = cutsOf(ensemble, axes);
    placed = { cuts, forest: new Forest(ensemble, rows === undefined ? vectorPlace(cuts) : rowPlace(rows)) };
    bySpace.set(space, placed);
  }
  return placed;
}

function searchOf({ trees, x0, threat, label, goalClasses }: Sample): Search {
  const { forest, cuts } = forestOf(trees!, threat, x0.length);
  const { rows } = threat;
  const space = rows === undefined ? vectorSpace(threat, x0, cuts) : rowSpace(rows, threat.effectiveEpsilon, x0, cuts);
  return { forest, space, wanted: { label, wins: goalClasses } };
}

async function runThresholds(sample: Sample, { starts }: TreeThresholdSettings): Promise<void> {
  const search = searchOf(sample);
  const found = descend(search, starts, sample.rng);
  if (found !== null) await ask(sample, search.space, found, NUDGES);
}

async function runExact(sample: Sample, { starts, parts }: TreeExactSettings): Promise<Conclusion> {
  const search = searchOf(sample);
  const { space } = search;
  const { best, ties, proved } = nearest(search, descend(search, starts, sample.rng), parts);
  // All ties are asked that a claim rests on; a model that yields ends the attempt here.
  const asked = ties.slice(0, MOST_TIES);
  for (const state of asked) await ask(sample, space, state, [0]);
  const denied = best !== null && !(await ask(sample, space, best, NUDGES));
  return !denied && asked.length === ties.length && !space.within(proved) ? "exhausted" : undefined;
}

/** Points where the sums are as good as equal that the model is asked for. */
const MOST_TIES = 16;
/** Steps of float32 behind a cut that are tried where a model rounds otherwise on the way to its trees. */
const NUDGES = [0, 1, 2, 4, 8, 16];

/** Asks the model for a state, and for points a hair further. Whether it was misled. */
async function ask(sample: Sample, space: SearchSpace, state: State, nudges: readonly number[]): Promise<boolean> {
  const point = space.point(state);
  for (const steps of sample.threat.rows === undefined ? nudges : [0]) {
    const { scores } = await sample.scores(nudged(point, sample.x0, steps));
    if (sample.reached(scores)) return true;
  }
  return false;
}

function nudged(point: Float32Array, x0: Float32Array, steps: number): Float32Array {
  if (steps === 0) return point;
  return point.map((x, i) => (x === x0[i] ? x : Math.min(1, floatBeside(x, x > x0[i]! ? steps : -steps))));
}

const common = {
  knowledge: "white-box",
  reads: "trees",
  norms: ["linf", "l2", "l0", "fields"],
  unsuitable: ({ threat, dims }: { threat: Threat; dims: readonly number[] }) =>
    threat.quantize === "uint8" || dims.length > 1
      ? "works for vectors and rows, not for 8-bit inputs or images"
      : null,
} as const;

export const treeThresholds = defineAttack<TreeThresholdSettings>({
  ...common,
  name: "tree-thresholds",
  summary: "trees: greedy search over the thresholds in the file, in a ball that shrinks below each success",
  source:
    "An Efficient Adversarial Attack for Tree Ensembles, arXiv:2010.11598 (its idea: search what the leaves tell apart)",
  defaults: { starts: 4 },
  cost: () => ({ queries: NUDGES.length, gradients: 0 }),
  run: runThresholds,
});

export const treeExact = defineAttack<TreeExactSettings>({
  ...common,
  name: "tree-exact",
  summary:
    "trees: the nearest point of another class by branch and bound, proved to be the nearest where the search ends",
  source:
    "Evasion and Hardening of Tree Ensemble Classifiers, arXiv:1509.07892 (the same optimum, by branch and bound)",
  defaults: { starts: 4, parts: 20_000 },
  cost: () => ({ queries: MOST_TIES + NUDGES.length, gradients: 0 }),
  run: runExact,
});
