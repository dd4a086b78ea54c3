export { type DetectionResult, detectionResultSchema, type Rate } from "./result.ts";
