export { type DetectorCard, detectorCardSchema, readCard } from "./card.ts";
export { DETECTOR_NAMES, type DetectorName, type DetectorSettings, type Squeezers } from "./detector.ts";
export { type EvaluateDetectorOptions, evaluateDetector } from "./evaluate.ts";
export { type FitDetectorOptions, type FittedFile, fitDetector } from "./fit.ts";
export { type DetectionResult, detectionResultSchema, type Rate } from "./result.ts";
export { parseSqueezers } from "./squeezing.ts";
