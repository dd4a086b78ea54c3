import type { Rng } from "../base/rng.ts";
import type { Feeds, Kept } from "../runtime/runtime.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";
import type { Threat } from "../threats/threat.ts";
import type { TrainingData } from "../train/index.ts";
import { type Augmentation, augment } from "./augment.ts";
import { type Batch, rowOf } from "./inner-attacks.ts";
import type { Method } from "./methods.ts";
import type { OpenModel } from "./open-model.ts";
import { penaltyRows, type Regularizers } from "./regularizers.ts";
import type { TrainingRows } from "./training-rows.ts";

export interface BatchOptions {
  readonly model: OpenModel;
  readonly method: Method;
  readonly steps: number;
  readonly beta: number;
  readonly regularizers: Regularizers;
  readonly augmentation: Augmentation;
  readonly rows: TrainingRows;
  /** Stored boundary samples, for method `corpus`. */
  readonly boundary: TrainingRows | null;
  readonly dims: readonly number[];
  /** Name of the model's input. */
  readonly input: string;
  /** The inner attack's, at a point of the training. */
  threatAt(progress: number): Threat;
}

/** A batch between `batch` and `craft`. */
interface Prepared {
  readonly batch: Batch;
  /** Where crafting starts. */
  readonly x: Float32Array;
  readonly threat: Threat;
}

/** Labels of the points, and the row of the feeds at which they begin. */
export interface TrainedPoints {
  readonly labels: Int32Array;
  readonly from: number;
}

/**
 * Batches for a training step with the weighted objective. Rows of the step: those that are trained on; for `consistency` the clean ones before
 * them; for a gradient penalty two more for each.
 */
export class TrainingBatches implements TrainingData {
  readonly count: number;
  private readonly options: BatchOptions;
  private readonly prepared = new WeakMap<Tensor, Prepared>();
  private readonly crafted = new WeakMap<Tensor, TrainedPoints>();

  constructor(options: BatchOptions) {
    this.options = options;
    this.count = options.rows.count;
  }

  /** Reads, varies, and draws where crafting starts. */
  batch(rows: readonly number[], rng: Rng, progress: number): Feeds {
    const { method, rows: source, boundary, augmentation, dims, input } = this.options;
    const { size } = source;
    const drawn = boundary === null ? [] : rows.map((_, i) => rng.fold("boundary").fold(i).integer(boundary.count));
    const x0 = new Float32Array((rows.length + drawn.length) * size);
    rows.forEach((row, i) => {
      source.copy(row, x0, i * size);
      if (augmentation.shift || augmentation.flip)
        augment(rowOf(x0, i, size), dims, augmentation, rng.fold("augment").fold(i));
    });
    drawn.forEach((row, i) => {
      boundary!.copy(row, x0, (rows.length + i) * size);
    });
    const labels = Int32Array.from([
      ...rows.map((row) => source.labels[row]!),
      ...drawn.map((row) => boundary!.labels[row]!),
    ]);
    const tensor = float32([labels.length, ...dims], x0);
    const batch = { x0, labels, size };
    const threat = this.options.threatAt(progress);
    this.prepared.set(tensor, { batch, threat, x: method.start(batch, threat, rng.fold("start")) });
    return { [input]: tensor };
  }

  /** Crafts the points to train on, and lays out the rows of the step. Points alone are left where they were crafted. */
  async craft(feeds: Feeds, state: Kept): Promise<Feeds> {
    const { model, method, input, dims, beta, regularizers, steps } = this.options;
    const { batch, threat, x } = this.prepared.get(feeds[input]!)!;
    const consistent = method.trains === "consistency";
    const alone = !consistent && regularizers.inputGradient === undefined;
    const given = (rows: Float32Array) => (alone ? rows : rows.slice());
    const attack = method.attack(threat, { steps });
    await model.place(state, given(x), batch.labels);
    if (attack !== null) await model.ascend(state, given(batch.x0), attack);
    const layout = new Layout(batch, dims);
    const points = alone ? null : await model.placed(state);
    const from = consistent ? layout.pairs(points!, beta) : layout.plain(points);
    if (regularizers.inputGradient !== undefined) {
      const { gradients } = await model.gradient("cross-entropy", batch.x0.slice(), batch.labels, state);
      const { rows, weights: factors } = penaltyRows(batch, gradients, regularizers.inputGradient);
      layout.add(rows, [...batch.labels, ...batch.labels], factors);
    }
    const fed = layout.feeds(input, consistent);
    this.crafted.set(fed["labels"]!, { labels: batch.labels, from });
    return fed;
  }

  /** What the model was trained on by feeds of `craft`. */
  trainedOn(feeds: Feeds): TrainedPoints {
    return this.crafted.get(feeds["labels"]!)!;
  }
}

/** Rows of one training step, put one behind the other. */
class Layout {
  private readonly batch: Batch;
  private readonly dims: readonly number[];
  private readonly parts: Float32Array[] = [];
  private readonly labels: number[] = [];
  private readonly lossWeights: number[] = [];
  private readonly partners: number[] = [];
  private readonly consistency: number[] = [];

  constructor(batch: Batch, dims: readonly number[]) {
    this.batch = batch;
    this.dims = dims;
  }

  /** The mean of the cross-entropies of `points`; null where they stay. Returns the row at which they begin. */
  plain(points: Float32Array | null): number {
    const { labels } = this.batch;
    return this.add(points, labels, new Float32Array(labels.length).fill(1 / labels.length));
  }

  /** The mean cross-entropy of the clean rows and beta times the mean divergence of each point from its clean row. */
  pairs(points: Float32Array, beta: number): number {
    const { x0, labels } = this.batch;
    this.plain(x0);
    const from = this.add(points, labels, new Float32Array(labels.length));
    for (let i = 0; i < labels.length; i++) {
      this.partners[from + i] = i;
      this.consistency[from + i] = beta / labels.length;
    }
    return from;
  }

  add(rows: Float32Array | null, labels: ArrayLike<number>, weights: Float32Array): number {
    const from = this.labels.length;
    if (rows !== null) this.parts.push(rows);
    for (let i = 0; i < labels.length; i++) {
      this.labels.push(labels[i]!);
      this.lossWeights.push(weights[i]!);
      // A row that is its own partner diverges by nothing.
      this.partners.push(from + i);
      this.consistency.push(0);
    }
    return from;
  }

  feeds(input: string, consistency: boolean): Feeds {
    const count = this.labels.length;
    return {
      ...(this.parts.length === 0 ? {} : { [input]: float32([count, ...this.dims], joined(this.parts)) }),
      labels: int64([count], this.labels),
      loss_weights: float32([count], this.lossWeights),
      ...(consistency
        ? { partners: int64([count], this.partners), consistency_weights: float32([count], this.consistency) }
        : {}),
    };
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
