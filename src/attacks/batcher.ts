import { internalError } from "../base/errors.ts";
import type { Classifier, GradientRows, LossName } from "../models/classifier.ts";
import { AttemptOver } from "./attack.ts";

/** What one row of one pass gave. The arrays are parts of the whole batch: copy what is to be kept. */
export interface RowResult {
  readonly scores: Float32Array;
  readonly loss: number;
  /** Empty for a pass without gradient. */
  readonly gradient: Float32Array;
  /** This row's share of the pass. */
  readonly seconds: number;
}

/** All passes so far, in rows: `forward` includes the forward half of gradients. */
export interface PassTotals {
  readonly passes: number;
  readonly forward: number;
  readonly gradients: number;
  readonly verifications: number;
  readonly seconds: number;
}

type Kind = LossName | "scores";

interface Waiter {
  resolve(result: RowResult): void;
  reject(error: unknown): void;
}

/** Rows of one kind that wait for a pass. The buffer is reused; a pass gets its own copy. */
interface Waiting {
  readonly kind: Kind;
  readonly rows: Float32Array;
  readonly labels: Int32Array;
  readonly targets: Int32Array;
  waiters: Waiter[];
}

interface Packed {
  readonly kind: Kind;
  readonly rows: Float32Array;
  readonly count: number;
  readonly labels: Int32Array;
  readonly targets: Int32Array;
  readonly waiters: readonly Waiter[];
}

/** After everything that is ready to run has run, so that all rows of a finished pass are asked again before the next is packed. */
const soon: (work: () => void) => void =
  typeof globalThis.setImmediate === "function"
    ? (work) => void globalThis.setImmediate(work)
    : (work) => void setTimeout(work, 0);

/**
 * Packs single rows that many attempts ask for into passes of one kind (scores, or the gradient of one loss). A pass is sent when one more can be
 * useful: as many as the classifier overlaps, and one that waits in its queue so that it never idles while we pack.
 */
export class Batcher {
  private readonly classifier: Classifier;
  private readonly size: number;
  private readonly classes: number;
  private readonly slots: number;
  private readonly onPass: () => void;
  private readonly waiting = new Map<Kind, Waiting>();
  private readonly full: Packed[] = [];
  private readonly alone: (() => void)[] = [];
  private aloneRunning = 0;
  private running = 0;
  private flushPlanned = false;
  private stopped = false;
  private idleCallbacks: (() => void)[] = [];
  private readonly counts = { passes: 0, forward: 0, gradients: 0, verifications: 0, seconds: 0 };

  constructor(classifier: Classifier, onPass: () => void = () => {}) {
    this.classifier = classifier;
    this.size = classifier.dims.reduce((product, dim) => product * dim, 1);
    this.classes = classifier.classes.length;
    this.slots = passSlots(classifier);
    this.onPass = onPass;
  }

  get totals(): PassTotals {
    return { ...this.counts };
  }

  /** Logits of one row, from a batched pass. The row is copied at once. */
  scores(row: Float32Array): Promise<RowResult> {
    return this.ask("scores", row, 0, 0);
  }

  /** Logits, loss and gradient of one row. */
  gradient(row: Float32Array, loss: LossName, label: number, target: number | undefined): Promise<RowResult> {
    if (target === undefined && needsTarget(loss)) throw internalError(`loss '${loss}' needs a target`);
    return this.ask(loss, row, label, target ?? 0);
  }

  /** The original model's scores of this row, alone. A few run at once. */
  async verify(row: Float32Array): Promise<{ readonly scores: Float32Array; readonly seconds: number }> {
    const copy = Float32Array.from(row);
    if (this.aloneRunning >= this.classifier.concurrency) await new Promise<void>((go) => this.alone.push(go));
    if (this.stopped) throw new AttemptOver("stopped");
    this.aloneRunning++;
    const start = performance.now();
    try {
      const scores = await this.classifier.verify(copy);
      const seconds = (performance.now() - start) / 1000;
      this.counts.verifications++;
      this.counts.seconds += seconds;
      return { scores, seconds };
    } finally {
      this.aloneRunning--;
      this.alone.shift()?.();
      this.tellIfIdle();
    }
  }

  /** Nothing more is sent; whoever waits gets `AttemptOver("stopped")`. Resolves when the passes under way have ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    const over = new AttemptOver("stopped");
    for (const { waiters } of [...this.full, ...this.waiting.values()])
      for (const waiter of waiters) waiter.reject(over);
    this.full.length = 0;
    this.waiting.clear();
    for (const go of this.alone.splice(0)) go();
    if (this.running + this.aloneRunning > 0) await new Promise<void>((idle) => this.idleCallbacks.push(idle));
  }

  private ask(kind: Kind, row: Float32Array, label: number, target: number): Promise<RowResult> {
    if (this.stopped) return Promise.reject(new AttemptOver("stopped"));
    if (row.length !== this.size) throw internalError(`a row of ${row.length} values for a model of ${this.size}`);
    let open = this.waiting.get(kind);
    if (open === undefined) {
      const rows = Math.max(this.classifier.maxBatch, 1);
      const buffer = new Float32Array(Math.max(rows, 2) * this.size);
      open = { kind, rows: buffer, labels: new Int32Array(rows), targets: new Int32Array(rows), waiters: [] };
      this.waiting.set(kind, open);
    }
    const place = open.waiters.length;
    open.rows.set(row, place * this.size);
    open.labels[place] = label;
    open.targets[place] = target;
    const { waiters } = open;
    const answer = new Promise<RowResult>((resolve, reject) => waiters.push({ resolve, reject }));
    if (open.waiters.length === this.classifier.maxBatch) this.full.push(this.pack(open));
    this.planFlush();
    return answer;
  }

  /** Copies what waits into a pass of its own. One row is doubled: a batch of one takes other kernels than all others. */
  private pack(open: Waiting): Packed {
    const { kind, waiters } = open;
    const count = this.classifier.maxBatch < 2 ? waiters.length : Math.max(waiters.length, 2);
    if (count > waiters.length) {
      open.rows.copyWithin(this.size, 0, this.size);
      open.labels[1] = open.labels[0]!;
      open.targets[1] = open.targets[0]!;
    }
    open.waiters = [];
    const rows = open.rows.slice(0, count * this.size);
    return { kind, rows, count, labels: open.labels.slice(0, count), targets: open.targets.slice(0, count), waiters };
  }

  private planFlush(): void {
    if (this.flushPlanned || this.running >= this.slots) return;
    this.flushPlanned = true;
    soon(() => {
      this.flushPlanned = false;
      this.flush();
    });
  }

  private flush(): void {
    while (this.running < this.slots && !this.stopped) {
      const next = this.full.shift() ?? this.fullestWaiting();
      if (next === undefined) return;
      void this.send(next);
    }
  }

  private fullestWaiting(): Packed | undefined {
    let fullest: Waiting | undefined;
    for (const open of this.waiting.values()) if (open.waiters.length > (fullest?.waiters.length ?? 0)) fullest = open;
    return fullest === undefined ? undefined : this.pack(fullest);
  }

  private async send(batch: Packed): Promise<void> {
    this.running++;
    const start = performance.now();
    try {
      const result = await this.pass(batch);
      const seconds = (performance.now() - start) / 1000;
      this.count(batch, seconds);
      this.deliver(batch, result, seconds / batch.waiters.length);
    } catch (error) {
      for (const waiter of batch.waiters) waiter.reject(error);
    } finally {
      this.running--;
      this.planFlush();
      this.tellIfIdle();
    }
    this.onPass();
  }

  private async pass({ kind, rows, count, labels, targets }: Packed): Promise<GradientRows> {
    const batch = { data: rows, count, given: true };
    if (kind !== "scores")
      return await this.classifier.gradient(batch, kind, labels, needsTarget(kind) ? targets : undefined);
    const none = new Float32Array(0);
    return { scores: await this.classifier.scores(batch), losses: none, gradients: none };
  }

  private deliver({ waiters }: Packed, { scores, losses, gradients }: GradientRows, seconds: number): void {
    const { size, classes } = this;
    waiters.forEach((waiter, place) => {
      waiter.resolve({
        scores: scores.subarray(place * classes, (place + 1) * classes),
        loss: losses[place] ?? Number.NaN,
        gradient: gradients.subarray(place * size, (place + 1) * size),
        seconds,
      });
    });
  }

  private count({ kind, waiters }: Packed, seconds: number): void {
    this.counts.passes++;
    this.counts.forward += waiters.length;
    if (kind !== "scores") this.counts.gradients += waiters.length;
    this.counts.seconds += seconds;
  }

  private tellIfIdle(): void {
    if (this.running + this.aloneRunning > 0) return;
    for (const idle of this.idleCallbacks.splice(0)) idle();
  }
}

/** Passes kept under way: one more than really overlap. */
export function passSlots(classifier: Classifier): number {
  return classifier.concurrency + 1;
}

function needsTarget(loss: LossName): boolean {
  return loss.startsWith("targeted-") || loss === "other";
}
