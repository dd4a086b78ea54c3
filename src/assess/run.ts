import type { Knowledge } from "../attacks/attack.ts";
import { KNOWLEDGES } from "../attacks/plan.ts";
import type { AttemptRecord, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import { type RunProgress, runSamples } from "../attacks/runner.ts";
import { anySignal } from "../base/abort.ts";
import { sha256 } from "../base/hash.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Codec } from "../inputs/codec.ts";
import { goalName } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { badgeOf } from "./badge.ts";
import { checkModel, checkThreat, correctSamples, modelContext, uncheckedAll, unfinished } from "./checks/index.ts";
import { targetUnchanged } from "./checks/target.ts";
import { type Curve, curveAttack, measureCurve } from "./curve.ts";
import { auditedSamples, type Cost, estimate, measureSpeed, type Speed, secondsLeft } from "./estimate.ts";
import { type FindingContext, makeFinding } from "./finding.ts";
import { cleanMetrics, threatMetrics } from "./metrics.ts";
import type { AssessEvent, Assessment, AssessOptions, ModelFacts } from "./options.ts";
import { costPerSample, type Plan, planIdentity, readSamples, samplesAtOnce, type ThreatPlan } from "./plan.ts";
import { assessRisk } from "./risk/assess-risk.ts";
import { bestAttempt, sampleLine } from "./sample-line.ts";
import { type Check, type Finding, RESULT_SCHEMA, type Result, type SampleLine } from "./schema.ts";
import { stopSignal } from "./stop-signal.ts";
import { memoryStore, type RunStore } from "./store.ts";
import { textDefenses } from "./text-defenses.ts";

/** One sitting of a run, from plan to result. */
export class Run {
  private readonly options: AssessOptions;
  private readonly plan: Plan;
  private readonly facts: ModelFacts;
  /** What was checked before the run. */
  private readonly checked: readonly Check[];
  private readonly started = performance.now();
  private readonly now: () => Date;
  private readonly startedAt: string;
  private readonly signal: AbortSignal | undefined;
  private readonly lines = new Map<string, SampleLine[]>();
  private speed: Speed = { forward: 0, gradient: 0 };

  constructor(options: AssessOptions, plan: Plan, facts: ModelFacts, checked: readonly Check[]) {
    this.options = options;
    this.plan = plan;
    this.facts = facts;
    this.checked = checked;
    this.now = options.now ?? (() => new Date());
    this.startedAt = this.now().toISOString();
    this.signal = anySignal([stopSignal(options.timeSeconds, options.signal), options.model.ended]);
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
    const report = (check: Check): void => {
      checks.push(check);
      this.emit({ kind: "check", check });
    };
    for (const { threat } of plan.threats)
      unfinished(threat, this.linesOf(threat), plan.indices.length).forEach(report);
    try {
      for await (const check of this.audit(curves)) report(check);
    } catch (error) {
      // A model that answers no more ends the checks, not the run: what was paid for is kept.
      if (!this.stopped) throw error;
    }
    (await targetUnchanged(options.model)).forEach(report);
    this.checked.forEach(report);
    const measured = this.result(checks, curves, store);
    const samples = plan.threats.flatMap(({ threat }) => this.linesOf(threat));
    const risk = assessRisk({ result: measured, samples, findings: store.findings }, plan.declared);
    const result = { ...measured, risk };
    await store.finish(result);
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
      ...(this.options.starts === undefined ? {} : { starts: this.options.starts.id }),
    });
  }

  private async announce(): Promise<void> {
    const { model, data } = this.options;
    this.speed = await measureSpeed(model, data, this.plan.indices);
    this.emit({ kind: "estimate", estimate: estimate(this.options, this.plan, this.speed) });
  }

  /** One threat: attacks what earlier sittings left, and collects the lines of all sittings in the order of the plan. */
  private async attack(threatPlan: ThreatPlan, store: RunStore): Promise<void> {
    const { threat, profiles } = threatPlan;
    const { plan, options } = this;
    const queries = options.overrides?.queries;
    const inFlight = samplesAtOnce(options.model, profiles, queries);
    const lines = new Map(store.finished.filter((line) => line.threat === threat.id).map((line) => [line.index, line]));
    const left = plan.indices.filter((index) => !lines.has(index));
    this.emit({ kind: "stage", stage: "attacks", threat: threat.id });
    const clean = new Map<number, Float32Array>();
    const inputs = new Map<number, string>();
    // As the data is stored, whatever the threat says of 8 bits.
    const codec = options.codec?.(options.data.naturalQuantize);
    const finished = { queries: 0, gradients: 0 };
    async function* samples(): AsyncGenerator<DataSample> {
      for await (const sample of readSamples(options.data, left)) {
        clean.set(sample.index, threat.deployable(sample.point, sample.point));
        if (codec !== undefined) inputs.set(sample.index, sha256(codec.canonical(sample.point)));
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
            ...(inFlight === undefined ? {} : { inFlight }),
            ...(options.starts === undefined
              ? {}
              : { starts: ({ index }) => options.starts!.byIndex.get(index) ?? [] }),
            ...(options.surrogate === undefined ? {} : { surrogate: options.surrogate }),
            ...(this.signal === undefined ? {} : { signal: this.signal }),
            onProgress: (progress) => this.tell(threatPlan, progress, left.length, finished),
          });
    for await (const record of records) {
      const line = sampleLine(threat.id, record, inputs.get(record.index));
      await store.append(line, await this.findings(threatPlan, record, clean.get(record.index)!, store));
      clean.delete(record.index);
      inputs.delete(record.index);
      lines.set(record.index, line);
      addCost(finished, line);
      this.emit({ kind: "sample", line });
    }
    this.lines.set(
      threat.id,
      plan.indices.map((index) => lines.get(index)).filter((line) => line !== undefined),
    );
  }

  private tell({ threat, profiles }: ThreatPlan, progress: RunProgress, of: number, finished: Cost): void {
    const { done, fooled, resisted, skipped, seconds } = progress;
    const left = secondsLeft(this.speed, {
      perSample: costPerSample(profiles, this.options.model.classes.length, this.options.overrides?.queries),
      unfinished: of - done,
      spent: { queries: progress.forwardRows, gradients: progress.gradientRows },
      finished,
      elapsed: seconds,
    });
    const standing = resisted + skipped;
    this.emit({ kind: "progress", threat: threat.id, done, of, fooled, standing, seconds, secondsLeft: left });
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
    const made = makeFinding(this.findingContext(), plan.threat, codec, planned, record, attempt, x0, blob);
    if (plan.threat.text === undefined) return made;
    const { label } = record;
    const defenses = await textDefenses({ x: attempt.found.point, x0, label }, (point) =>
      this.options.model.verify(point),
    );
    return { ...made, defenses };
  }

  private findingContext(): FindingContext {
    const { runtime, sha256: hash, fingerprint } = this.facts;
    const { model } = this.options;
    return {
      modelSha256: hash ?? fingerprint!,
      classes: model.classes,
      dataset: this.options.data.spec,
      seed: this.plan.seed,
      toolVersion: this.options.toolVersion ?? "0",
      runtime: runtime === null ? "classifier" : `${runtime.name} ${runtime.version}`,
      meaning: model.meaning ?? (model.capabilities.output === "label" ? "label" : "logits"),
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
    if (this.stopped) return yield* uncheckedAll();
    const effort = { audit: options.audit ?? false, active: options.active ?? false };
    const correct = correctSamples(subset, this.linesOf(first));
    const model = await modelContext(options.model, plan.seed, subset, correct, options.data.modality);
    yield* checkModel(model, effort, this.signal);
    const audited = auditedSamples(options, plan);
    for (const [i, { threat, profiles }] of plan.threats.entries()) {
      if (this.stopped) return;
      this.emit({ kind: "stage", stage: "curve", threat: threat.id });
      const planned = curveAttack(bench, threat);
      const some = subset.slice(0, audited[i]!.curve);
      const curve = planned === null || some.length === 0 ? null : await measureCurve(bench, threat, planned, some);
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
        audited: plan.audit,
        samples: correctSamples(subset, lines),
        curve,
        unbounded: audited[i]!.unbounded,
        constant: model.constant,
        ...effort,
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
        ...(facts.authorized === undefined ? {} : { authorized: facts.authorized }),
        ...(facts.surrogateSha256 === undefined ? {} : { surrogateSha256: facts.surrogateSha256 }),
        ...(facts.surrogate === undefined ? {} : { surrogate: facts.surrogate }),
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
      badge: badgeOf({
        complete: complete && !this.stopped,
        checks,
        standard: plan.threats.every(({ shortOfStandard }) => shortOfStandard.length === 0),
        audit: options.audit ?? false,
      }),
      notTested: notTested(plan),
      findings: store.findings.length,
      ...(model.asked === undefined ? {} : { asked: { ...model.asked } }),
    };
  }
}

/** Rows that the attempts on one sample took: on the audit subset every attack ran, else the cascade. */
function addCost(sum: { queries: number; gradients: number }, line: SampleLine): void {
  const attempts = line.audit ?? Object.values(line.profiles).flatMap((profile) => profile.attempts);
  for (const { queries, gradients } of attempts) {
    sum.queries += queries;
    sum.gradients += gradients;
  }
}

const ATTACKERS: Readonly<Record<Knowledge, string>> = {
  "white-box": "attackers with gradients",
  score: "attackers with scores",
  label: "attackers with labels alone",
  transfer: "attackers with a surrogate",
};

/** What a suite held but could not run, the attackers for whom the plan has nothing, and all threats that were not asked for. */
function notTested({ threats }: Plan): string[] {
  const lines = threats.flatMap(({ threat, profiles, notRun }) => {
    const known = [...profiles, ...notRun].map(({ knowledge }) => knowledge);
    const absent = KNOWLEDGES.filter((knowledge) => !known.includes(knowledge));
    return [
      ...notRun.map(({ attack, reason }) => `${attack}: ${reason}`),
      ...absent.map((knowledge) => `${ATTACKERS[knowledge]}: no such attack in this plan for ${threat.norm} threats`),
    ];
  });
  const asked = threats.map(({ threat }) => threat.id.split(";")[0]).join(", ");
  return [...new Set(lines), `threats other than ${asked} (other norms and sizes, patches, rotation, weather)`];
}
