import { Rng } from "../base/rng.ts";

/** A fifth of the samples, at least 20 and at most 200 (all of them, if there are fewer than 20). */
export function auditSize(samples: number): number {
  return Math.min(samples, 200, Math.max(20, Math.round(samples / 5)));
}

/**
 * The audit subset: a seeded draw among the drawn samples, on which every attack of the plan runs from scratch. Given and
 * returned as positions in the data source; the same seed and samples give the same subset in any order.
 */
export function drawAudit(indices: readonly number[], seed: number): Set<number> {
  const ordered = [...indices].sort((a, b) => a - b);
  return new Set(Rng.of(seed).fold("audit").shuffle(ordered).slice(0, auditSize(ordered.length)));
}
