import type { Feeds } from "../runtime/runtime.ts";
import { predictedClass } from "../threats/goal.ts";
import type { PassedPart, StepReport } from "../train/index.ts";
import { rowOf } from "./inner-attacks.ts";
import type { TrainedPoints } from "./training-batches.ts";

export interface EpochMeterOptions {
  /** Output of the training graph that holds the logits. */
  readonly logits: string;
  readonly classes: number;
  readonly epochs: number;
  trainedOn(feeds: Feeds): TrainedPoints;
}

export interface Speed {
  /** Rows of training data per second, crafting included. */
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

/** Accuracy and cross-entropy on the points that were trained on, and how fast it goes. */
export class EpochMeter {
  private readonly options: EpochMeterOptions;
  private rows = 0;
  private hits = 0;
  private loss = 0;
  private since = performance.now();
  private trainedRows = 0;
  private trainedSeconds = 0;
  private otherSeconds = 0;
  private epochsDone = 0;

  constructor(options: EpochMeterOptions) {
    this.options = options;
  }

  /** The part between the epochs (validation, checkpoint) ends now. */
  begin(): void {
    const now = performance.now();
    this.otherSeconds += (now - this.since) / 1000;
    this.since = now;
    [this.rows, this.hits, this.loss] = [0, 0, 0];
  }

  add({ parts, rows, epoch, step, steps }: StepReport): Speed {
    for (const part of parts) this.count(part);
    const now = performance.now();
    this.trainedSeconds += (now - this.since) / 1000;
    this.since = now;
    this.trainedRows += rows;
    const samplesPerSecond = this.trainedRows / this.trainedSeconds;
    const stepsLeft = steps - step + steps * (this.options.epochs - epoch);
    const between = this.epochsDone === 0 ? 0 : this.otherSeconds / this.epochsDone;
    const secondsLeft = (stepsLeft * rows) / samplesPerSecond + between * (this.options.epochs - epoch + 1);
    return { samplesPerSecond, secondsLeft };
  }

  private count({ feeds, outputs }: PassedPart): void {
    const { labels, from } = this.options.trainedOn(feeds);
    const logits = outputs[this.options.logits]!.data as Float32Array;
    const losses = outputs["loss"]!.data as Float32Array;
    for (const [i, label] of labels.entries()) {
      if (predictedClass(rowOf(logits, from + i, this.options.classes)) === label) this.hits++;
      this.loss += losses[from + i]!;
    }
    this.rows += labels.length;
  }

  /** Of the epoch that just ended. */
  end(): { trainAccuracy: number; trainLoss: number } {
    this.epochsDone++;
    return { trainAccuracy: this.hits / this.rows, trainLoss: this.loss / this.rows };
  }

  get samplesPerSecond(): number | null {
    return this.trainedSeconds > 0 ? this.trainedRows / this.trainedSeconds : null;
  }
}
