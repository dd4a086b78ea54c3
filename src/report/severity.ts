import type { Finding, PairRisk, Result } from "../assess/schema.ts";

/**
 * The line of the risk that a finding falls under: its mistake, with impact and severity. Undefined if the result holds no risk, or
 * was computed without this finding.
 */
export function findingSeverity(risk: Result["risk"], finding: Finding): PairRisk | undefined {
  const { trueLabel, after } = finding.outputChange;
  return risk?.threats
    .find(({ threat }) => threat === finding.constraints.threat)
    ?.pairs.find((pair) => pair.trueLabel === trueLabel && pair.wrongLabel === after.label);
}
