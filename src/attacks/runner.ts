import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Classifier } from "../models/classifier.ts";
import { goalClasses, predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { AttemptOver } from "./attack.ts";
import { type Arena, type AttemptBudget, runAttempt, type Subject } from "./attempt.ts";
import { Batcher, passSlots } from "./batcher.ts";
import type {
  AttemptRecord,
  PlannedAttack,
  ProfileOutcome,
  ProfilePlan,
  SampleRecord,
  SampleStatus,
} from "./record.ts";

/** How far a run has come. Rows are counted at the model; verifications apart. */
export interface RunProgress {
  readonly started: number;
  readonly done: number;
  readonly misclassified: number;
  readonly fooled: number;
  readonly resisted: number;
  readonly skipped: number;
  readonly errors: number;
  readonly forwardRows: number;
  readonly gradientRows: number;
  readonly verifications: number;
  /** Since the run began. */
  readonly seconds: number;
}

export interface RunOptions {
  readonly classifier: Classifier;
  readonly threat: Threat;
  readonly profiles: readonly ProfilePlan[];
  /** Default 0. */
  readonly seed?: number;
  /** Indices (`DataSample.index`) of the samples on which every attack runs from scratch. */
  readonly audit?: ReadonlySet<number>;
  /** The attacker's own model, for transfer attacks. */
  readonly surrogate?: Classifier | null;
  /** Inputs that fooled another version, for warm attacks; by sample. */
  readonly starts?: (sample: DataSample) => readonly Float32Array[];
  /** Hard limits for each attempt (one attack on one sample): one that meets them is `skipped`. */
  readonly budget?: AttemptBudget;
  /** Samples under way at once, at most; default: what fills the batches within a bounded memory. */
  readonly inFlight?: number;
  /** Stops the run: samples under way are dropped, not reported. */
  readonly signal?: AbortSignal;
  /** Called after each pass and each sample. */
  readonly onProgress?: (progress: RunProgress) => void;
}

/** Bytes that the points of all samples under way may take. */
const POINT_BYTES = 512 * 2 ** 20;
/** Arrays of one sample's size that its attempts hold at once, roughly. */
const ARRAYS_PER_SAMPLE = 24;

/**
 * Attacks each sample under one threat and yields what happened to it, in the order in which they finish. What happens to a sample depends on
 * the seed, its index and itself only. Memory is bounded by the samples under way, however many there are.
 *
 * Inside a profile attacks run in the order of the plan until one succeeds; on the audit subset all of them run, and the profile's outcome
 * is read off those same attempts. When `signal` or the classifier's `ended` fires, the generator ends after the passes under way.
 */
export async function* runSamples(
  samples: AsyncIterable<DataSample>,
  options: RunOptions,
): AsyncGenerator<SampleRecord, void, undefined> {
  const run = new Run(options);
  const source = samples[Symbol.asyncIterator]();
  const finished: SampleRecord[] = [];
  const signals = [options.signal, options.classifier.ended].filter((signal) => signal !== undefined);
  let failure: { readonly error: unknown } | null = null;
  let underWay = 0;
  let wake = (): void => {};
  const stop = (): void => {
    void run.stop();
    wake();
  };
  const aborted = (): boolean => signals.some((signal) => signal.aborted);
  for (const signal of signals) signal.addEventListener("abort", stop, { once: true });

  async function attackOne(sample: DataSample): Promise<void> {
    try {
      finished.push(await run.sample(sample));
    } catch (error) {
      if (!(error instanceof AttemptOver)) failure ??= { error };
    }
    underWay--;
    wake();
  }

  try {
    let exhausted = false;
    while (!aborted()) {
      while (!exhausted && underWay < run.inFlight && finished.length === 0 && failure === null) {
        const next = await source.next();
        if (aborted()) break;
        if (next.done === true) exhausted = true;
        else {
          underWay++;
          run.started++;
          void attackOne(next.value);
        }
      }
      for (const record of finished.splice(0)) yield record;
      if (failure !== null) throw (failure as { readonly error: unknown }).error;
      if (exhausted && underWay === 0 && finished.length === 0) return;
      if (finished.length === 0 && (exhausted || underWay >= run.inFlight))
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    yield* finished.splice(0);
  } finally {
    // Both outlive this run, and hear of many.
    for (const signal of signals) signal.removeEventListener("abort", stop);
    await run.stop();
    await source.return?.();
  }
}

class Run {
  started = 0;
  readonly inFlight: number;
  private readonly options: RunOptions;
  private readonly arena: Arena;
  private readonly seed: Rng;
  private readonly begin = performance.now();
  private readonly counts: Record<SampleStatus, number> = {
    misclassified: 0,
    fooled: 0,
    resisted: 0,
    skipped: 0,
    error: 0,
  };

  constructor(options: RunOptions) {
    const { classifier, threat, surrogate = null, budget = {} } = options;
    checkSurrogate(classifier, surrogate);
    this.options = options;
    this.seed = Rng.of(options.seed ?? 0);
    const progress = (): void => this.tell();
    this.arena = {
      threat,
      dims: classifier.dims,
      classes: classifier.classes.length,
      target: new Batcher(classifier, progress),
      surrogate: surrogate === null ? null : new Batcher(surrogate, progress),
      textKey: classifier.reading?.key ?? null,
      trees: classifier.trees ?? null,
      oneByOne: classifier.toll !== undefined,
      budget,
    };
    const size = sizeOf(classifier);
    const fitting = Math.max(Math.floor(POINT_BYTES / (4 * size * ARRAYS_PER_SAMPLE)), 2);
    // With one batch more than there are passes, every pass of a single kind is full.
    const filling = classifier.maxBatch * (passSlots(classifier) + 1);
    this.inFlight = Math.max(Math.min(options.inFlight ?? Number.POSITIVE_INFINITY, filling, fitting), 1);
  }

  async stop(): Promise<void> {
    await Promise.all([this.arena.target.stop(), this.arena.surrogate?.stop()]);
  }

  async sample(sample: DataSample): Promise<SampleRecord> {
    const record = await this.attack(sample);
    this.counts[record.status]++;
    this.tell();
    return record;
  }

  private async attack(sample: DataSample): Promise<SampleRecord> {
    const { threat, target, classes } = this.arena;
    const { id, index, label, group } = sample;
    checkSample(sample, classes, sizeOf(this.options.classifier));
    const x0 = threat.deployable(sample.point, sample.point);
    // Whether the clean input is right is decided as a finding is: by the original model, alone.
    const { scores } = await target.verify(x0);
    const clean = { scores, predicted: predictedClass(scores) };
    const base = { id, index, label, ...(group === undefined ? {} : { group }), clean };
    if (clean.predicted !== label) return { ...base, status: "misclassified", profiles: [], audit: null };

    const { scores: cleanScores } = await target.scores(x0);
    const subject: Subject = {
      x0,
      label,
      cleanScores: Float32Array.from(cleanScores),
      goalClasses: goalClasses(threat.goal, label, cleanScores),
      starts: this.options.starts?.(sample) ?? [],
    };
    // The goal names no class but the sample's own: there is nothing to attack.
    if (subject.goalClasses.length === 0) {
      const profiles = this.options.profiles.map(({ knowledge }) => outcomeOf(knowledge, [], "skipped"));
      return { ...base, status: "skipped", profiles, audit: null };
    }
    const audited = this.options.audit?.has(index) === true;
    const outcomes = await Promise.all(
      this.options.profiles.map((profile) => this.profile(profile, subject, index, audited)),
    );
    const profiles = outcomes.map(({ outcome }) => outcome);
    const audit = audited ? outcomes.flatMap(({ attempts }) => attempts) : null;
    return { ...base, status: worst(profiles.map(({ status }) => status)), profiles, audit };
  }

  /** The cascade of one profile; `attempts` are all that were made, which on the audit subset is more than the cascade's. */
  private async profile(
    { knowledge, attacks }: ProfilePlan,
    subject: Subject,
    index: number,
    audited: boolean,
  ): Promise<{ readonly outcome: ProfileOutcome; readonly attempts: readonly AttemptRecord[] }> {
    const attempt = (planned: PlannedAttack): Promise<AttemptRecord> =>
      runAttempt(this.arena, subject, planned, this.seed.fold(planned.definition.name).fold(index));
    if (audited) {
      const attempts = await Promise.all(attacks.map(attempt));
      const success = attempts.findIndex(({ outcome }) => outcome === "fooled");
      const cascade = success < 0 ? attempts : attempts.slice(0, success + 1);
      return { outcome: outcomeOf(knowledge, cascade), attempts };
    }
    const attempts: AttemptRecord[] = [];
    for (const planned of attacks) {
      attempts.push(await attempt(planned));
      if (attempts.at(-1)!.outcome === "fooled") break;
    }
    return { outcome: outcomeOf(knowledge, attempts), attempts };
  }

  private tell(): void {
    const { onProgress } = this.options;
    if (onProgress === undefined) return;
    const { misclassified, fooled, resisted, skipped, error } = this.counts;
    const { forward, gradients, verifications } = this.arena.target.totals;
    const surrogate = this.arena.surrogate?.totals;
    onProgress({
      started: this.started,
      done: misclassified + fooled + resisted + skipped + error,
      misclassified,
      fooled,
      resisted,
      skipped,
      errors: error,
      forwardRows: forward + (surrogate?.forward ?? 0),
      gradientRows: gradients + (surrogate?.gradients ?? 0),
      verifications,
      seconds: (performance.now() - this.begin) / 1000,
    });
  }
}

type AttackedStatus = ProfileOutcome["status"];

function outcomeOf(
  knowledge: ProfileOutcome["knowledge"],
  attempts: readonly AttemptRecord[],
  status: AttackedStatus = worst(attempts.map(({ outcome }) => outcome)),
): ProfileOutcome {
  return { knowledge, status, attempts };
}

/** One success is enough; "resisted" only if everything that was planned ran to its end. */
function worst(statuses: readonly AttackedStatus[]): AttackedStatus {
  return (["fooled", "error", "skipped"] as const).find((status) => statuses.includes(status)) ?? "resisted";
}

function sizeOf({ dims }: Classifier): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

function checkSample({ id, index, label, point }: DataSample, classes: number, size: number): void {
  const where = `index ${index}`;
  if (point.length !== size)
    throw new BlindspotError({
      code: "E_SAMPLE_SIZE",
      subject: `sample '${id}'`,
      where,
      expected: `${size} values`,
      got: String(point.length),
    });
  if (!Number.isInteger(label) || label < 0 || label >= classes)
    throw new BlindspotError({
      code: "E_SAMPLE_LABEL",
      subject: `sample '${id}'`,
      where,
      expected: `a class from 0 to ${classes - 1}`,
      got: String(label),
    });
}

function checkSurrogate(classifier: Classifier, surrogate: Classifier | null): void {
  if (surrogate === null) return;
  const shape = (model: Classifier): string => `[${model.dims}] to ${model.classes.length} classes`;
  if (shape(classifier) !== shape(surrogate))
    throw new BlindspotError({
      code: "E_SURROGATE_SHAPE",
      subject: "--surrogate",
      expected: `a model of ${shape(classifier)}, as the one under attack`,
      got: shape(surrogate),
    });
}
