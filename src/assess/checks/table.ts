import { BINARIZATION } from "./binarization.ts";
import type { CheckDefinition, ModelContext, ThreatContext } from "./check.ts";
import { COMPARISONS } from "./compare.ts";
import { CONVERGENCE_CHECKS } from "./convergence.ts";
import { COVERAGE_CHECKS } from "./coverage.ts";
import { EPSILON_CHECKS } from "./epsilon.ts";
import { GRADIENT_PROBES } from "./gradients.ts";
import { MODEL_PROBES } from "./model.ts";
import { PLANTED_MASKS } from "./planted-masks.ts";

/** Every check, in the order in which they run and are shown. */
export const MODEL_CHECKS: readonly CheckDefinition<ModelContext>[] = [...GRADIENT_PROBES, ...MODEL_PROBES];

export const THREAT_CHECKS: readonly CheckDefinition<ThreatContext>[] = [
  ...COMPARISONS,
  ...EPSILON_CHECKS,
  ...CONVERGENCE_CHECKS,
  BINARIZATION,
  PLANTED_MASKS,
  ...COVERAGE_CHECKS,
];
