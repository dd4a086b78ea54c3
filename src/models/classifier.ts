import type { LossName } from "../autodiff/losses.ts";
import type { Problem } from "../base/errors.ts";
import type { StepFunctions } from "./step-notes.ts";
import type { TreeEnsemble } from "./trees/ensemble.ts";

export type { LossName } from "../autodiff/losses.ts";
export type { Tree, TreeEnsemble } from "./trees/ensemble.ts";

/**
 * What scores are. `logits`: any numbers, of which the softmax is the confidence (log probabilities are a kind of these).
 * `probabilities`: shares of one whole. `independent-probabilities`: each in 0..1, whatever the others are. `label`: 1 for the class, else 0.
 */
export type ScoreMeaning = "logits" | "probabilities" | "independent-probabilities" | "label";

export interface Capabilities {
  /** All class scores, or the label alone. */
  readonly output: "scores" | "label";
  readonly gradient: boolean;
  /** Whether it is an ensemble of trees that can be read: see `Classifier.trees`. */
  readonly trees?: boolean;
}

/** Rows of attack space, packed: `count` rows of `size` floats. A row is one sample scaled to 0..1, images in height-width-channel order. */
export interface Rows {
  readonly data: Float32Array;
  readonly count: number;
  /** The caller gives the array away: it may be moved to another thread instead of copied. */
  readonly given?: boolean;
  /** The model itself must answer, whatever is remembered of these rows: the question is whether it answers the same. */
  readonly fresh?: boolean;
}

/** What a query costs where it is not our own machine that answers. */
export interface Toll {
  /** With as many requests at once as allowed; null where nothing was asked yet and no rate is stated. */
  readonly secondsPerQuery: number | null;
  readonly costPerQuery: number;
  /** Rows that the budget leaves; absent without one. */
  readonly left?: number;
}

/** What was asked of a model that can only be asked. */
export interface Asked {
  /** Rows sent in all sittings of a run, those of failed requests included. */
  readonly queries: number;
  readonly cost: number;
  /** Rows of this sitting that were answered from memory. */
  readonly remembered: number;
  /** Requests of this sitting that were sent again. */
  readonly retries: number;
}

/** How a model that was asked the same before and after differs. */
export interface Drift {
  /** Probes with another class, or with scores further apart than rounding explains. */
  readonly differing: number;
  readonly of: number;
}

export interface GradientRows {
  /** Logits, [count, classes]. */
  readonly scores: Float32Array;
  /** [count]. */
  readonly losses: Float32Array;
  /** [count, size]: each row the gradient of its own sample's loss, with respect to the row in attack space. */
  readonly gradients: Float32Array;
}

/** A model without its last linear layer. */
export interface FeatureModel {
  /** Number of features of a row. */
  readonly size: number;
  /** [count, size] */
  features(rows: Rows): Promise<Float32Array>;
  /** For each row the gradient of <cotangent, features>, with respect to the row; `cotangents` is [count, size]. */
  gradient(
    rows: Rows,
    cotangents: Float32Array,
  ): Promise<{ readonly features: Float32Array; readonly gradients: Float32Array }>;
  close(): Promise<void>;
}

/**
 * Ways to hide gradients from a weak evaluation. `scaled-logits`: times 10,000, so that cross-entropy saturates; `quantized-input`: rounded to
 * 8 bits by operators whose gradient passes straight through; `rounded-input`: rounded to 8 bits by one whose gradient is zero.
 */
export type PlantedMask = "scaled-logits" | "quantized-input" | "rounded-input";

/** What can be made of a model whose graph is at hand, to put an evaluation to the test. Whoever asks closes what it gets. */
export interface GraphAccess {
  /** Null where the scores do not come from a last linear layer. */
  features(): Promise<FeatureModel | null>;
  /** The same model behind a mask. */
  masked(mask: PlantedMask): Promise<Classifier>;
}

/** What a classifier has done so far. Rows that only fill a batch up count too: they cost as much. */
export interface Meter {
  readonly forwardRows: number;
  /** Rows whose gradient was computed; each is a forward row too. */
  readonly backwardRows: number;
  readonly verifiedRows: number;
  /** Inside the runtime, summed over its workers; NaN where the runtime doesn't measure it. */
  readonly sessionSeconds: number;
}

/** What happens to a text before the model itself sees it: an edit that is gone by then can't change the answer. */
export interface TextReading {
  /** What the tokenizer's normalizer leaves of a text. */
  normalized(text: string): string;
  /** The same for texts that the model can't tell apart. */
  key(text: string): string;
  /** Whether the end of the text is beyond what the model takes. */
  truncated(text: string): boolean;
}

/** What attacks see of a model. Everything is in attack space: ranges, mean and std, layout and batch handling are behind this wall. */
export interface Classifier {
  readonly classes: readonly string[];
  /** Dimensions of one row: [height, width, channels] of an image, [features] of a vector. */
  readonly dims: readonly number[];
  readonly capabilities: Capabilities;
  /** Rows that one pass may hold: memory permitting; 1 for a model whose batch cannot be freed. */
  readonly maxBatch: number;
  /** Passes that can really overlap. */
  readonly concurrency: number;
  /** Logits, [count, classes] (one-hot of the label where only labels are known). */
  scores(rows: Rows): Promise<Float32Array>;
  /** The same of texts, where the model takes them as they are: without the way through points. */
  scoresOfTexts?(texts: readonly string[]): Promise<Float32Array>;
  /** Throws where `capabilities.gradient` is false. `targets` for the targeted losses and `other`. */
  gradient(rows: Rows, loss: LossName, labels: Int32Array, targets?: Int32Array): Promise<GradientRows>;
  /**
   * The scores that the *original* model file gives for one row, alone, exactly as it would be deployed (for an 8-bit
   * input: from the pixel values that a file holds). This is what decides whether something is a finding.
   */
  verify(row: Float32Array): Promise<Float32Array>;
  /** What `verify` gives; without it, logits, or a label where `capabilities` say so. */
  readonly meaning?: ScoreMeaning;
  /** Named adaptations and caveats, for the result: "batch of 1 freed (8 rows agree)", "logits taken before the final Softmax". */
  readonly notes: readonly string[];
  /** Step functions on the way from the input to the scores, where that is known; `notes` tell of them too. */
  readonly steps?: StepFunctions;
  readonly problems: readonly Problem[];
  /** Of a model of texts whose tokenizer we hold. */
  readonly reading?: TextReading;
  /** Of an ensemble of decision trees: what its file says. */
  readonly trees?: TreeEnsemble;
  /** Absent for a model that can only be asked. */
  readonly access?: GraphAccess;
  meter?(): Meter;
  /** Of a model that can only be asked. */
  readonly toll?: Toll;
  readonly asked?: Asked;
  /** Fires, with the reason, when it will answer no more: a budget is spent, or the target is gone. */
  readonly ended?: AbortSignal;
  /** Asks fixed probes again: a model that we do not hold may be another by the end of a run. */
  drift?(): Promise<Drift>;
  close(): Promise<void>;
}
