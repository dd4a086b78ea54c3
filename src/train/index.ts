export { initialWeights } from "./initial-weights.ts";
export { constantRate, cosine, SCHEDULES, type Schedule, type ScheduleName, steps, triangle } from "./schedules.ts";
export {
  type Checkpoint,
  copyState,
  type State,
  type StepReport,
  type TrainingData,
  type TrainingReport,
  type TrainOptions,
  train,
} from "./train.ts";
