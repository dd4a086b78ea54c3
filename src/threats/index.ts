export { goalClasses, goalName, parseGoal, predictedClass } from "./goal.ts";
export { l2, linf, type ThreatOptions } from "./lp.ts";
export { parseThreat } from "./parse.ts";
export type { Goal, Norm, Threat } from "./threat.ts";
