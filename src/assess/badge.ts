import type { Check, Result } from "./schema.ts";

/**
 * How far an evaluation went, E0 to E4. A failed check or an unfinished run earns nothing; single attacks and `quick` at most E1;
 * `standard` with the audit protocol E2. E3 and E4 need tests that are not part of this version.
 */
export function badgeOf(run: {
  readonly complete: boolean;
  readonly checks: readonly Check[];
  readonly attacks: readonly string[];
  readonly protocol: boolean;
}): Result["badge"] {
  if (!run.complete || run.checks.length === 0 || run.checks.some((check) => check.status === "fail")) return "E0";
  return run.attacks.includes("standard") && run.protocol ? "E2" : "E1";
}
