export { type Augmentation, parseAugmentation } from "./augment.ts";
export type { EpochRecord, Stop, StopReason } from "./guards.ts";
export { harden, trainedOnText } from "./harden.ts";
export type { HardenEvent, Hardened, HardenOptions, HardenSettings, HardenStore } from "./harden-options.ts";
export { METHOD_NAMES, type Method, type MethodName, methodNamed } from "./methods.ts";
export { parseRegularizers, type Regularizers } from "./regularizers.ts";
export { INSTEAD, type Trainable, trainableWeights } from "./trainable.ts";
export { type TrainingLog, trainingLogSchema } from "./training-log.ts";
export { type Overlap, overlapOf, readRows, type TrainingRows } from "./training-rows.ts";
