import type { Threat } from "../../threats/threat.ts";
import { isOutsideGoal, stands } from "../metrics.ts";
import type { Check, SampleLine } from "../schema.ts";
import { type CheckDefinition, type Outcome, pass, percent, type ThreatContext, warn } from "./check.ts";

function everySampleEvaluated({ lines, metrics: { statuses } }: ThreatContext): Outcome[] {
  const { error } = statuses;
  const outside = lines.filter(isOutsideGoal).length;
  const outOfBudget = statuses.skipped - outside;
  if (error > 0) return warn(`${error} samples ended in an error; they do not count as standing`);
  if (outOfBudget > 0)
    return warn(`${outOfBudget} samples stood when their budget ran out; a larger one may break more`);
  const unattacked = outside === 0 ? "" : `; ${outside} belong to the goal's only class, and stand unattacked`;
  return pass(`every attack ended by itself on every sample${unattacked}`);
}

export const COVERAGE_CHECKS: readonly CheckDefinition<ThreatContext>[] = [
  {
    id: "every-sample-evaluated",
    rule: "Warns of samples that ended in an error, or stood when a budget (--queries) ran out.",
    source: "Carlini et al. (arXiv:1902.06705): per-sample worst case",
    remedy: "Give a larger --queries, or see the errors in samples.jsonl.",
    run: everySampleEvaluated,
  },
];

/**
 * Of a run that was cut short. Samples that fall are finished before those that resist, so the finished ones are no fair draw: what can
 * be said of all samples is a range.
 */
export function unfinished(threat: Threat, lines: readonly SampleLine[], plannedSamples: number): Check[] {
  const left = plannedSamples - lines.length;
  if (left === 0) return [];
  const standing = lines.filter(stands).length;
  const range = `${percent(standing / plannedSamples)} to ${percent((standing + left) / plannedSamples)}`;
  const detail = `${left} of ${plannedSamples} samples are not finished, and those that fall are finished first: of all ${plannedSamples}, ${range} would stand`;
  return [
    {
      id: "all-samples-finished",
      threat: threat.id,
      status: "warn",
      detail,
      try: "Finish the run: the same command with the same --out goes on where it stopped.",
    },
  ];
}
