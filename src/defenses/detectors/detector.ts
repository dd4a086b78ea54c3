import type { OpBuilder } from "../../graph/builder.ts";
import type { Value } from "../../graph/ir.ts";
import type { Threat } from "../../threats/threat.ts";

export const DETECTOR_NAMES = ["squeezing", "mahalanobis", "binary", "energy"] as const;
export type DetectorName = (typeof DETECTOR_NAMES)[number];

export interface DetectorSettings {
  /** The inner values whose features are looked at; default: what the last linear layer reads. */
  readonly layers?: readonly string[];
  readonly squeezers?: Squeezers;
}

export interface Squeezers {
  /** Bits that are left of each value; 0: not used. */
  readonly bits: number;
  /** Width of the window whose median each pixel becomes; 0: not used. */
  readonly median: number;
}

/** Where a detector is written into a model: what it may read. All are batches of any number of rows. */
export interface Site {
  readonly op: OpBuilder;
  /** float32 [N, classes] */
  readonly logits: Value;
  /** float32 [N, size]: an inner value, a feature map by the mean of each channel. Throws E_DETECTOR_LAYER. */
  features(layer?: string): Value;
  /** float32 [N, height, width, channels] or [N, features], in 0..1. */
  point(): Value;
  /** Logits of the same model for other points. */
  logitsAt(point: Value): Value;
}

/**
 * A way past the detector that knows its workings: lower for each class, the more the detector takes an input for one of that class. Suspicion itself
 * may have no slope where an attacker stands, or lead toward the nearest class only.
 */
export interface Guide {
  /** float32 [N, classes] */
  readonly byClass: Value;
  /** What it is measured in: suspicion, or differences of logits. */
  readonly unit: "suspicion" | "margin";
}

export interface Suspicion {
  /** float32 [N]; the more, the less like clean data. */
  readonly total: Value;
  /** For those who test it: what to press down in order to be accepted as one class or another. Null: nothing better than `total`. */
  readonly guide: Guide | null;
}

/** A detector that has seen its data: it is a function of the model's values, and becomes a part of the graph. */
export interface FittedDetector {
  /** In words, with its settings. */
  readonly describes: string;
  append(site: Site): Suspicion;
}

/** What a detector is fitted to: clean rows, and what the model makes of them. */
export interface FitBench {
  readonly settings: DetectorSettings;
  readonly dims: readonly number[];
  readonly classes: readonly string[];
  readonly threat: Threat;
  readonly seed: number;
  /** The clean rows and their labels. */
  readonly rows: readonly Float32Array[];
  readonly labels: Int32Array;
  /** Features of rows, [count, size]. @param layer as in `Site.features` */
  features(
    rows: readonly Float32Array[],
    layer?: string,
  ): Promise<{ readonly data: Float32Array; readonly size: number }>;
  /** A point of the threat's surface for each row, drawn by the seed: negatives that are as far from clean data as attacks are. */
  noise(rows: readonly Float32Array[]): Float32Array[];
  /** Adversarial inputs against the model alone, for those of the first `count` rows (1,000) that it gets right; null where none was found. */
  adversarial(count?: number): Promise<readonly (Float32Array | null)[]>;
}

/** Fits on clean data. Throws where the model or the data don't allow it. */
export interface DetectorDefinition {
  readonly name: DetectorName;
  /** One line for the help. */
  readonly summary: string;
  readonly source: string;
  fit(bench: FitBench): Promise<FittedDetector>;
}
