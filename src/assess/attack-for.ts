import { planProfiles } from "../attacks/plan.ts";
import type { PlannedAttack } from "../attacks/record.ts";
import { BlindspotError } from "../base/errors.ts";
import type { Classifier } from "../models/classifier.ts";
import type { Threat } from "../threats/threat.ts";

/** An attack by name with some settings, for the curve and the checks; null where it does not fit model or threat. */
export function attackFor(
  { capabilities, dims, classes }: Classifier,
  threat: Threat,
  name: string,
  set: readonly string[] = [],
): PlannedAttack | null {
  const context = { threat, dims, classes: classes.length, capabilities, surrogate: false };
  try {
    return planProfiles([name], null, { set }, context).profiles[0]?.attacks[0] ?? null;
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return null;
  }
}
