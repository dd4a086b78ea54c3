import type { Rng } from "../base/rng.ts";
import { fewerFields, nearerNumbers } from "../inputs/row/shrink.ts";
import type { LossName, TreeEnsemble } from "../models/classifier.ts";
import { predictedClass } from "../threats/goal.ts";
import type { RowLimits, Threat } from "../threats/threat.ts";
import {
  AttemptOver,
  type Evaluation,
  type GradientEvaluation,
  type LabelSample,
  type QueryOptions,
  type Sample,
  type SurrogateView,
} from "./attack.ts";
import type { Batcher, RowResult } from "./batcher.ts";
import { countOf, type Inputs, partOf, pointAt } from "./inputs.ts";
import type { AttemptRecord, PlannedAttack, VerifiedCandidate } from "./record.ts";
import { fewestEdits } from "./text/fewest-edits.ts";

/** Hard limits for one attempt: asking for more ends it. */
export interface AttemptBudget {
  readonly queries?: number;
  readonly gradients?: number;
}

/** A correctly classified sample, with what all attempts on it share. */
export interface Subject {
  readonly x0: Float32Array;
  readonly label: number;
  readonly cleanScores: Float32Array;
  /** Classes that count as success, likeliest first. Not empty. */
  readonly goalClasses: readonly number[];
  /** Where warm attacks begin. */
  readonly starts: readonly Float32Array[];
}

/** What attempts run against. */
export interface Arena {
  readonly threat: Threat;
  readonly dims: readonly number[];
  readonly classes: number;
  readonly target: Batcher;
  readonly surrogate: Batcher | null;
  readonly trees: TreeEnsemble | null;
  readonly textKey: LabelSample["textKey"];
  /** Whether each query costs money: nothing is asked that need not be. */
  readonly oneByOne?: boolean;
  readonly budget: AttemptBudget;
}

/** Rows of the batches in which an attack asks that knows what it will ask. */
const FIRST_BATCH = 8;
const MOST_BATCH = 512;

/** Rejected candidates that are remembered, so that a point to which an attack returns is not verified again. */
const REMEMBERED = 2;

/**
 * Runs one attack on one sample to its end. Throws only when the run is stopped (`AttemptOver`); what an attack or a pass throws becomes the
 * outcome `error`.
 */
export async function runAttempt(
  arena: Arena,
  subject: Subject,
  { definition, settings }: PlannedAttack,
  rng: Rng,
): Promise<AttemptRecord> {
  const attempt = new Attempt(arena, subject, rng);
  let outcome: AttemptRecord["outcome"] = "resisted";
  let detail: string | undefined;
  let exhausted = false;
  try {
    exhausted = (await definition.run(attempt, settings)) === "exhausted";
  } catch (error) {
    if (!(error instanceof AttemptOver)) {
      outcome = "error";
      detail = error instanceof Error ? error.message : String(error);
    } else if (error.reason === "budget") outcome = "skipped";
    else if (error.reason === "stopped") throw error;
  }
  if (attempt.found !== null) outcome = "fooled";
  return {
    attack: definition.name,
    knowledge: definition.knowledge,
    outcome,
    queries: attempt.queries,
    gradients: attempt.gradients,
    verifications: attempt.verifications,
    rejected: attempt.rejected,
    seconds: attempt.seconds,
    found: attempt.found,
    nearest: attempt.found === null ? attempt.nearest : null,
    ...(detail === undefined ? {} : { detail }),
    ...(exhausted && outcome === "resisted" ? { exhausted } : {}),
  };
}

/** The sample as its attack sees it: counts, judges and ends. */
class Attempt implements Sample {
  queries = 0;
  gradients = 0;
  verifications = 0;
  rejected = 0;
  seconds = 0;
  found: VerifiedCandidate | null = null;
  nearest: AttemptRecord["nearest"] = null;

  readonly x0: Float32Array;
  readonly dims: readonly number[];
  readonly label: number;
  readonly target: number | null;
  readonly goalClasses: readonly number[];
  readonly classes: number;
  readonly threat: Threat;
  readonly rng: Rng;
  readonly cleanScores: Float32Array;
  readonly textKey: LabelSample["textKey"];
  readonly starts: readonly Float32Array[];
  readonly trees: TreeEnsemble | null;
  readonly surrogate: SurrogateView | null;
  private readonly arena: Arena;
  /** 1 for the classes that count as success. */
  private readonly wins: Uint8Array;
  private readonly rejectedPoints: Float32Array[] = [];

  constructor(arena: Arena, subject: Subject, rng: Rng) {
    this.arena = arena;
    this.x0 = subject.x0;
    this.label = subject.label;
    this.cleanScores = subject.cleanScores;
    this.goalClasses = subject.goalClasses;
    this.starts = subject.starts;
    this.dims = arena.dims;
    this.classes = arena.classes;
    this.threat = arena.threat;
    this.textKey = arena.textKey;
    this.trees = arena.trees;
    this.rng = rng;
    this.target = arena.threat.goal.kind === "untargeted" ? null : subject.goalClasses[0]!;
    this.wins = new Uint8Array(arena.classes);
    for (const index of subject.goalClasses) this.wins[index] = 1;
    this.surrogate = arena.surrogate === null ? null : this.viewOf(arena.surrogate);
  }

  async scores(x: Float32Array, options?: QueryOptions): Promise<Evaluation> {
    this.spend(false);
    const result = this.charge(await this.arena.target.scores(x));
    if (options?.judge !== false && this.reached(result.scores)) await this.judge(x);
    return result;
  }

  async misleads(x: Float32Array): Promise<boolean> {
    return this.reached((await this.scores(x)).scores);
  }

  async misleadsAny(inputs: Inputs): Promise<boolean> {
    const { classes } = this;
    const scores = await this.scoresOf(inputs);
    for (let from = 0; from < scores.length; from += classes)
      if (this.reached(scores.subarray(from, from + classes))) return true;
    return false;
  }

  async scoresOf(inputs: Inputs): Promise<Float32Array> {
    const size = this.x0.length;
    const count = countOf(inputs, size);
    const { classes } = this;
    const all = new Float32Array(count * classes);
    let batch = this.arena.oneByOne ? 1 : FIRST_BATCH;
    for (let from = 0; from < count; ) {
      this.spend(false);
      const most = Math.min(count - from, batch, (this.arena.budget.queries ?? Infinity) - this.queries + 1);
      this.queries += most - 1;
      const { scores, seconds } = await this.arena.target.scoresOf(partOf(inputs, from, from + most, size));
      this.seconds += seconds;
      all.set(scores, from * classes);
      for (let i = 0; i < most; i++)
        if (this.reached(scores.subarray(i * classes, (i + 1) * classes)))
          await this.judge(pointAt(inputs, from + i, size));
      from += most;
      if (!this.arena.oneByOne) batch = Math.min(MOST_BATCH, 2 * batch);
    }
    return all;
  }

  async gradient(
    x: Float32Array,
    loss: LossName,
    options?: QueryOptions & { readonly target?: number },
  ): Promise<GradientEvaluation> {
    this.spend(true);
    const result = this.charge(await this.arena.target.gradient(x, loss, this.label, options?.target));
    if (options?.judge !== false && this.reached(result.scores)) await this.judge(x);
    return result;
  }

  reached(scores: Float32Array): boolean {
    return this.wins[predictedClass(scores)] === 1;
  }

  margin(scores: Float32Array): number {
    let bestWinning = -Infinity;
    let bestOther = -Infinity;
    for (let i = 0; i < scores.length; i++)
      if (this.wins[i] === 1) bestWinning = Math.max(bestWinning, scores[i]!);
      else bestOther = Math.max(bestOther, scores[i]!);
    return bestOther - bestWinning;
  }

  private viewOf(surrogate: Batcher): SurrogateView {
    return {
      scores: async (x) => this.charge(await surrogate.scores(x)),
      gradient: async (x, loss, options) => this.charge(await surrogate.gradient(x, loss, this.label, options?.target)),
    };
  }

  /** Counts a query before it is made. */
  private spend(gradient: boolean): void {
    if (this.found !== null) throw new AttemptOver("fooled");
    const { queries = Infinity, gradients = Infinity } = this.arena.budget;
    if (this.queries >= queries || (gradient && this.gradients >= gradients)) throw new AttemptOver("budget");
    this.queries++;
    if (gradient) this.gradients++;
  }

  private charge(result: RowResult): RowResult {
    this.seconds += result.seconds;
    return result;
  }

  /**
   * Whether what the model just called a success is one: as the deployed model would receive it, inside every constraint, and for the original
   * model alone. If so the attempt is over; if not, the attack goes on.
   */
  private async judge(x: Float32Array): Promise<void> {
    if (this.found !== null) throw new AttemptOver("fooled");
    const { threat, x0 } = this;
    const distance = threat.distance(x, x0);
    if (distance > threat.effectiveEpsilon * (1 + 1e-5) + 1e-6) {
      // A minimum-norm attack on its way: no candidate, and rounding it into the ball would be a query of another point.
      if (distance < (this.nearest?.distance ?? Infinity)) this.nearest = { point: Float32Array.from(x), distance };
      return;
    }
    const point = threat.deployable(x, x0);
    if (this.rejectedPoints.some((seen) => sameValues(seen, point))) return;
    if (threat.violation(point, x0) !== null) return this.reject(point);
    // Rounding made another point of it: a batched pass sorts out most that are lost by that.
    if (!sameValues(point, x)) {
      this.verifications++;
      if (!this.reached(this.charge(await this.arena.target.scores(point)).scores)) return this.reject(point);
    }
    this.verifications++;
    const original = await this.arena.target.verify(point);
    this.seconds += original.seconds;
    if (!this.reached(original.scores)) return this.reject(point);
    const { scores, point: smallest } = await this.shrunk(point, original.scores);
    this.found = {
      point: smallest,
      scores,
      predicted: predictedClass(scores),
      distance: threat.distance(smallest, x0),
      ...(threat.rows === undefined ? {} : { cost: costOf(threat.rows, smallest, x0) }),
    };
    throw new AttemptOver("fooled");
  }

  /**
   * Of a row or a text that misleads, the fewest of its changes that do, each as near to the clean value as it may be: a finding is read by people. Takes a
   * few passes that verify; a model that is paid by the query is not asked for them.
   */
  private async shrunk(
    point: Float32Array,
    scores: Float32Array,
  ): Promise<{ readonly point: Float32Array; readonly scores: Float32Array }> {
    const { threat, x0, arena } = this;
    if (threat.text !== undefined && !arena.oneByOne) return this.withoutNeedlessEdits(point, scores);
    if (threat.rows === undefined || arena.oneByOne) return { point, scores };
    const { space, legal } = threat.rows;
    const clean = space.levels(x0);
    let best = { point, scores };
    const keeps = async (levels: Int32Array): Promise<boolean> => {
      if (!legal(levels, clean)) return false;
      const candidate = space.point(levels);
      this.verifications++;
      const answer = await arena.target.verify(candidate);
      this.seconds += answer.seconds;
      if (!this.reached(answer.scores)) return false;
      best = { point: candidate, scores: answer.scores };
      return true;
    };
    const fewer = await fewerFields(space, space.levels(point), clean, keeps);
    await nearerNumbers(space, fewer, clean, keeps);
    return best;
  }

  private withoutNeedlessEdits(point: Float32Array, scores: Float32Array) {
    const { classes } = this;
    const { target } = this.arena;
    const promising = async (texts: readonly string[]) => {
      this.verifications += texts.length;
      const { scores: all, seconds } = await target.scoresOf(texts);
      this.seconds += seconds;
      return texts.map((_, i) => this.reached(all.subarray(i * classes, (i + 1) * classes)));
    };
    const confirmed = async (candidate: Float32Array) => {
      this.verifications++;
      const answer = await target.verify(candidate);
      this.seconds += answer.seconds;
      return this.reached(answer.scores) ? answer.scores : null;
    };
    return fewestEdits({ point, scores }, this.x0, this.threat, promising, confirmed);
  }

  private reject(point: Float32Array): void {
    this.rejected++;
    this.rejectedPoints.push(point);
    if (this.rejectedPoints.length > REMEMBERED) this.rejectedPoints.shift();
  }
}

function costOf({ space }: RowLimits, x: Float32Array, x0: Float32Array): number {
  return space.cost(space.levels(x), space.levels(x0));
}

function sameValues(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
