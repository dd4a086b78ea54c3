export { type Interval, median, type Proportion, proportion, wilson95 } from "../base/statistics.ts";

/**
 * Nearest-rank quantile (the smallest value with at least a share `q` at or below it) of effort until success, where a failure is
 * only known to need more than was spent: `null` in `values`. Null when the quantile falls among the failures or nothing was tried.
 */
export function censoredQuantile(values: readonly (number | null)[], q: number): number | null {
  if (values.length === 0) return null;
  const rank = Math.max(1, Math.ceil(q * values.length));
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known[rank - 1] ?? null;
}
