export { constantRate, cosine, type Schedule } from "./schedules.ts";
export { type Checkpoint, type TrainingData, type TrainingReport, type TrainOptions, train } from "./train.ts";
