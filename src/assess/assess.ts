import type { AttemptRecord, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import { runSamples } from "../attacks/runner.ts";
import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { Rng } from "../base/rng.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Codec } from "../inputs/codec.ts";
import type { Classifier } from "../models/classifier.ts";
import { goalName } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { badgeOf } from "./badge.ts";
import { checkThreat, correctSamples, threatCheckIds } from "./checks.ts";
import { type Curve, curveAttack, measureCurve } from "./curve.ts";
import { type Estimate, estimate, measureSpeed } from "./estimate.ts";
import { type FindingContext, makeFinding } from "./finding.ts";
import { cleanMetrics, threatMetrics } from "./metrics.ts";
import { checkModel } from "./model-checks.ts";
import { makePlan, type Plan, type PlanOptions, planIdentity, readSamples, type ThreatPlan } from "./plan.ts";
import { bestAttempt, sampleLine } from "./sample-line.ts";
import { type Check, type Finding, RESULT_SCHEMA, type Result, type SampleLine } from "./schema.ts";
import { memoryStore, type RunStore } from "./store.ts";

/** What a classifier does not know about itself. */
export interface ModelFacts {
  readonly kind: string;
  /** File name, without folders. */
  readonly name: string;
  readonly sha256?: string;
  readonly preprocessing: Readonly<Record<string, unknown>>;
  /** Hash of the surrogate's file. */
  readonly surrogateSha256?: string;
  readonly runtime: Result["runtime"];
}

/** What happens during a run; plain data. */
export type AssessEvent =
  | { readonly kind: "plan"; readonly samples: number; readonly resumed: number; readonly threats: readonly string[] }
  | { readonly kind: "estimate"; readonly estimate: Estimate }
  | { readonly kind: "sample"; readonly line: SampleLine; readonly done: number; readonly of: number }
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "stage"; readonly stage: "attacks" | "curve" | "checks"; readonly threat: string }
  | { readonly kind: "check"; readonly check: Check };

export interface AssessOptions extends PlanOptions {
  readonly facts?: ModelFacts;
  /** Reads and writes inputs of this data; needed to store findings. */
  readonly codec?: (quantize: "uint8" | "none") => Codec;
  /** Where the run is kept, given what decides its outcome. Default: nowhere. */
  readonly store?: (identity: Readonly<Record<string, unknown>>) => Promise<RunStore>;
  /** Keep the adversarial input of every profile, not only the nearest one of each sample. */
  readonly save?: boolean;
  /** The whole audit protocol: also 1,000 random draws on the audit subset. */
  readonly audit?: boolean;
  /** Curve and checks (default true). */
  readonly checks?: boolean;
  /** For the whole run; what is finished by then is kept. */
  readonly timeSeconds?: number;
  readonly signal?: AbortSignal;
  /** As typed, for the record. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly toolVersion?: string;
  readonly onEvent?: (event: AssessEvent) => void;
  readonly now?: () => Date;
}

export interface Assessment {
  readonly result: Result;
  readonly samples: readonly SampleLine[];
  /** Folder of the run, if it was kept. */
  readonly directory: string | null;
}

/**
 * Attacks a classifier as the threats say and measures what stands: the whole of `blindspot assess` behind the command line.
 * Throws a BlindspotError for input that does not fit. An interrupted run returns what was finished, with `status: "partial"`.
 */
export async function assess(options: AssessOptions): Promise<Assessment> {
  const plan = makePlan(options);
  const facts = options.facts ?? (await anonymousFacts(options.model));
  const run = new Run(options, plan, facts);
  return run.perform();
}

/** A model without a file is known by what it answers to eight fixed random rows. */
async function anonymousFacts(model: Classifier): Promise<ModelFacts & { fingerprint: string }> {
  const count = Math.min(8, model.maxBatch);
  const size = model.dims.reduce((product, dim) => product * dim, 1);
  const rng = Rng.of(0).fold("fingerprint");
  const scores = await model.scores({ data: Float32Array.from({ length: count * size }, () => rng.uniform()), count });
  // Four digits survive another machine's rounding.
  const fingerprint = sha256(Array.from(scores, (score) => score.toPrecision(4)).join(","));
  return { kind: "classifier", name: "model", fingerprint, preprocessing: {}, runtime: null };
}

/** Fires when the time is over or the caller's own signal fires. */
function stopSignal(timeSeconds: number | undefined, signal: AbortSignal | undefined): AbortSignal | undefined {
  if (timeSeconds === undefined) return signal;
  const deadline = AbortSignal.timeout(1000 * timeSeconds);
  if (signal === undefined) return deadline;
  const either = new AbortController();
  for (const one of [deadline, signal]) {
    if (one.aborted) either.abort(one.reason);
    one.addEventListener("abort", () => either.abort(one.reason), { once: true });
  }
  return either.signal;
}

class Run {
  private readonly options: AssessOptions;
  private readonly plan: Plan;
  private readonly facts: ModelFacts & { readonly fingerprint?: string };
  private readonly started = performance.now();
  private readonly now: () => Date;
  private readonly startedAt: string;
  private readonly signal: AbortSignal | undefined;
  private readonly lines = new Map<string, SampleLine[]>();

  constructor(options: AssessOptions, plan: Plan, facts: ModelFacts & { readonly fingerprint?: string }) {
    this.options = options;
    this.plan = plan;
    this.facts = facts;
    this.now = options.now ?? (() => new Date());
    this.startedAt = this.now().toISOString();
    this.signal = stopSignal(options.timeSeconds, options.signal);
  }

  async perform(): Promise<Assessment> {
    const { options, plan } = this;
    const store = await (options.store?.(this.identity()) ?? memoryStore());
    const finished = store.finished.length;
    this.emit({
      kind: "plan",
      samples: plan.indices.length,
      resumed: finished,
      threats: plan.threats.map(({ threat }) => threat.id),
    });
    if (finished < plan.indices.length * plan.threats.length && !this.stopped) await this.announce();
    for (const threatPlan of plan.threats) await this.attack(threatPlan, store);
    const checks: Check[] = [];
    const curves = new Map<string, Curve | null>();
    for await (const check of this.audit(curves)) {
      checks.push(check);
      this.emit({ kind: "check", check });
    }
    const result = this.result(checks, curves, store);
    await store.finish(result);
    const samples = plan.threats.flatMap(({ threat }) => this.linesOf(threat));
    return { result, samples, directory: store.directory };
  }

  private get stopped(): boolean {
    return this.signal?.aborted ?? false;
  }

  private emit(event: AssessEvent): void {
    this.options.onEvent?.(event);
  }

  private linesOf(threat: Threat): SampleLine[] {
    return this.lines.get(threat.id) ?? [];
  }

  private identity(): Record<string, unknown> {
    const { model, data } = this.options;
    return planIdentity(this.plan, {
      tool: this.options.toolVersion ?? "0",
      model: this.facts.sha256 ?? this.facts.fingerprint,
      preprocessing: this.facts.preprocessing,
      classes: model.classes,
      data: data.sha256,
      queries: this.options.overrides?.queries ?? null,
      surrogate: this.facts.surrogateSha256 ?? null,
    });
  }

  private async announce(): Promise<void> {
    const { model, data } = this.options;
    const speed = await measureSpeed(model, data, this.plan.indices);
    this.emit({ kind: "estimate", estimate: estimate(this.options, this.plan, speed) });
  }

  /** One threat: attacks what earlier sittings left, and collects the lines of all sittings in the order of the plan. */
  private async attack(threatPlan: ThreatPlan, store: RunStore): Promise<void> {
    const { threat, profiles } = threatPlan;
    const { plan, options } = this;
    const queries = options.overrides?.queries;
    const lines = new Map(store.finished.filter((line) => line.threat === threat.id).map((line) => [line.index, line]));
    const left = plan.indices.filter((index) => !lines.has(index));
    this.emit({ kind: "stage", stage: "attacks", threat: threat.id });
    const clean = new Map<number, Float32Array>();
    async function* samples(): AsyncGenerator<DataSample> {
      for await (const sample of readSamples(options.data, left)) {
        clean.set(sample.index, threat.deployable(sample.point, sample.point));
        yield sample;
      }
    }
    const records =
      left.length === 0 || this.stopped
        ? []
        : runSamples(samples(), {
            classifier: options.model,
            threat,
            profiles,
            seed: plan.seed,
            audit: plan.audit,
            ...(queries === undefined ? {} : { budget: { queries } }),
            ...(options.surrogate === undefined ? {} : { surrogate: options.surrogate }),
            ...(this.signal === undefined ? {} : { signal: this.signal }),
          });
    for await (const record of records) {
      const line = sampleLine(threat.id, record);
      await store.append(line, await this.findings(threatPlan, record, clean.get(record.index)!, store));
      clean.delete(record.index);
      lines.set(record.index, line);
      this.emit({ kind: "sample", line, done: lines.size, of: plan.indices.length });
    }
    this.lines.set(
      threat.id,
      plan.indices.map((index) => lines.get(index)).filter((line) => line !== undefined),
    );
  }

  /** The nearest adversarial input of a sample; with `save`, the one of each profile. */
  private async findings(
    plan: ThreatPlan,
    record: SampleRecord,
    x0: Float32Array,
    store: RunStore,
  ): Promise<Finding[]> {
    const codec = this.options.codec?.(plan.threat.quantize);
    if (codec === undefined) return [];
    const best = bestAttempt(record);
    const wanted = this.options.save
      ? record.profiles.flatMap((profile) => profile.attempts.filter((attempt) => attempt.found !== null))
      : best === null
        ? []
        : [best];
    const findings: Finding[] = [];
    for (const attempt of wanted) {
      const made = await this.finding(
        plan,
        record,
        attempt as AttemptRecord & { found: VerifiedCandidate },
        x0,
        codec,
        store,
      );
      findings.push(made);
      this.emit({ kind: "finding", finding: made });
    }
    return findings;
  }

  private async finding(
    plan: ThreatPlan,
    record: SampleRecord,
    attempt: AttemptRecord & { readonly found: VerifiedCandidate },
    x0: Float32Array,
    codec: Codec,
    store: RunStore,
  ): Promise<Finding> {
    const planned = plan.profiles
      .flatMap((profile) => profile.attacks)
      .find(({ definition }) => definition.name === attempt.attack)!;
    const keep = async (point: Float32Array) => {
      const { bytes, extension } = await codec.encode(point);
      return store.blob(bytes, extension);
    };
    const blob =
      store.directory === null ? null : { original: await keep(x0), adversarial: await keep(attempt.found.point) };
    return makeFinding(this.findingContext(), plan.threat, codec, planned, record, attempt, x0, blob);
  }

  private findingContext(): FindingContext {
    const { runtime, sha256: hash, fingerprint } = this.facts;
    return {
      modelSha256: hash ?? fingerprint!,
      classes: this.options.model.classes,
      dataset: this.options.data.spec,
      seed: this.plan.seed,
      toolVersion: this.options.toolVersion ?? "0",
      runtime: runtime === null ? "classifier" : `${runtime.name} ${runtime.version}`,
      now: this.now,
    };
  }

  /** Curve and checks, on the audit subset. A run that was cut short skips them, and says so. */
  private async *audit(curves: Map<string, Curve | null>): AsyncGenerator<Check> {
    const { plan, options } = this;
    if (options.checks === false) return;
    const bench = {
      classifier: options.model,
      seed: plan.seed,
      ...(this.signal === undefined ? {} : { signal: this.signal }),
    };
    const subset: DataSample[] = [];
    for await (const sample of readSamples(
      options.data,
      [...plan.audit].sort((a, b) => a - b),
    ))
      subset.push(sample);
    const first = plan.threats[0]!.threat;
    if (this.stopped) {
      for (const id of threatCheckIds) yield { id, status: "skipped", detail: "the run was cut short" };
      return;
    }
    const model = await checkModel(options.model, subset, correctSamples(subset, this.linesOf(first)));
    yield* model.checks;
    for (const { threat, profiles } of plan.threats) {
      if (this.stopped) return;
      this.emit({ kind: "stage", stage: "curve", threat: threat.id });
      const planned = curveAttack(bench, threat);
      const curve = planned === null ? null : await measureCurve(bench, threat, planned, subset);
      if (this.stopped) return;
      curves.set(threat.id, curve);
      this.emit({ kind: "stage", stage: "checks", threat: threat.id });
      const lines = this.linesOf(threat);
      yield* checkThreat({
        bench,
        threat,
        profiles,
        lines,
        metrics: threatMetrics(profiles, lines, plan.audit),
        audit: plan.audit,
        samples: correctSamples(subset, lines),
        curve,
        constant: model.constant,
        protocol: options.audit ?? false,
      });
    }
  }

  private result(checks: Check[], curves: ReadonlyMap<string, Curve | null>, store: RunStore): Result {
    const { options, plan, facts } = this;
    const all = plan.threats.flatMap(({ threat }) => this.linesOf(threat));
    const complete = all.length === plan.indices.length * plan.threats.length;
    const { model, data } = options;
    return {
      schema: RESULT_SCHEMA,
      status: complete ? "complete" : "partial",
      tool: { name: "blindspot", version: options.toolVersion ?? "0" },
      runtime: facts.runtime,
      options: { ...options.options },
      seed: plan.seed,
      startedAt: this.startedAt,
      seconds: store.secondsBefore + (performance.now() - this.started) / 1000,
      model: {
        kind: facts.kind,
        name: facts.name,
        ...(facts.sha256 === undefined ? {} : { sha256: facts.sha256 }),
        ...(facts.fingerprint === undefined ? {} : { fingerprint: facts.fingerprint }),
        classes: [...model.classes],
        dims: [...model.dims],
        preprocessing: { ...facts.preprocessing },
        gradient: model.capabilities.gradient,
        notes: [...model.notes],
      },
      data: { spec: data.spec, sha256: data.sha256, samples: plan.indices.length, draw: plan.draw },
      ...cleanMetrics(all),
      threats: plan.threats.map(({ threat, profiles }) => ({
        id: threat.id,
        norm: threat.norm,
        epsilon: threat.epsilon,
        effectiveEpsilon: threat.effectiveEpsilon,
        quantize: threat.quantize,
        goal: goalName(threat.goal),
        ...threatMetrics(profiles, this.linesOf(threat), plan.audit),
        curve: [...(curves.get(threat.id)?.points ?? [])],
        curveAttack: curves.get(threat.id)?.attack ?? null,
      })),
      checks,
      badge: badgeOf({ complete, checks, attacks: options.attacks ?? ["standard"], protocol: options.audit ?? false }),
      notTested: notTested(plan),
      findings: store.findings,
    };
  }
}

function notTested(plan: Plan): string[] {
  const reasons = plan.threats.flatMap(({ notRun }) => notRun.map(({ attack, reason }) => `${attack}: ${reason}`));
  return [
    ...new Set(reasons),
    "attackers with labels alone (no label attack in this version)",
    "threats beyond L-inf and L2 balls (rotation, weather, patches, other norms)",
  ];
}

/** No sample was evaluated: the exit code says so. */
export function requireEvaluated({ result }: Assessment): void {
  const evaluated = result.threats.some(
    ({ statuses: { fooled, resisted, misclassified } }) => fooled + resisted + misclassified > 0,
  );
  if (evaluated) return;
  throw new BlindspotError(
    {
      code: "E_NOT_EVALUATED",
      subject: result.data.spec,
      got: "no sample was evaluated",
      hint: "Give the run more --time or larger budgets",
    },
    { exitCode: 3 },
  );
}
