export type { AttackGraph } from "./attack-graph.ts";
export type {
  Capabilities,
  Classifier,
  FeatureModel,
  GradientRows,
  GraphAccess,
  LossName,
  Meter,
  PlantedMask,
  Rows,
  TextReading,
} from "./classifier.ts";
export { type InspectedClassifier, type InspectedPort, inspectModel, type ModelInspection } from "./inspect.ts";
export { type LoadClassifierOptions, loadClassifier } from "./load-classifier.ts";
export type { OnnxClassifier } from "./onnx-classifier.ts";
export { openClassifier } from "./open-classifier.ts";
export { type ModelSource, type OpenedModel, openModel } from "./open-model.ts";
export { type ProbeCandidate, type ProbeResult, type ProbeSamples, probePreprocessing } from "./probe.ts";
export type { StepFunctions } from "./step-notes.ts";
export { loadTextClassifier } from "./text/load-text-classifier.ts";
export { takesText } from "./text/takes-text.ts";
export type { TextClassifier } from "./text/text-classifier.ts";
