export { type BackwardRequest, backward } from "./backward.ts";
export { explainGradient, type GradientExplanation } from "./explain.ts";
export { isTargeted, LOSS_NAMES, type LossName } from "./losses.ts";
export type { Optimizer } from "./optimizers.ts";
export { type StateTensor, type TrainingOptions, type TrainingStep, withTrainingStep } from "./training-step.ts";
export { type GradientOptions, withGradient, withVjp } from "./with-gradient.ts";
