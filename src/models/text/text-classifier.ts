import { BlindspotError } from "../../base/errors.ts";
import { textOf } from "../../inputs/text/code-points.ts";
import type { Runtime, Session } from "../../runtime/runtime.ts";
import type { Capabilities, Classifier, GradientRows, Meter, Rows, ScoreMeaning, TextReading } from "../classifier.ts";
import { likeLogits } from "../queried/answers.ts";
import type { ScoreHead } from "../score-head.ts";
import type { TextFeed } from "./text-feed.ts";
import { runTexts } from "./text-output.ts";

export interface TextClassifierParts {
  readonly runtime: Runtime;
  /** Whether `close` ends the runtime too. */
  readonly ownsRuntime: boolean;
  readonly label: string;
  readonly session: Session;
  /** Of a copy that gives the same and is faster, for passes of many; null: there is none. */
  readonly searched: Session | null;
  readonly feed: TextFeed;
  readonly head: ScoreHead;
  readonly meaning: ScoreMeaning;
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly maxBatch: number;
  readonly notes: readonly string[];
}

/** A classifier of texts: rows of attack space are code points (see `textOf`). Searches ask the file in batches, or a faster copy of it; what counts is what the file gives alone. */
export class TextClassifier implements Classifier {
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly capabilities: Capabilities;
  readonly maxBatch: number;
  readonly concurrency: number;
  readonly notes: readonly string[];
  readonly problems = [];
  readonly head: ScoreHead;
  readonly meaning: ScoreMeaning;
  readonly fixedBatch: number | null;
  readonly reading?: TextReading;
  private readonly parts: TextClassifierParts;
  private forwardRows = 0;
  private verifiedRows = 0;

  constructor(parts: TextClassifierParts) {
    this.parts = parts;
    this.classes = parts.classes;
    this.dims = parts.dims;
    this.capabilities = { output: parts.meaning === "label" ? "label" : "scores", gradient: false };
    this.maxBatch = parts.maxBatch;
    this.concurrency = parts.session.concurrency;
    this.notes = parts.notes;
    this.head = parts.head;
    this.meaning = parts.meaning;
    this.fixedBatch = parts.feed.fixedBatch;
    if (parts.feed.reading !== undefined) this.reading = parts.feed.reading;
  }

  scores({ data, count }: Rows): Promise<Float32Array> {
    const size = data.length / count;
    return this.scoresOfTexts(Array.from({ length: count }, (_, i) => textOf(data.subarray(i * size, (i + 1) * size))));
  }

  /** Of probabilities the logarithm: see `likeLogits`. */
  async scoresOfTexts(texts: readonly string[]): Promise<Float32Array> {
    const passes: Promise<Float32Array[]>[] = [];
    for (let from = 0; from < texts.length; from += this.maxBatch)
      passes.push(this.ask(texts.slice(from, from + this.maxBatch)));
    const classes = this.classes.length;
    const scores = new Float32Array(texts.length * classes);
    (await Promise.all(passes)).flat().forEach((given, i) => {
      scores.set(likeLogits(this.meaning, given), i * classes);
    });
    return scores;
  }

  gradient(): Promise<GradientRows> {
    return Promise.reject(
      new BlindspotError({
        code: "E_TEXT_GRADIENT",
        subject: this.parts.label,
        expected: "an input of numbers, for attacks by gradients",
        got: "texts: attacks by scores and labels edit them",
      }),
    );
  }

  async verify(row: Float32Array): Promise<Float32Array> {
    this.verifiedRows++;
    return (await runTexts(this.parts, [textOf(row)]))[0]!;
  }

  meter(): Meter {
    const { forwardRows, verifiedRows } = this;
    const { session, searched } = this.parts;
    const sessionSeconds = (session.busySeconds ?? Number.NaN) + (searched?.busySeconds ?? 0);
    return { forwardRows, backwardRows: 0, verifiedRows, sessionSeconds };
  }

  async close(): Promise<void> {
    await this.parts.searched?.close();
    await this.parts.session.close();
    if (this.parts.ownsRuntime) await this.parts.runtime.close();
  }

  private ask(texts: readonly string[]): Promise<Float32Array[]> {
    this.forwardRows += this.fixedBatch ?? texts.length;
    const { searched } = this.parts;
    return runTexts(searched === null ? this.parts : { ...this.parts, session: searched }, texts);
  }
}
