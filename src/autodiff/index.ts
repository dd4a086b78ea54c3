export { type BackwardRequest, backward } from "./backward.ts";
export { explainGradient, type GradientExplanation } from "./explain.ts";
export { isTargeted, LOSS_NAMES, type LossName } from "./losses.ts";
export { type GradientOptions, withGradient, withVjp } from "./with-gradient.ts";
