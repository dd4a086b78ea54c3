import { binary } from "./binary.ts";
import type { DetectorDefinition, DetectorName } from "./detector.ts";
import { energy } from "./energy.ts";
import { mahalanobis } from "./mahalanobis.ts";
import { squeezing } from "./squeezing.ts";

/** Every detector, by the name that is typed. */
export const DETECTORS: Readonly<Record<DetectorName, DetectorDefinition>> = { squeezing, mahalanobis, binary, energy };

export function detectorNamed(name: DetectorName): DetectorDefinition {
  return DETECTORS[name];
}
