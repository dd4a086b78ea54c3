import type { Knowledge } from "../attacks/attack.ts";
import { type NotRun, type PlanOverrides, planProfiles, shortOfSuite } from "../attacks/plan.ts";
import type { ProfilePlan } from "../attacks/record.ts";
import { WARM } from "../attacks/suites.ts";
import { BlindspotError, ProblemList } from "../base/errors.ts";
import type { DataSample, Dataset } from "../data/dataset.ts";
import { drawSamples, type SampleCount } from "../data/draw.ts";
import { labelProblems } from "../data/labels.ts";
import type { Classifier } from "../models/classifier.ts";
import { parseGoal } from "../threats/goal.ts";
import { parseThreat } from "../threats/parse.ts";
import type { Threat } from "../threats/threat.ts";
import { drawAudit } from "./audit.ts";
import { declareRisk, type RiskInput } from "./risk/declare.ts";
import type { Declared } from "./schema.ts";
import type { Starts } from "./starts.ts";

export interface PlanOptions {
  readonly model: Classifier;
  readonly data: Dataset;
  /** `linf(8 / 255)`, or as typed: `"linf:8/255"`. */
  readonly threats: readonly (Threat | string)[];
  /** For threats given as text: `untargeted` (default), `targeted:CLASS`, ... */
  readonly goal?: string;
  /** For threats given as text. Default: 8-bit for sources that store 8 bits. */
  readonly quantize?: "uint8" | "none";
  /** For threats given as text: 0 where nothing may change. */
  readonly mask?: Uint8Array;
  /** Suites and attacks of the registry, by name or as exported (`pgd`). Default: `standard`. */
  readonly attacks?: readonly (string | { readonly name: string })[];
  /** Default: all that fit. */
  readonly profiles?: readonly Knowledge[];
  readonly overrides?: PlanOverrides;
  /** The attacker's own model. Adds the transfer profile. */
  readonly surrogate?: Classifier;
  /** What fooled an earlier version: warm attacks begin there, before those of the plan. */
  readonly starts?: Starts;
  /** Default 1,000. */
  readonly samples?: SampleCount;
  readonly seed?: number;
  /** Who can reach the deployed model, who looks at its inputs, and what each mistake costs. */
  readonly risk?: RiskInput;
}

export interface ThreatPlan {
  readonly threat: Threat;
  readonly profiles: readonly ProfilePlan[];
  readonly notRun: readonly NotRun[];
  /** What the plan lacks of the suite that claims of robustness rest on: see `shortOfSuite`. */
  readonly shortOfStandard: readonly string[];
}

export interface Plan {
  readonly threats: readonly ThreatPlan[];
  /** Positions of the drawn samples in the data source, in the order in which they are attacked. */
  readonly indices: readonly number[];
  readonly audit: ReadonlySet<number>;
  readonly seed: number;
  readonly draw: string;
  readonly declared: Declared;
}

const DEFAULT_SAMPLES = 1000;

function attackNames({ attacks = ["standard"], starts }: Pick<PlanOptions, "attacks" | "starts">): string[] {
  const names = attacks.map((attack) => (typeof attack === "string" ? attack : attack.name));
  return starts === undefined ? names : [WARM, ...names];
}

/** What a run will do. Nothing is attacked; all that is wrong with data, goal, threats and attacks is found here, and said at once. */
export function makePlan(options: PlanOptions): Plan {
  const { model, data, seed = 0, samples = DEFAULT_SAMPLES } = options;
  if (data.length === 0)
    throw new BlindspotError({ code: "E_NO_SAMPLES", subject: data.spec, got: "no samples" }, { exitCode: 3 });
  const problems = new ProblemList();
  for (const problem of labelProblems(data, model.classes.length)) problems.add(problem);
  const threats = readThreats(options, problems).flatMap((threat) => {
    const context = {
      threat,
      dims: model.dims,
      classes: model.classes.length,
      capabilities: model.capabilities,
      surrogate: options.surrogate !== undefined,
      starts: options.starts !== undefined,
      modelProblems: model.problems,
    };
    const { profiles = null, overrides = {} } = options;
    const planned = problems.collect(() => planProfiles(attackNames(options), profiles, overrides, context));
    if (planned === null) return [];
    const limit = overrides.queries ?? Number.POSITIVE_INFINITY;
    return [{ threat, ...planned, shortOfStandard: shortOfSuite("standard", planned.profiles, limit, context) }];
  });
  const declared = problems.collect(() => declareRisk(options.risk ?? {}, model.classes));
  problems.throwIfAny();
  const indices = drawSamples(data, { samples, seed });
  const draw =
    typeof samples === "string" ? samples : `seeded draw of ${indices.length} of ${data.length}, stratified by class`;
  return { threats, indices, audit: drawAudit(indices, seed), seed, draw, declared: declared! };
}

/** The threats that can be read; those given as text get the goal, the rounding and the mask of the options. */
function readThreats(options: PlanOptions, problems: ProblemList): Threat[] {
  const { data, model, mask } = options;
  const goal = problems.collect(() => parseGoal(options.goal ?? "untargeted", model.classes));
  const common = {
    quantize: options.quantize ?? data.naturalQuantize,
    dims: model.dims,
    ...(data.rows === undefined ? {} : { rows: data.rows }),
    texts: data.modality === "text",
    ...(goal === null ? {} : { goal }),
    ...(mask === undefined ? {} : { mask }),
  };
  const threats = options.threats.flatMap(
    (threat) => (typeof threat === "string" ? problems.collect(() => parseThreat(threat, common)) : threat) ?? [],
  );
  if (new Set(threats.map(({ id }) => id)).size < threats.length)
    problems.add({ code: "E_THREAT_TWICE", subject: "--threat", expected: "each threat once" });
  return threats;
}

export async function* readSamples(data: Dataset, indices: readonly number[]): AsyncGenerator<DataSample> {
  for (const index of indices) yield await data.sample(index);
}

/** Everything that decides what a run finds. Two runs with the same identity have the same samples, attacks and outcomes. */
export function planIdentity(plan: Plan, facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    ...facts,
    seed: plan.seed,
    indices: plan.indices,
    threats: plan.threats.map(({ threat, profiles }) => ({
      id: threat.id,
      attacks: profiles.flatMap(({ knowledge, attacks }) =>
        attacks.map(({ definition, settings }) => ({ knowledge, name: definition.name, settings })),
      ),
    })),
  };
}

/** Upper bound of what one sample that resists costs under this threat. `limit`: the queries that one attack may make (`--queries`). */
export function costPerSample(
  profiles: readonly ProfilePlan[],
  classes: number,
  limit = Number.POSITIVE_INFINITY,
): { queries: number; gradients: number } {
  let queries = 0;
  let gradients = 0;
  for (const { attacks } of profiles)
    for (const { definition, settings } of attacks) {
      const cost = definition.cost(settings, { classes });
      queries += Math.min(cost.queries, limit);
      gradients += Math.min(cost.gradients, limit);
    }
  return { queries, gradients };
}

/**
 * Samples to attack at once where a budget is short: a quarter of those that it would see to the end if they resist. With more, it would be spent
 * on many beginnings. Undefined where there is no budget.
 */
export function samplesAtOnce(
  { toll, classes }: Classifier,
  profiles: readonly ProfilePlan[],
  limit?: number,
): number | undefined {
  if (toll?.left === undefined) return undefined;
  return Math.max(1, Math.ceil(toll.left / costPerSample(profiles, classes.length, limit).queries / 4));
}
