import type { LossName } from "../models/classifier.ts";
import type { Sample } from "./attack.ts";

/** A loss as a user names it; whether it is the targeted form follows from the goal. */
export const LOSS_CHOICES = ["cross-entropy", "margin", "dlr"] as const;
export type LossChoice = (typeof LOSS_CHOICES)[number];

/** What a gradient attack increases for one sample. */
export interface Aim {
  readonly loss: LossName;
  readonly target?: number;
}

/** Away from the label, or toward the class that the goal names. */
export function aimOf(sample: Sample, loss: LossChoice): Aim {
  return sample.target === null ? { loss } : { loss: `targeted-${loss}`, target: sample.target };
}
