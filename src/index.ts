/** The door of the library: what a program imports from "blindspot". */
export {
  type AssessEvent,
  type Assessment,
  type AssessOptions,
  assess,
  type ModelFacts,
} from "./assess/assess.ts";
export { type CompareOptions, compareRuns } from "./assess/compare/compare.ts";
export { openRunDirectory } from "./assess/files.ts";
export { readRun } from "./assess/files-read.ts";
export { assessRisk, type RiskBasis } from "./assess/risk/assess-risk.ts";
export { declareRisk, type RiskInput } from "./assess/risk/declare.ts";
export {
  type Comparison,
  comparisonSchema,
  type Declared,
  type Finding,
  findingSchema,
  type Result,
  type Risk,
  resultSchema,
  type SampleLine,
  sampleLineSchema,
} from "./assess/schema.ts";
export { censoredQuantile, proportion, wilson95 } from "./assess/statistics.ts";
export type { RunStore, StoredRun } from "./assess/store.ts";
export * from "./attacks/index.ts";
export {
  explainGradient,
  type GradientExplanation,
  type GradientOptions,
  LOSS_NAMES,
  type Optimizer,
  type TrainingOptions,
  withGradient,
  withTrainingStep,
  withVjp,
} from "./autodiff/index.ts";
export { BlindspotError, type Problem } from "./base/errors.ts";
export { sha256 } from "./base/hash.ts";
export { Rng } from "./base/rng.ts";
export { Corpus, type NewSample } from "./corpus/corpus.ts";
export type { Entry } from "./corpus/entry.ts";
export { diskFolder } from "./corpus/files.ts";
export { type CorpusFolder, memoryFolder } from "./corpus/folder.ts";
export { storeRun } from "./corpus/from-run.ts";
export { merge as mergeCorpus } from "./corpus/merge.ts";
export { verify as verifyCorpus } from "./corpus/verify.ts";
export {
  type DataSample,
  type Dataset,
  drawSamples,
  type OpenOptions,
  openDataset,
  type SampleCount,
  sharpImages,
} from "./data/index.ts";
export {
  DETECTOR_NAMES,
  type DetectionResult,
  type DetectorCard,
  type DetectorName,
  detectionResultSchema,
  type EvaluateDetectorOptions,
  evaluateDetector,
  type FitDetectorOptions,
  type FittedFile,
  fitDetector,
} from "./defenses/detectors/index.ts";
export {
  type HardenEvent,
  type Hardened,
  type HardenOptions,
  type HardenSettings,
  type HardenStore,
  harden,
  METHOD_NAMES,
  overlapOf,
  parseAugmentation,
  parseRegularizers,
  type Regularizers,
  readRows,
  type TrainingLog,
  type TrainingRows,
  trainingLogSchema,
} from "./defenses/index.ts";
export {
  type Exercise,
  exercises,
  findExercise,
  type Lesson,
  lessonPage,
  printLesson,
  type Workbench,
} from "./exercises/index.ts";
export {
  cloneModel,
  Graph,
  GraphBuilder,
  inferShapes,
  Model,
  Node,
  type OpBuilder,
  opBuilder,
  prepareForGradient,
  printGraph,
  readModel,
  Value,
  verifyModel,
  writeModel,
} from "./graph/index.ts";
export {
  type Codec,
  type Field,
  type FieldChange,
  type FieldValue,
  type ImageEncoder,
  imageCodec,
  inferSchema,
  type Modality,
  type Quantize,
  type RowSchema,
  type RowSchemaFile,
  RowSpace,
  readRowSchema,
  rowCodec,
  textCodec,
  textOf,
  textPoint,
  vectorCodec,
} from "./inputs/index.ts";
export {
  type ColorDifference,
  colorDifference,
  type ImageChange,
  imageChange,
  psnr,
  ssim,
} from "./inputs/measures/index.ts";
export {
  type Capabilities,
  type Classifier,
  type GradientRows,
  type LoadClassifierOptions,
  type LossName,
  loadClassifier,
  type ModelSource,
  type OpenedModel,
  openClassifier,
  openModel,
  type Rows,
} from "./models/index.ts";
export { operators } from "./ops/index.ts";
export { fileMemory } from "./regression/files-memory.ts";
export { gate, replay } from "./regression/gate.ts";
export type { GateOptions, ReplayOptions } from "./regression/options.ts";
export type { EffortOptions } from "./regression/reattack.ts";
export { type GateResult, gateSchema, type ReplayResult, replaySchema } from "./regression/schema.ts";
export type { Version } from "./regression/version.ts";
export { COMPARISON_REPORTERS, type ComparisonFormat } from "./report/comparison/formats.ts";
export { type ConsoleOptions, consoleReport } from "./report/console.ts";
export { REPORTERS, type ReportFormat } from "./report/formats.ts";
export { gateText, replayText } from "./report/gate/console.ts";
export type { Reporter, ReportOptions } from "./report/reporters.ts";
export { type Story, type StoryContext, tellFinding } from "./report/story.ts";
export { type NodeRuntimeOptions, nodeRuntime } from "./runtime/node.ts";
export { referenceRuntime } from "./runtime/reference.ts";
export type { Feeds, Kept, PortInfo, Runtime, Session } from "./runtime/runtime.ts";
export { type SurrogateOptions, type TrainedSurrogate, trainSurrogate } from "./surrogates/train-surrogate.ts";
export { readNpy, writeNpy } from "./tensor/npy.ts";
export { readNpz, writeNpz } from "./tensor/npz.ts";
export { float32, int64, int64Vector, scalar, type Tensor, tensor } from "./tensor/tensor.ts";
export * from "./threats/index.ts";
export {
  type Checkpoint,
  constantRate,
  cosine,
  initialWeights,
  type Schedule,
  type State,
  steps,
  type TrainingData,
  type TrainingReport,
  type TrainOptions,
  train,
  triangle,
} from "./train/index.ts";
