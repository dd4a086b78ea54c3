import { predictedClass } from "../threats/goal.ts";
import {
  type Guarantee,
  gapOf,
  type Judge,
  type Limits,
  Search,
  SearchOver,
  type Stop,
  type Strategy,
  type Subject,
} from "./search.ts";

/** Times that the result is asked again, from its stored bytes. */
const VERIFICATIONS = 3;
/** How far the original model, alone, may be below the floor that a batched pass showed: kernels differ in the last digits. */
const ROUNDING = 1e-3;

/** A shrunk input. */
export interface Minimized {
  readonly state: "minimized";
  readonly point: Float32Array;
  readonly predicted: number;
  /** Margin over the runner-up that every accepted candidate kept; 0 where only labels are known. */
  readonly floor: number;
  /** Margin of the result, from the original model. */
  readonly gap: number;
  readonly queries: number;
  readonly gradients: number;
  readonly stop: Stop;
  readonly guarantee: Guarantee;
  /** Other wrong classes met on the way. */
  readonly met: ReadonlyMap<number, Float32Array>;
}

/** Nothing to shrink: the model does not make this mistake. */
export interface NotReproduced {
  readonly state: "not reproduced";
  readonly why: string;
}

/**
 * The simplest input found, by the strategy's order, for which the model makes the same mistake with a margin. Deterministic by the sample's id; whatever
 * ends it, the best so far is the result, and it was asked of the original model as it is stored.
 * @param label true class; the clean side must still be taken for it
 * @param onBest each improvement, as soon as it is made: what an interrupted minimization leaves
 */
export async function minimize(
  subject: Subject,
  label: number,
  judge: Judge,
  strategy: Strategy,
  limits: Limits,
  onBest?: (best: Float32Array) => void,
): Promise<Minimized | NotReproduced> {
  const [before, after] = await Promise.all([judge.probabilities(subject.clean), judge.probabilities(subject.wrong)]);
  const wrong = predictedClass(after);
  if (predictedClass(before) !== label) return { state: "not reproduced", why: "the clean side is misclassified too" };
  if (wrong === label) return { state: "not reproduced", why: "the model gets the input right" };
  const search = new Search(subject, judge, strategy, limits, { wrong, label, gap: gapOf(after, wrong) }, onBest);
  let stop: Stop = "local-minimum";
  let guarantee: Guarantee = "none";
  try {
    guarantee = await strategy.run(search);
  } catch (error) {
    if (!(error instanceof SearchOver)) throw error;
    stop = error.reason;
  }
  const { floor, queries, gradients, met } = search;
  for (const [back, point] of [search.best, ...search.earlier.toReversed(), subject.wrong].entries()) {
    const gap = await verifiedGap(subject, judge, wrong, point);
    if (gap === null || (point !== subject.wrong && gap < floor - ROUNDING)) continue;
    const sure = back === 0 ? guarantee : "none";
    return { state: "minimized", point, predicted: wrong, floor, gap, queries, gradients, stop, guarantee: sure, met };
  }
  return { state: "not reproduced", why: "the original model, alone, gets the input right" };
}

/** The margin that the original model gives, asked several times from the stored bytes; null if it ever takes the input for another class. */
export async function verifiedGap(
  { codec }: Pick<Subject, "codec">,
  judge: Pick<Judge, "verify">,
  wrong: number,
  point: Float32Array,
): Promise<number | null> {
  const stored = await codec.decode((await codec.encode(point)).bytes);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < VERIFICATIONS; i++) {
    const shares = await judge.verify(stored);
    if (predictedClass(shares) !== wrong) return null;
    least = Math.min(least, gapOf(shares, wrong));
  }
  return least;
}
