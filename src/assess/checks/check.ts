import type { ProfilePlan } from "../../attacks/record.ts";
import type { DataSample } from "../../data/dataset.ts";
import type { Modality } from "../../inputs/codec.ts";
import type { Classifier } from "../../models/classifier.ts";
import type { Threat } from "../../threats/threat.ts";
import type { Bench } from "../attack-once.ts";
import type { Curve } from "../curve.ts";
import type { ThreatMetrics } from "../metrics.ts";
import type { Check, SampleLine } from "../schema.ts";

/** How far the checks of a run go. */
export interface Effort {
  /** The whole audit protocol (`--audit`). */
  readonly audit: boolean;
  /** The active tests too (`--active`). */
  readonly active: boolean;
}

/** What the checks of the model itself look at, whatever the threat. */
export interface ModelContext {
  readonly classifier: Classifier;
  readonly seed: number;
  /** The audit subset. */
  readonly samples: readonly DataSample[];
  /** Those of it that the model gets right. */
  readonly correct: readonly DataSample[];
  readonly modality: Modality;
  /** Of `samples`, in their order. */
  readonly scores: readonly Float32Array[];
}

/** What the checks of one threat look at. */
export interface ThreatContext extends Effort {
  readonly bench: Bench;
  readonly threat: Threat;
  readonly profiles: readonly ProfilePlan[];
  readonly lines: readonly SampleLine[];
  readonly metrics: Pick<ThreatMetrics, "audit" | "statuses">;
  readonly audited: ReadonlySet<number>;
  /** The samples of the audit subset that the model gets right. */
  readonly samples: readonly DataSample[];
  readonly curve: Curve | null;
  /** Samples that "unbounded reaches 0" may attack, at most. */
  readonly unbounded?: number;
  /** The same scores for every sample: "unbounded reaches 0" is void. */
  readonly constant: boolean;
}

export type Outcome = Pick<Check, "status" | "detail">;

/** One check: its rule as data for the documentation, and as code. */
export interface CheckDefinition<Context> {
  readonly id: string;
  /** What decides, exactly. */
  readonly rule: string;
  readonly source: string;
  /** What to do where it warns or fails. */
  readonly remedy: string;
  /** The option without which it is skipped; none: it always runs. */
  readonly needs?: keyof Effort;
  run(context: Context): Promise<readonly Outcome[]> | readonly Outcome[];
}

export const pass = (detail: string): Outcome[] => [{ status: "pass", detail }];
export const warn = (detail: string): Outcome[] => [{ status: "warn", detail }];
export const fail = (detail: string): Outcome[] => [{ status: "fail", detail }];
export const skipped = (detail: string): Outcome[] => [{ status: "skipped", detail }];

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** More than this share of `of` samples: but one alone may be chance. */
export function beyondChance(count: number, of: number, share: number): boolean {
  return count > Math.max(1, share * of);
}

/** The checks of a table, one after the other, with what to try where one did not pass. */
export async function* runChecks<Context>(
  table: readonly CheckDefinition<Context>[],
  context: Context,
  effort: Effort,
  stopped: () => boolean,
): AsyncGenerator<Check> {
  for (const { id, needs, remedy, run } of table) {
    const outcomes =
      needs !== undefined && !effort[needs] ? skipped(`part of --${needs}`) : stopped() ? [] : await run(context);
    // What was compared when the run was stopped is not whole.
    for (const { status, detail } of stopped() ? skipped("the run was cut short") : outcomes)
      yield { id, status, detail, ...(status === "warn" || status === "fail" ? { try: remedy } : {}) };
  }
}
