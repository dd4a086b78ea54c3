import type { Classifier, GradientRows, LossName } from "../models/classifier.ts";
import { areTexts, type Inputs } from "./inputs.ts";

/** What a pass is made for: the gradient of one loss, or scores, of points or of texts. */
export type Kind = LossName | "scores" | "texts";

export function isGradient(kind: Kind): kind is LossName {
  return kind !== "scores" && kind !== "texts";
}

export function needsTarget(loss: LossName): boolean {
  return loss.startsWith("targeted-") || loss === "other";
}

/** What one pass gave all its inputs. */
export interface PassResult extends GradientRows {
  /** Time of the pass, shared out evenly. */
  readonly secondsPerRow: number;
}

/** Inputs of one kind that go through the model together; all who asked wait for the same promise. */
export class Pass {
  readonly kind: Kind;
  readonly result: Promise<PassResult>;
  count = 0;
  resolve!: (result: PassResult) => void;
  reject!: (error: unknown) => void;
  private readonly size: number;
  private readonly most: number;
  /** Most passes are far from full where a search waits for each of its answers: memory for rows that do not come would cost more than all else here. */
  private rows: Float32Array;
  /** Of a pass of texts; it has no rows. */
  private readonly texts: string[] = [];
  private readonly labels: Int32Array;
  private readonly targets: Int32Array;

  /** @param room for so many points of that size at first: as many as came last time */
  constructor(kind: Kind, capacity: number, size: number, room: number) {
    this.kind = kind;
    this.size = size;
    this.most = capacity * size;
    this.rows = new Float32Array(room * size);
    this.labels = new Int32Array(capacity);
    this.targets = new Int32Array(capacity);
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Adds so many inputs: points are copied. */
  add(inputs: Inputs, count: number): void {
    if (areTexts(inputs)) this.texts.push(...inputs);
    else {
      this.reserve((this.count + count) * this.size);
      this.rows.set(inputs, this.count * this.size);
    }
    this.count += count;
  }

  /** Adds one point, with what its loss is about; returns its place. */
  addRow(row: Float32Array, label: number, target: number): number {
    const place = this.count;
    this.labels[place] = label;
    this.targets[place] = target;
    this.add(row, 1);
    return place;
  }

  /** Sends all of them. One alone is doubled: a batch of one takes other kernels than all others. */
  async through(classifier: Classifier): Promise<GradientRows> {
    const { kind, size, texts, labels, targets } = this;
    const count = classifier.maxBatch < 2 ? this.count : Math.max(this.count, 2);
    const doubled = count > this.count;
    if (kind === "texts") return onlyScores(await classifier.scoresOfTexts!(doubled ? [texts[0]!, texts[0]!] : texts));
    if (doubled) {
      this.rows.copyWithin(size, 0, size);
      labels[1] = labels[0]!;
      targets[1] = targets[0]!;
    }
    const filled = count * size;
    // Given away: the runtime moves the buffer to its thread, so it must hold nothing else.
    const data = filled === this.rows.length ? this.rows : this.rows.slice(0, filled);
    const batch = { data, count, given: true };
    if (!isGradient(kind)) return onlyScores(await classifier.scores(batch));
    const aimed = needsTarget(kind) ? targets.slice(0, count) : undefined;
    return await classifier.gradient(batch, kind, labels.slice(0, count), aimed);
  }

  /** Makes room for so many values. */
  private reserve(values: number): void {
    if (values <= this.rows.length) return;
    const larger = new Float32Array(Math.min(Math.max(values, 2 * this.rows.length), this.most));
    larger.set(this.rows);
    this.rows = larger;
  }
}

function onlyScores(scores: Float32Array): GradientRows {
  const none = new Float32Array(0);
  return { scores, losses: none, gradients: none };
}
