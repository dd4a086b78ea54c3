export {
  type AttackDefinition,
  AttemptOver,
  defineAttack,
  defineLabelAttack,
  type Knowledge,
  type LabelSample,
  type Sample,
  type Settings,
  type SettingValue,
} from "./attack.ts";
export type { AttemptBudget } from "./attempt.ts";
export { noise } from "./black-box/noise.ts";
export { rays } from "./black-box/rays.ts";
export { shrinkingBox } from "./black-box/shrinking-box.ts";
export { sparseRs } from "./black-box/sparse-rs.ts";
export { square } from "./black-box/square.ts";
export {
  type AttackPlan,
  KNOWLEDGES,
  type NotRun,
  type PlanContext,
  type PlanOverrides,
  planProfiles,
} from "./plan.ts";
export type * from "./record.ts";
export { attacks, findAttack } from "./registry.ts";
export { rowCoordinate } from "./rows/coordinate.ts";
export { rowExhaustive, rowExhaustiveLabel } from "./rows/exhaustive.ts";
export { rowGradient } from "./rows/gradient.ts";
export { rowRandom } from "./rows/random.ts";
export { type RunOptions, type RunProgress, runSamples } from "./runner.ts";
export { type Suite, suites } from "./suites.ts";
export { textBeam } from "./text/beam.ts";
export { textExhaustive, textExhaustiveLabel } from "./text/exhaustive.ts";
export { textGreedy } from "./text/greedy.ts";
export { textRandom } from "./text/random.ts";
export { miFgsm, transferPgd } from "./transfer/momentum.ts";
export { treeExact, treeThresholds } from "./trees/tree-attacks.ts";
export { apgdCe, apgdDlr, apgdMargin, apgdT, raiseOneLogit } from "./white-box/apgd.ts";
export { fgsm } from "./white-box/fgsm.ts";
export { bim, pgd } from "./white-box/pgd.ts";
export { sigmaZero } from "./white-box/sigma-zero.ts";
