import type { PlannedAttack } from "../../attacks/record.ts";
import { auditLines, isOutsideGoal } from "../metrics.ts";
import type { ThreatContext } from "./check.ts";

/** The plan's attacks with gradients. */
export function whiteBoxOf({ profiles }: Pick<ThreatContext, "profiles">): readonly PlannedAttack[] {
  return profiles.find(({ knowledge }) => knowledge === "white-box")?.attacks ?? [];
}

/** Samples of the audit subset that attacks of this kind, each from scratch, broke. */
export function brokenInAudit(
  context: ThreatContext,
  test: (attack: string, knowledge: string) => boolean,
): Set<number> {
  const broken = auditLines(context.lines, context.audited).filter((line) =>
    line.audit?.some((attempt) => attempt.outcome === "fooled" && test(attempt.attack, attempt.knowledge)),
  );
  return new Set(broken.map((line) => line.index));
}

/** Samples that the goal lets nobody attack. */
export function outsideGoal({ lines }: ThreatContext): Set<number> {
  return new Set(lines.filter(isOutsideGoal).map(({ index }) => index));
}
