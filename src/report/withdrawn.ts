import type { Check, Result, ThreatResult } from "../assess/schema.ts";

/**
 * Why a threat's headline does not hold: its own failed checks, and those of the model. Where there is any, every report shows the figure
 * struck through, with these reasons and what each says to try.
 */
export function withdrawn(result: Pick<Result, "checks">, threat: Pick<ThreatResult, "id">): Check[] {
  return result.checks.filter(
    (check) => check.status === "fail" && (check.threat === undefined || check.threat === threat.id),
  );
}
