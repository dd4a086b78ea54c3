export type { ThreatOptions } from "./box.ts";
export { fields } from "./fields.ts";
export { goalClasses, goalName, parseGoal, predictedClass } from "./goal.ts";
export { l0, type SparseOptions } from "./l0.ts";
export { l2, linf } from "./lp.ts";
export { type ParseOptions, parseThreat, threatOfId } from "./parse.ts";
export { text } from "./text.ts";
export type { Goal, Norm, RowLimits, Threat } from "./threat.ts";
