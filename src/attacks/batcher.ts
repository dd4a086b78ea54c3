import { internalError } from "../base/errors.ts";
import type { Classifier, LossName } from "../models/classifier.ts";
import { AttemptOver } from "./attack.ts";
import { areTexts, countOf, type Inputs, packed, partOf } from "./inputs.ts";
import { isGradient, type Kind, needsTarget, Pass, type PassResult } from "./pass.ts";

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

/** After everything that is ready to run has run, so that all rows of a finished pass are asked again before the next is packed. */
const soon: (work: () => void) => void =
  typeof globalThis.setImmediate === "function"
    ? (work) => void globalThis.setImmediate(work)
    : (work) => void setTimeout(work, 0);

/** Rows alone that are sent for each that can run: short as they are, a model would idle between one and the next. What costs money isn't sent ahead. */
const ALONE_AHEAD = 4;

/**
 * Packs single rows that many attempts ask for into passes of one kind (scores, or the gradient of one loss). A pass is sent when one more can be
 * useful: as many as the classifier overlaps, and one that waits in its queue so that it never idles while we pack.
 */
export class Batcher {
  private readonly classifier: Classifier;
  private readonly size: number;
  private readonly classes: number;
  private readonly slots: number;
  private readonly atOnceAlone: number;
  private readonly onPass: () => void;
  /** Rows of the last pass of each kind. */
  private readonly lastCount = new Map<Kind, number>();
  /** Passes that still take rows. */
  private readonly open = new Map<Kind, Pass>();
  private readonly full: Pass[] = [];
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
    this.atOnceAlone = classifier.concurrency * (classifier.toll === undefined ? ALONE_AHEAD : 1);
    this.onPass = onPass;
  }

  get totals(): PassTotals {
    return { ...this.counts };
  }

  /** Logits of one row, from a batched pass. The row is copied at once. */
  scores(row: Float32Array): Promise<RowResult> {
    return this.ask("scores", row, 0, 0);
  }

  /**
   * Logits of many inputs, from as many passes as they take; points are copied at once. One promise for each pass instead of one for each row: searches that know
   * all they will ask are several times as fast. Texts stay texts where the classifier takes them.
   */
  async scoresOf(inputs: Inputs): Promise<{ readonly scores: Float32Array; readonly seconds: number }> {
    if (this.stopped) throw new AttemptOver("stopped");
    const { size, classes } = this;
    const asked = this.classifier.scoresOfTexts === undefined ? packed(inputs, size) : inputs;
    const count = countOf(asked, size);
    if (!Number.isInteger(count)) throw internalError(`${asked.length} values are no rows of ${size}`);
    const parts: { readonly pass: Pass; readonly from: number; readonly place: number; readonly count: number }[] = [];
    for (let from = 0; from < count; ) {
      const pass = this.openPass(areTexts(asked) ? "texts" : "scores");
      const place = pass.count;
      const taken = Math.min(count - from, Math.max(1, this.classifier.maxBatch) - place);
      pass.add(partOf(asked, from, from + taken, size), taken);
      this.closeIfFull(pass);
      parts.push({ pass, from, place, count: taken });
      from += taken;
    }
    this.planFlush();
    const scores = new Float32Array(count * classes);
    let seconds = 0;
    const results = await Promise.all(parts.map(({ pass }) => pass.result));
    for (const [i, part] of parts.entries()) {
      const { scores: all, secondsPerRow } = results[i]!;
      scores.set(all.subarray(part.place * classes, (part.place + part.count) * classes), part.from * classes);
      seconds += secondsPerRow * part.count;
    }
    return { scores, seconds };
  }

  /** Logits, loss and gradient of one row. */
  gradient(row: Float32Array, loss: LossName, label: number, target: number | undefined): Promise<RowResult> {
    if (target === undefined && needsTarget(loss)) throw internalError(`loss '${loss}' needs a target`);
    return this.ask(loss, row, label, target ?? 0);
  }

  /** The original model's scores of this row, alone. A few run at once. */
  async verify(row: Float32Array): Promise<{ readonly scores: Float32Array; readonly seconds: number }> {
    const copy = Float32Array.from(row);
    if (this.aloneRunning >= this.atOnceAlone) await new Promise<void>((go) => this.alone.push(go));
    if (this.stopped) throw new AttemptOver("stopped");
    this.aloneRunning++;
    const start = performance.now();
    try {
      const scores = await this.classifier.verify(copy);
      const seconds = (performance.now() - start) / 1000;
      this.counts.verifications++;
      this.counts.seconds += seconds;
      return { scores, seconds };
    } catch (error) {
      throw this.failure(error);
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
    for (const pass of [...this.full, ...this.open.values()]) pass.reject(over);
    this.full.length = 0;
    this.open.clear();
    for (const go of this.alone.splice(0)) go();
    if (this.running + this.aloneRunning > 0) await new Promise<void>((idle) => this.idleCallbacks.push(idle));
  }

  private ask(kind: Kind, row: Float32Array, label: number, target: number): Promise<RowResult> {
    if (this.stopped) return Promise.reject(new AttemptOver("stopped"));
    if (row.length !== this.size) throw internalError(`a row of ${row.length} values for a model of ${this.size}`);
    const pass = this.openPass(kind);
    const place = pass.addRow(row, label, target);
    this.closeIfFull(pass);
    this.planFlush();
    return pass.result.then((result) => this.rowOf(result, place));
  }

  private openPass(kind: Kind): Pass {
    let pass = this.open.get(kind);
    if (pass === undefined) {
      // Room for two, because one row alone is doubled.
      const capacity = Math.max(this.classifier.maxBatch, 2);
      const room = kind === "texts" ? 0 : (this.lastCount.get(kind) ?? capacity);
      pass = new Pass(kind, capacity, this.size, room);
      this.open.set(kind, pass);
    }
    return pass;
  }

  private closeIfFull(pass: Pass): void {
    if (pass.count < this.classifier.maxBatch) return;
    this.open.delete(pass.kind);
    this.full.push(pass);
  }

  private rowOf({ scores, losses, gradients, secondsPerRow }: PassResult, place: number): RowResult {
    const { size, classes } = this;
    return {
      scores: scores.subarray(place * classes, (place + 1) * classes),
      loss: losses[place] ?? Number.NaN,
      gradient: gradients.subarray(place * size, (place + 1) * size),
      seconds: secondsPerRow,
    };
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
      const next = this.full.shift() ?? this.fullestOpen();
      if (next === undefined) return;
      void this.send(next);
    }
  }

  /** A model that ends a run by failing (a budget is spent, an endpoint is gone) has stopped us by then: that is no error of a sample. */
  private failure(error: unknown): unknown {
    return this.stopped ? new AttemptOver("stopped") : error;
  }

  private fullestOpen(): Pass | undefined {
    let fullest: Pass | undefined;
    for (const pass of this.open.values()) if (pass.count > (fullest?.count ?? 0)) fullest = pass;
    if (fullest !== undefined) this.open.delete(fullest.kind);
    return fullest;
  }

  private async send(pass: Pass): Promise<void> {
    this.running++;
    this.lastCount.set(pass.kind, Math.max(pass.count, 2));
    const start = performance.now();
    try {
      const result = await pass.through(this.classifier);
      const seconds = (performance.now() - start) / 1000;
      this.counts.passes++;
      this.counts.forward += pass.count;
      if (isGradient(pass.kind)) this.counts.gradients += pass.count;
      this.counts.seconds += seconds;
      pass.resolve({ ...result, secondsPerRow: seconds / pass.count });
    } catch (error) {
      pass.reject(this.failure(error));
    } finally {
      this.running--;
      this.planFlush();
      this.tellIfIdle();
    }
    this.onPass();
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
