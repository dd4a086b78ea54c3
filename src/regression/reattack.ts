import { costPerSample } from "../assess/plan.ts";
import type { Knowledge, Settings } from "../attacks/attack.ts";
import { type PlanOverrides, planProfiles } from "../attacks/plan.ts";
import type { AttemptRecord, PlannedAttack, ProfilePlan, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import { type RunProgress, runSamples } from "../attacks/runner.ts";
import { WARM } from "../attacks/suites.ts";
import type { Threat } from "../threats/threat.ts";
import type { Attacked, Effort } from "./schema.ts";
import type { Version } from "./version.ts";

/** How hard a sample that looks fixed is attacked again, and the base before anything counts as newly broken. */
export interface EffortOptions {
  /** Suites and attacks for the part from scratch; default `standard`. */
  readonly attacks?: readonly string[];
  /** Default: all that both versions allow. */
  readonly profiles?: readonly Knowledge[];
  readonly overrides?: PlanOverrides;
  /** Default 0. */
  readonly seed?: number;
}

export const DEFAULT_SUITE: readonly string[] = ["standard"];

/** A sample that is to be attacked again. */
export interface Suspect {
  readonly sample: string;
  readonly clean: Float32Array;
  readonly label: number;
  /** Where the warm part begins. */
  readonly starts: readonly Float32Array[];
}

export interface Reattacked {
  readonly sample: string;
  readonly outcome: Attacked["outcome"];
  readonly attempts: Attacked["attempts"];
  readonly detail?: string;
  /** The input that fooled it, and how it was found. */
  readonly found:
    | (VerifiedCandidate & { readonly attack: string; readonly knowledge: Knowledge; readonly settings: Settings })
    | null;
}

/** The attacks of a re-attack in their order: for each knowledge the warm ones, then the suite from scratch. */
export function planReattack(
  { classifier }: Version,
  threat: Threat,
  { attacks = DEFAULT_SUITE, overrides = {} }: EffortOptions,
  profiles: readonly Knowledge[],
): readonly ProfilePlan[] {
  const { dims, classes, capabilities } = classifier;
  const context = { threat, dims, classes: classes.length, capabilities, surrogate: false, starts: true };
  return planProfiles([WARM, ...attacks], profiles, overrides, context).profiles;
}

/** What a result says of a plan. */
export function toldEffort(threat: Threat, plan: readonly ProfilePlan[], classes: number): Effort["threats"][number] {
  return {
    threat: threat.id,
    attacks: plan.flatMap(({ knowledge, attacks }) =>
      attacks.map(({ definition, settings }) => ({ name: definition.name, knowledge, settings: { ...settings } })),
    ),
    ...costPerSample(plan, classes),
  };
}

/**
 * Attacks these samples again, each until something fools the version or all that was planned has failed. What happens to one depends on seed,
 * sample and version alone. Ends early when `signal` fires.
 */
export async function* reattack(
  version: Version,
  threat: Threat,
  suspects: readonly Suspect[],
  plan: readonly ProfilePlan[],
  {
    seed = 0,
    signal,
    onProgress,
  }: { seed?: number; signal?: AbortSignal; onProgress?: (progress: RunProgress) => void },
): AsyncGenerator<Reattacked> {
  const starts = new Map(suspects.map((suspect) => [suspect.sample, suspect.starts]));
  async function* samples() {
    for (const { sample, clean, label } of suspects) yield { id: sample, index: streamOf(sample), point: clean, label };
  }
  const records = runSamples(samples(), {
    classifier: version.classifier,
    threat,
    // As one profile, so that attacks run one after the other on what still stands: any success settles the question.
    profiles: [{ knowledge: plan[0]!.knowledge, attacks: plan.flatMap(({ attacks }) => attacks) }],
    seed,
    starts: ({ id }) => starts.get(id) ?? [],
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  for await (const record of records) yield told(record, plan);
}

/** Random streams are named by numbers: that of a sample is the beginning of its id. */
function streamOf(sample: string): number {
  return Number.parseInt(sample.slice(0, 8), 16);
}

function told(record: SampleRecord, plan: readonly ProfilePlan[]): Reattacked {
  const attempts = record.profiles.flatMap((profile) => profile.attempts);
  const success = attempts.find((attempt) => attempt.found !== null);
  const failed = attempts.find(({ detail }) => detail !== undefined)?.detail;
  const detail =
    record.status === "misclassified" ? "the clean input is wrong once it is rounded as the threat says" : failed;
  return {
    sample: record.id,
    outcome: record.status === "misclassified" ? "error" : record.status,
    attempts: attempts.map(({ attack, knowledge, outcome, queries, gradients, exhausted }) => ({
      attack,
      knowledge,
      outcome,
      queries,
      gradients,
      ...(exhausted === undefined ? {} : { exhausted }),
    })),
    found: success === undefined ? null : foundBy(success, plan),
    ...(detail === undefined || record.status === "fooled" ? {} : { detail }),
  };
}

function foundBy({ attack, knowledge, found }: AttemptRecord, plan: readonly ProfilePlan[]): Reattacked["found"] {
  const planned = plan.flatMap(({ attacks }): readonly PlannedAttack[] => attacks);
  const { settings } = planned.find(({ definition }) => definition.name === attack)!;
  return { ...found!, attack, knowledge, settings };
}
