export type {
  Capabilities,
  Classifier,
  GradientRows,
  LossName,
  Meter,
  Rows,
} from "./classifier.ts";
export { type LoadClassifierOptions, loadClassifier } from "./load-classifier.ts";
export type { ModelSource } from "./open-model.ts";
