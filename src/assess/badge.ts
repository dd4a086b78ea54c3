import type { Check, Result } from "./schema.ts";

/** Checks whose warning says that the figure would still fall with more of the same. */
const CONVERGENCE: ReadonlySet<string> = new Set(["convergence-steps", "convergence-restarts"]);
const ACTIVE = ["binarization", "planted-masks"] as const;

/**
 * How far an evaluation went, E0 to E4, from what ran and what its checks said.
 * - E0: cut short, unchecked, or a check failed.
 * - E1, sane: nothing failed. Single attacks and `quick` end here.
 * - E2, converged: `standard`, with nothing lowered, and the audit protocol, and twice the effort broke nothing more.
 * - E3, active: planted adversarial inputs and planted masks were seen through as well, under every threat.
 * - E4, adaptive: needs an attack made for this defense and a person who signs for it; no run earns it by itself.
 */
export function badgeOf(run: {
  readonly complete: boolean;
  readonly checks: readonly Check[];
  /** At least the suite `standard` ran, with nothing lowered. */
  readonly standard: boolean;
  readonly audit: boolean;
}): Result["badge"] {
  const { checks } = run;
  if (!run.complete || checks.length === 0 || checks.some(({ status }) => status === "fail")) return "E0";
  const unsettled = checks.some(({ id, status }) => CONVERGENCE.has(id) && status === "warn");
  if (!run.standard || !run.audit || unsettled) return "E1";
  const seenThrough = ACTIVE.every((id) => {
    const outcomes = checks.filter((check) => check.id === id);
    return outcomes.length > 0 && outcomes.every(({ status }) => status === "pass");
  });
  return seenThrough ? "E3" : "E2";
}
