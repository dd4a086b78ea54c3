export { type BackwardRequest, backward } from "./backward.ts";
export { explainGradient, type GradientExplanation } from "./explain.ts";
export { appendLoss, isTargeted, LOSS_NAMES, type LossName } from "./losses.ts";
export type { Objective } from "./objectives.ts";
export { withOpenWeights } from "./open-weights.ts";
export type { Optimizer } from "./optimizers.ts";
export type { DropoutMask } from "./training-mode.ts";
export {
  type StateTensor,
  type TrainingOptions,
  type TrainingStep,
  withTrainingStep,
  withWeights,
} from "./training-step.ts";
export { type CustomLoss, type GradientOptions, withGradient, withVjp } from "./with-gradient.ts";
