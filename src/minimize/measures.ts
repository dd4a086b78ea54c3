import { Rng } from "../base/rng.ts";
import { type Interval, wilson95 } from "../base/statistics.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import type { Judge, Subject } from "./search.ts";

const RAY_STEPS = 10;
const JITTERS = 32;
/** Radius of the noise for stability: one grey level. */
export const NOISE_RADIUS = 1 / 255;

/** Where the ray from the clean side to a misclassified input first leaves the true class, by bisection. */
export interface RayDistance {
  /** An upper bound on the distance to the boundary, in the threat's norm. */
  readonly distance: number;
  readonly queries: number;
}

/**
 * The nearest misclassified point that bisection finds on the way from the clean side, in the threat's own norm. Points on the way are
 * rounded to what can be deployed. An upper bound: the boundary may be nearer elsewhere, and the ray may cross it more than once.
 */
export async function rayDistance(
  { clean, wrong, threat }: Subject & { readonly threat: Threat },
  label: number,
  judge: Judge,
): Promise<RayDistance> {
  let [low, high] = [0, 1];
  let nearest = wrong;
  for (let step = 0; step < RAY_STEPS; step++) {
    const middle = (low + high) / 2;
    const x = threat.deployable(
      wrong.map((value, i) => clean[i]! + middle * (value - clean[i]!)),
      clean,
    );
    if (predictedClass(await judge.probabilities(x)) === label) low = middle;
    else [high, nearest] = [middle, x];
  }
  return { distance: threat.distance(nearest, clean), queries: RAY_STEPS };
}

/** Share of small random changes that leave an input in its wrong class. */
export interface Stability {
  readonly share: number;
  readonly sampling95: Interval;
  readonly queries: number;
}

/** Asks 32 times with every value one grey level up or down at random (float inputs: uniform within that radius). */
export async function stability(
  { id, wrong, codec }: Pick<Subject, "id" | "wrong" | "codec">,
  predicted: number,
  judge: Judge,
): Promise<Stability> {
  const rng = Rng.of(Number.parseInt(id.slice(0, 12), 16)).fold("stability");
  const answers = Array.from({ length: JITTERS }, async (_, i) => {
    const draw = rng.fold(i);
    const step = () => (codec.quantize === "uint8" ? draw.sign() : 2 * draw.uniform() - 1);
    const x = wrong.map((value) => Math.min(1, Math.max(0, value + step() * NOISE_RADIUS)));
    return predictedClass(await judge.probabilities(x)) === predicted;
  });
  const same = (await Promise.all(answers)).filter(Boolean).length;
  return { share: same / JITTERS, sampling95: wilson95(same, JITTERS), queries: JITTERS };
}
