export { initialWeights } from "./initial-weights.ts";
export { copyState, type PassedPart, type State } from "./lanes.ts";
export { constantRate, cosine, SCHEDULES, type Schedule, type ScheduleName, steps, triangle } from "./schedules.ts";
export {
  type Checkpoint,
  type StepReport,
  type TrainingData,
  type TrainingReport,
  type TrainOptions,
  train,
} from "./train.ts";
