/**
 * Shrinking a misclassified input toward its clean side: the part that is the same for every modality.
 *
 * How to add a modality: write a `Strategy` (`rows.ts`, `text.ts`) and name it in `strategies.ts`.
 * - `rank` is its total order: what "simpler" means, as numbers compared left to right.
 * - `run` asks `search.keeps(x)` about candidates, as often as it likes. Each that keeps the mistake and is simpler than the best so far becomes
 *   `search.best`. Nothing else can: a candidate that is not representable, leaves the threat, is taken for another class or has too small a margin is
 *   refused without regard to how near it came. When queries, time or patience are spent, `keeps` throws `SearchOver`, which a strategy must not catch:
 *   what is best by then is the result.
 * - Changes that can be taken back each on its own are `Atoms` (`atoms.ts`); the searches over them (`subsets.ts`, `prefixes.ts`) serve all modalities.
 */

import { sha256 } from "../base/hash.ts";
import { Rng } from "../base/rng.ts";
import type { Codec } from "../inputs/codec.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";

/** The model, as a minimization asks it. One row at a time: whoever owns the model may pack the rows of many samples into batches. */
export interface Judge {
  /** With labels alone a margin means nothing: stability takes its place. */
  readonly output: "scores" | "label";
  /** Shares of the classes, from a batched pass. The array is the caller's; the row is copied. */
  probabilities(x: Float32Array): Promise<Float32Array>;
  /** Gradient, with respect to x, of the logit of `wrong` minus the largest other. Absent where there are no gradients. */
  gradient?(x: Float32Array, wrong: number): Promise<Float32Array>;
  /** Shares of the classes from the original model, alone: what decides in the end. */
  verify(x: Float32Array): Promise<Float32Array>;
}

/** A misclassified input and what it was made from. */
export interface Subject {
  /** Of the sample: all random choices follow from it. */
  readonly id: string;
  readonly clean: Float32Array;
  readonly wrong: Float32Array;
  readonly codec: Codec;
  readonly threat: Pick<Threat, "norm" | "violation" | "deployable" | "rows">;
}

export interface Limits {
  /** Rows through the model, gradients included; the two that look at the start and the three that verify the result are not counted. */
  readonly queries: number;
  /** Queries without progress after which a search gives up, unless it counts what is left. */
  readonly stall: number;
  /** Milliseconds by `now`. */
  readonly deadline?: number;
  readonly now?: () => number;
  readonly signal?: AbortSignal;
}

/** Why a search ended: see `Limits`. */
export type Stop = "local-minimum" | "stall" | "budget" | "deadline" | "aborted";

/**
 * What is sure of a result. `1-minimal`: none of its changes can be taken back alone. `subset-minimal`: no smaller set of the changes does, by
 * trying all. `none`: the search was stopped before it knew.
 */
export type Guarantee = "1-minimal" | "subset-minimal" | "none";

/** Smaller is simpler; equal ranks are told apart by canonical bytes. */
export type Rank = readonly number[];

export interface Strategy {
  readonly name: string;
  /** The first number counts what people count: pixels, fields, words. */
  rank(x: Float32Array, subject: Subject): Rank;
  run(search: Search): Promise<Guarantee>;
}

/** Thrown by `Search` when it is over. Not an error. */
export class SearchOver extends Error {
  readonly reason: Exclude<Stop, "local-minimum">;
  constructor(reason: Exclude<Stop, "local-minimum">) {
    super(reason);
    this.name = "SearchOver";
    this.reason = reason;
  }
}

/** What the model says of a candidate. */
export interface Verdict {
  readonly keeps: boolean;
  /** Share of the wrong class minus the largest other; negative once it is another class. NaN where the model was not asked. */
  readonly gap: number;
}

/** The margin floor is `MOST_FLOOR`, or this part of the start's own margin. */
const FLOOR_SHARE = 2 / 3;
const MOST_FLOOR = 0.3;
/** Answers that must agree where only labels are known. */
const REPEATS = 2;
const JITTERS = 4;
const REFUSED: Verdict = { keeps: false, gap: Number.NaN };

/** Least margin that a shrunk input must keep over the runner-up, so that it does not lie on the boundary itself. */
export function marginFloor(gap: number): number {
  return Math.min(MOST_FLOOR, FLOOR_SHARE * gap);
}

/** Share of `wrong` minus the largest other share. */
export function gapOf(shares: Float32Array, wrong: number): number {
  let other = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < shares.length; i++) if (i !== wrong && shares[i]! > other) other = shares[i]!;
  return shares[wrong]! - other;
}

/** One minimization: the best so far, what was asked, and what may still be. */
export class Search {
  readonly subject: Subject;
  /** The class that the input is wrongly taken for. */
  readonly wrong: number;
  readonly floor: number;
  readonly judge: Judge;
  /** Simplest input so far that keeps the mistake. */
  best: Float32Array;
  /** The inputs that were best before, latest last; few. */
  readonly earlier: Float32Array[] = [];
  /** Other wrong classes that were met on the way, each with the first input that was taken for it. */
  readonly met = new Map<number, Float32Array>();
  readonly rng: Rng;
  queries = 0;
  gradients = 0;
  private readonly strategy: Pick<Strategy, "rank">;
  private readonly limits: Limits;
  private readonly label: number;
  private readonly onBest: (best: Float32Array) => void;
  private readonly known = new Map<string, Promise<Verdict>>();
  private bestRank: Rank;
  private bestBytes: Uint8Array;
  private lastGain = 0;

  constructor(
    subject: Subject,
    judge: Judge,
    strategy: Pick<Strategy, "rank">,
    limits: Limits,
    start: { readonly wrong: number; readonly label: number; readonly gap: number },
    onBest: (best: Float32Array) => void = () => {},
  ) {
    this.subject = subject;
    this.judge = judge;
    this.strategy = strategy;
    this.limits = limits;
    this.wrong = start.wrong;
    this.label = start.label;
    this.floor = judge.output === "label" ? 0 : marginFloor(start.gap);
    this.onBest = onBest;
    this.rng = Rng.of(Number.parseInt(subject.id.slice(0, 12), 16)).fold("minimize");
    this.best = subject.wrong;
    this.bestRank = strategy.rank(subject.wrong, subject);
    this.bestBytes = subject.codec.canonical(subject.wrong);
  }

  /** Queries that may still be asked. */
  get left(): number {
    return this.limits.queries - this.queries;
  }

  /** Whether this candidate keeps the mistake; asked once, however often it comes. It becomes the best if it is simpler than that. */
  async keeps(x: Float32Array): Promise<boolean> {
    return (await this.verdict(x)).keeps;
  }

  /** The same, with the margin: what is near to keeping it says something, too. */
  async verdict(x: Float32Array): Promise<Verdict> {
    const { codec, clean, threat } = this.subject;
    if (codec.check(x) !== null || threat.violation(x, clean) !== null) return REFUSED;
    const bytes = codec.canonical(x);
    const key = sha256(bytes);
    let asked = this.known.get(key);
    if (asked === undefined) {
      this.spend();
      asked = this.ask(x);
      this.known.set(key, asked);
    }
    const verdict = await asked;
    if (verdict.keeps) this.consider(x, bytes);
    return verdict;
  }

  /** Gradient of the wrong class's lead over the runner-up; null where the model gives none. One query. */
  async gradient(x: Float32Array): Promise<Float32Array | null> {
    if (this.judge.gradient === undefined) return null;
    this.spend();
    this.gradients++;
    return this.judge.gradient(x, this.wrong);
  }

  /** Patience for so many queries more: whoever calls this counts what is left to try, and will end. */
  persist(queries: number): void {
    this.lastGain = this.queries + queries;
  }

  private spend(): void {
    const { queries, stall, deadline = Number.POSITIVE_INFINITY, now = Date.now, signal } = this.limits;
    if (signal?.aborted) throw new SearchOver("aborted");
    if (this.queries >= queries) throw new SearchOver("budget");
    if (now() >= deadline) throw new SearchOver("deadline");
    if (this.queries - this.lastGain >= stall) throw new SearchOver("stall");
    this.queries++;
  }

  private async ask(x: Float32Array): Promise<Verdict> {
    const shares = await this.judge.probabilities(x);
    const gap = gapOf(shares, this.wrong);
    const predicted = predictedClass(shares);
    if (predicted !== this.wrong) {
      if (predicted !== this.label && !this.met.has(predicted)) this.met.set(predicted, x);
      return { keeps: false, gap };
    }
    if (this.judge.output === "label") return { keeps: await this.stable(x), gap };
    return { keeps: gap >= this.floor, gap };
  }

  /** With labels alone: the same label again, and for small changes of what was changed. */
  private async stable(x: Float32Array): Promise<boolean> {
    const trials = Array.from({ length: REPEATS - 1 }, () => x);
    const { modality } = this.subject.codec;
    if (modality === "image" || modality === "vector")
      for (let i = 0; i < JITTERS; i++) trials.push(this.jittered(x, i));
    for (const trial of trials) {
      this.spend();
      if (predictedClass(await this.judge.probabilities(trial)) !== this.wrong) return false;
    }
    return true;
  }

  /** Every changed coordinate one grey level up or down. */
  private jittered(x: Float32Array, which: number): Float32Array {
    const rng = this.rng.fold("jitter").fold(which);
    const { clean } = this.subject;
    return x.map((value, i) =>
      value === clean[i] ? value : Math.min(1, Math.max(0, Math.fround(value + rng.sign() / 255))),
    );
  }

  private consider(x: Float32Array, bytes: Uint8Array): void {
    const rank = this.strategy.rank(x, this.subject);
    const order = compareRanks(rank, this.bestRank);
    if (order > 0 || (order === 0 && !less(bytes, this.bestBytes))) return;
    this.earlier.push(this.best);
    if (this.earlier.length > 8) this.earlier.shift();
    this.best = x.slice();
    this.bestRank = rank;
    this.bestBytes = bytes;
    this.lastGain = this.queries;
    this.onBest(this.best);
  }
}

/** Negative if `a` is simpler. */
export function compareRanks(a: Rank, b: Rank): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

function less(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at >= 0 && a[at]! < (b[at] ?? -1);
}
