import type { Finding, Result } from "../assess/schema.ts";
import { findingSeverity } from "./severity.ts";

/** From what nobody sees to what everybody does. */
export const BANDS = ["imperceptible", "subtle", "visible", "obvious"] as const;

/** The rule, for the reader. */
export const RULE =
  "dealt in rounds, one finding of each pair of classes in each round; the higher declared impact first, then wrong answers of which the model is at least 90 % sure, then the least visible change, then the surest answer";

/**
 * The findings that say most, best first: rounds over the pairs of (threat, true class, wrong class), so that no pair fills the gallery. Ties
 * are broken by the finding's id: the choice never depends on the order of lines.
 */
export function mostTelling(result: Result, findings: readonly Finding[], count: number): Finding[] {
  const pairs = new Map<string, Finding[]>();
  const byTelling = [...findings].sort((a, b) => compare(a, b, result));
  for (const finding of byTelling) {
    const { trueLabel, after } = finding.outputChange;
    const key = `${finding.constraints.threat}\n${trueLabel}\n${after.label}`;
    const pair = pairs.get(key);
    if (pair === undefined) pairs.set(key, [finding]);
    else pair.push(finding);
  }
  const chosen: Finding[] = [];
  // A Map keeps the order of insertion: the pair whose best finding says most comes first.
  for (let round = 0; chosen.length < Math.min(count, findings.length); round++) {
    const left = [...pairs.values()].flatMap((pair) => pair.slice(round, round + 1));
    chosen.push(...left.slice(0, count - chosen.length));
  }
  return chosen;
}

function compare(a: Finding, b: Finding, result: Result): number {
  return (
    impactOf(b, result) - impactOf(a, result) ||
    Number(isSure(b)) - Number(isSure(a)) ||
    band(a) - band(b) ||
    b.outputChange.after.confidence - a.outputChange.after.confidence ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** A change that nobody sees says little where the model merely wavers. */
function isSure({ outputChange }: Finding): boolean {
  return outputChange.after.confidence >= 0.9;
}

function band({ perturbation }: Finding): number {
  return BANDS.indexOf(perturbation.perceptibility.band);
}

function impactOf(finding: Finding, result: Result): number {
  return findingSeverity(result.risk, finding)?.impact ?? 0;
}
