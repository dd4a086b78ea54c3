import type { Rng } from "../base/rng.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { verifiedGap } from "./minimize.ts";
import { gapOf, type Judge, type Limits, Search, SearchOver, type Stop, type Subject } from "./search.ts";

/** Margin on probabilities at which an input counts as well inside the wrong class. */
export const WITNESS_GAP = 0.4;
/** How far beyond the input its ray from the clean side is followed, as multiples of the way. */
const BEYOND = [1.25, 1.5, 2, 3] as const;
const GRADIENT_STEPS = 20;
const RANDOM_STEPS = 240;
/** First step, as a share of the ball's radius. */
const FIRST_STEP = 1 / 4;

/** An input that lies well inside the wrong class. */
export interface Witness {
  readonly point: Float32Array;
  readonly predicted: number;
  /** From the original model. */
  readonly gap: number;
  readonly queries: number;
  /** `reached`: the margin is there; `local-minimum`: nothing more was found inside the threat. */
  readonly stop: Stop | "reached";
}

/**
 * Goes on past the boundary, inside the threat, until the wrong class leads by `WITNESS_GAP`: what the next version, or other rounding, flips by
 * accident is no evidence. First along the ray, then up the gradient of the lead, or by random steps where there is none.
 * @returns null where the model does not make the mistake
 */
export async function strengthened(
  subject: Subject & { readonly threat: Threat },
  label: number,
  judge: Judge,
  limits: Limits,
): Promise<Witness | null> {
  const after = await judge.probabilities(subject.wrong);
  const wrong = predictedClass(after);
  if (wrong === label) return null;
  const start = { wrong, label, gap: gapOf(after, wrong) };
  // For what is spent and what was tried; which input is best is decided here.
  const search = new Search(subject, judge, { rank: () => [] }, limits, start);
  let best = { point: subject.wrong, gap: start.gap };
  let stop: Witness["stop"] = "local-minimum";
  try {
    for (const walk of [alongRay, judge.gradient === undefined ? randomly : uphill])
      for await (const x of walk(search, subject.threat, () => best.point)) {
        const { gap } = best.gap >= WITNESS_GAP ? best : await search.verdict(x);
        if (gap >= WITNESS_GAP) stop = "reached";
        if (gap > best.gap) best = { point: x, gap };
        if (stop === "reached") break;
      }
  } catch (error) {
    if (!(error instanceof SearchOver)) throw error;
    stop = error.reason;
  }
  for (const point of new Set([best.point, subject.wrong])) {
    const gap = await verifiedGap(subject, judge, wrong, point);
    if (gap !== null) return { point, predicted: wrong, gap, queries: search.queries + 1, stop };
  }
  return null;
}

/** Candidates, each made after the one before it was judged; `best` is the best of all so far. */
type Walk = (search: Search, threat: Threat, best: () => Float32Array) => AsyncGenerator<Float32Array>;

const alongRay: Walk = async function* ({ subject: { clean, wrong } }, threat) {
  for (const times of BEYOND) {
    const x = wrong.map((value, i) => clean[i]! + times * (value - clean[i]!));
    yield threat.deployable(threat.project(x, clean), clean);
  }
};

/** Steps of projected steepest ascent on the lead, halved where one gains nothing. */
const uphill: Walk = async function* (search, threat, best) {
  const { clean } = search.subject;
  // Where the ball counts units, a step is a number of these.
  const counts = threat.norm === "l0" || threat.norm === "fields";
  let length = counts ? 1 : FIRST_STEP * threat.effectiveEpsilon;
  let at: Float32Array | null = null;
  let gradient: Float32Array = new Float32Array(0);
  for (let step = 0; step < GRADIENT_STEPS; step++) {
    const from = best();
    if (from === at) {
      if (counts) return;
      length /= 2;
    } else gradient = (await search.gradient(from))!;
    at = from;
    yield threat.deployable(threat.ascend(from, gradient, length, clean), clean);
  }
};

/** Runs of neighboring coordinates pushed to a side of the ball, fewer and fewer; no more runs than there are coordinates to push. */
const randomly: Walk = async function* (search, threat, best) {
  const { clean } = search.subject;
  const rng: Rng = search.rng.fold("witness");
  const free = clean.reduce((count, _, i) => count + Number(threat.mask?.[i] !== 0), 0);
  const steps = Math.min(RANDOM_STEPS, free);
  for (let step = 0; step < steps; step++) {
    const far = threat.randomBoundaryPoint(clean, rng);
    const width = Math.max(1, Math.round(clean.length / 2 ** (1 + (6 * step) / steps)));
    const start = rng.integer(clean.length - width + 1);
    const x = best().map((value, i) => (i >= start && i < start + width ? far[i]! : value));
    yield threat.deployable(threat.project(x, clean), clean);
  }
};
