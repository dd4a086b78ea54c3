import type { Optimizer } from "../autodiff/index.ts";
import { BlindspotError, type Problem } from "../base/errors.ts";
import type { OnnxClassifier, OpenedModel } from "../models/index.ts";
import type { OpTable } from "../ops/define.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Threat } from "../threats/threat.ts";
import type { ScheduleName } from "../train/index.ts";
import type { Augmentation } from "./augment.ts";
import type { EpochRecord, Stop } from "./guards.ts";
import type { MethodName } from "./methods.ts";
import type { Regularizers } from "./regularizers.ts";
import type { TrainingLog } from "./training-log.ts";
import { overlapOf, overlapText, type TrainingRows } from "./training-rows.ts";

/** Everything about a hardening that changes its outcome and can be written down. */
export interface HardenSettings {
  readonly method: MethodName;
  readonly epochs: number;
  /** Rows of data in a step. */
  readonly batch: number;
  readonly optimizer: Optimizer;
  /** The schedule's largest. */
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  readonly seed: number;
  /** Of the inner attack; default: the method's. */
  readonly steps?: number;
  /** Weight of the divergence in TRADES; default 6. */
  readonly beta?: number;
  /** Share of the training in which epsilon grows from 0; default: the method's. */
  readonly epsilonRamp?: number;
  /** Common L2 norm above which gradients are scaled down. */
  readonly clipGradient?: number;
  /** Decay of a moving average of the weights, which is then what is watched and written. */
  readonly average?: number;
  readonly freeze?: readonly string[];
  /** Start from fresh weights, not from the file's. */
  readonly reinitialize?: boolean;
  readonly regularizers?: Regularizers;
  readonly augmentation?: Augmentation;
  /** Epochs without a better one after which the training ends; default 5, 0: never. */
  readonly patience?: number;
}

/** Where a training is kept while it lasts. What is read back is whole, or null. */
export interface HardenStore {
  /** What messages call the checkpoint: its file. */
  readonly checkpoint: string;
  read(): Promise<Uint8Array | null>;
  write(checkpoint: Uint8Array, log: TrainingLog): Promise<void>;
}

export type HardenEvent =
  | { readonly kind: "start"; readonly log: TrainingLog }
  | { readonly kind: "step"; readonly epoch: number; readonly samplesPerSecond: number; readonly secondsLeft: number }
  | { readonly kind: "epoch"; readonly record: EpochRecord; readonly best: EpochRecord }
  | { readonly kind: "stop"; readonly stop: Stop };

export interface HardenOptions {
  readonly source: OpenedModel;
  /** Of `source`, on `runtime`. */
  readonly classifier: OnnxClassifier;
  readonly table: OpTable;
  readonly runtime: Runtime;
  readonly train: TrainingRows;
  /** What epochs are chosen by: apart from `train`, and not what the result is measured on later. */
  readonly validate: TrainingRows;
  /** Untargeted, in L-inf or L2. */
  readonly threat: Threat;
  readonly settings: HardenSettings;
  /** Adversarial inputs with their true labels, for method `corpus`. */
  readonly boundary?: TrainingRows;
  readonly allowOverlap?: boolean;
  readonly store?: HardenStore;
  readonly signal?: AbortSignal;
  onEvent?(event: HardenEvent): void;
}

export interface Hardened {
  /** The file: as the source but for its weights. Null where no epoch was better than the start. */
  readonly bytes: Uint8Array | null;
  readonly log: TrainingLog;
  /** SHA-256 of the canonical bytes of every input that was trained on, sorted, each once. */
  readonly trainedOn: readonly string[];
}

/** Throws everything that is wrong with the options, at once. */
export function requireFitting(options: HardenOptions): void {
  const { train, validate, threat, settings, boundary, classifier } = options;
  const problems: Problem[] = [];
  const refuse = (code: string, subject: string, expected: string, got: string, hint?: string) =>
    problems.push({ code, subject, expected, got, ...(hint === undefined ? {} : { hint }) });
  if (threat.norm !== "linf" && threat.norm !== "l2")
    refuse(
      "E_HARDEN_THREAT",
      threat.id,
      "a threat in L-inf or L2",
      threat.norm,
      "Measure under the other norm afterwards",
    );
  if (threat.goal.kind !== "untargeted")
    refuse("E_HARDEN_THREAT", threat.id, "an untargeted threat: training resists every wrong class", threat.goal.kind);
  if (classifier.fixedBatch !== null) {
    const got = `exactly ${classifier.fixedBatch} rows`;
    refuse(
      "E_UNTRAINABLE",
      "the model",
      "a batch size that can be freed",
      got,
      "Export the model with a free batch size",
    );
  }
  if (settings.batch > train.count)
    refuse("E_TRAIN_BATCH", "--batch", `1 to ${train.count}, the number of training rows`, `${settings.batch}`);
  const corpus = settings.method === "corpus";
  if (corpus !== (boundary !== undefined)) {
    const hint = "Give adversarial inputs with their true labels: --method corpus --boundary SPEC";
    refuse(
      "E_HARDEN_BOUNDARY",
      `method ${settings.method}`,
      `${corpus ? "" : "no "}boundary samples`,
      boundary?.spec ?? "none",
      hint,
    );
  }
  const { shift = 0, flip = false } = settings.augmentation ?? {};
  if (classifier.dims.length !== 3 && (shift > 0 || flip))
    refuse("E_AUGMENT", "--augment", "images", `rows of ${classifier.dims.join("x")}`);
  if (!options.allowOverlap) refuseOverlap(train, validate, refuse);
  if (problems.length > 0) throw new BlindspotError(problems);
}

function refuseOverlap(
  train: TrainingRows,
  validate: TrainingRows,
  refuse: (code: string, subject: string, expected: string, got: string, hint?: string) => void,
): void {
  const overlap = overlapOf(train, validate);
  if (overlap.rows > 0)
    refuse(
      "E_DATA_OVERLAP",
      `${validate.spec} and ${train.spec}`,
      "validation data that is not trained on",
      overlapText(overlap),
      "Split the data so that identical inputs, and groups, stay together; or say --allow-overlap, and the log says so",
    );
}
