import { BlindspotError, type Problem } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Arrangement, toModelOrder } from "../arrangement.ts";
import { type Preprocessing, toModelUnits } from "../preprocessing.ts";
import { Allowance, type Budget } from "./allowance.ts";
import { type AnswerForm, breachOf, formOf, type RowAnswer, readAnswers } from "./answers.ts";
import type { Journal } from "./journal.ts";
import { type Clock, Pacer, wallClock } from "./pacing.ts";
import { gaveUp, type Patience, waitMs, withinTime } from "./patience.ts";
import { TransientFailure, type Transport } from "./transport.ts";

/** How a target is asked. */
export interface Asking extends Patience, Budget {
  /** Rows per second; Infinity for as fast as it answers. */
  readonly rate: number;
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Rows that one request holds. */
  readonly requestRows: number;
}

export interface QueriedOptions {
  readonly transport: Transport;
  readonly journal: Journal;
  readonly arrangement: Arrangement;
  readonly preprocessing: Preprocessing;
  /** The text of a point, where the target takes texts: then arrangement and preprocessing change nothing. */
  readonly textOf?: (point: Float32Array) => string;
  /** In the order of the scores; null: "0", "1", ... by the number of scores. */
  readonly classes: readonly string[] | null;
  readonly asking: Asking;
  /** `label`: of scores only the best class is used; `scores`: labels alone are refused. Default: as the target answers. */
  readonly answers?: "scores" | "label";
  /** Rows of attack space whose answers say what the target gives, and whether it changes. At least one. */
  readonly probes: readonly Float32Array[];
  /** Asks for an end: requests under way are finished, nothing more is sent. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** A row in attack space, and in the units and the order that the target takes. */
interface Question {
  readonly point: Float32Array;
  readonly row: Float32Array;
}

interface Answer {
  readonly output: AnswerForm["output"];
  readonly rows: readonly RowAnswer[];
}

/** Asks, and keeps what was answered: every row goes through the journal, the budget, the rate limit, patience, and the checks of answers. */
export class Asker {
  form: AnswerForm | null = null;
  readonly allowance: Allowance;
  /** In the fastest request of the probes, which had the target to itself. */
  secondsPerRow = Infinity;
  remembered = 0;
  retries = 0;
  private readonly options: QueriedOptions;
  private readonly clock: Clock;
  private readonly pacer: Pacer;
  private readonly pending = new Map<string, Promise<RowAnswer>>();
  private readonly repeats = new Map<string, number>();
  private readonly over = new AbortController();

  constructor(options: QueriedOptions) {
    const { asking, journal, signal } = options;
    this.options = options;
    this.clock = options.clock ?? wallClock;
    this.pacer = new Pacer(asking.rate, asking.concurrency, this.clock);
    this.allowance = new Allowance(asking, journal.sentBefore);
    this.allowance.setAside(options.probes.length);
    const stop = () => this.end(stopped(options.transport.name));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  }

  /** Fires when nothing more can be asked, with the reason. */
  get ended(): AbortSignal {
    return this.over.signal;
  }

  /** Answers to rows of attack space, in their order; rows that are alike are asked once. `fresh`: asked again, whatever is known. */
  async ask(points: readonly Float32Array[], how: "together" | "alone", fresh = false): Promise<readonly RowAnswer[]> {
    const { journal } = this.options;
    const unknown = new Map<string, Question>();
    const questions = points.map((point) => this.question(point));
    const keys = questions.map(({ row }) => this.keyOf(row, how, fresh));
    const answers = keys.map((key, i) => {
      const known = journal.find(key) ?? this.pending.get(key);
      if (known !== undefined) this.remembered++;
      else if (!unknown.has(key)) unknown.set(key, questions[i]!);
      return known;
    });
    if (unknown.size > 0) {
      const asked = this.askUnknown(unknown);
      for (const key of unknown.keys()) {
        const one = asked.then((found) => found.get(key)!);
        // Whoever waits for it hears of a failure; this promise alone must not be an unhandled one.
        one.catch(() => {});
        this.pending.set(key, one);
      }
    }
    return Promise.all(keys.map((key, i) => answers[i] ?? this.pending.get(key)!));
  }

  private async askUnknown(unknown: ReadonlyMap<string, Question>): Promise<ReadonlyMap<string, RowAnswer>> {
    const keys = [...unknown.keys()];
    try {
      const { rows } = await this.send([...unknown.values()], this.ended);
      const found = new Map(keys.map((key, i) => [key, rows[i]!]));
      this.options.journal.answered(found);
      return found;
    } finally {
      for (const key of keys) this.pending.delete(key);
    }
  }

  /**
   * The probes, asked afresh: in requests of the usual size, one after the other. The first time they decide the form of answers; what the
   * budget keeps for the last time is then free.
   */
  async probe(): Promise<RowAnswer[]> {
    const { probes, asking } = this.options;
    const first = this.form === null;
    // A spent budget ends a run, but not its last probes.
    const signal = first ? this.ended : new AbortController().signal;
    this.allowance.setAside(first ? probes.length : 0);
    const answers: RowAnswer[] = [];
    let output: AnswerForm["output"] | null = null;
    // Two requests at least: the first may wait for a program to start or a connection to open.
    const size = Math.min(asking.requestRows, Math.ceil(probes.length / 2));
    for (let from = 0; from < probes.length; from += size) {
      const started = this.clock.now();
      const questions = probes.slice(from, from + size).map((point) => this.question(point));
      const answer = await this.send(questions, signal);
      this.secondsPerRow = Math.min(this.secondsPerRow, (this.clock.now() - started) / 1000 / questions.length);
      output ??= answer.output;
      if (first) this.check({ ...formOf(output, answer.rows), meaning: "logits" }, answer);
      answers.push(...answer.rows);
    }
    if (first) {
      this.form = formOf(output!, answers);
      this.check(this.form, { output: output!, rows: answers });
    }
    return answers;
  }

  private question(point: Float32Array): Question {
    const { arrangement, preprocessing } = this.options;
    const inUnits = toModelUnits(point, preprocessing.units, arrangement.dims.at(-1)!);
    return { point, row: toModelOrder(inUnits, arrangement, preprocessing.reverseChannels) };
  }

  /** What is asked, hashed: a row asked alone is another question than one among others, and so is one that is asked again on purpose. */
  private keyOf(row: Float32Array, how: "together" | "alone", fresh: boolean): string {
    const hash = sha256(new Uint8Array(row.buffer, row.byteOffset, row.byteLength)).slice(0, 32);
    if (!fresh) return how === "alone" ? `alone-${hash}` : hash;
    const repeat = (this.repeats.get(hash) ?? 0) + 1;
    this.repeats.set(hash, repeat);
    return `again${repeat}-${hash}`;
  }

  private async send(questions: readonly Question[], signal: AbortSignal): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.pacer.run(questions.length, signal, () => this.once(questions));
      } catch (error) {
        const transient = error instanceof TransientFailure ? error : null;
        const wait = transient === null ? null : waitMs(transient, attempt);
        if (transient === null || wait === null || attempt >= this.options.asking.retries)
          throw this.end(transient === null ? error : gaveUp(transient, attempt + 1));
        this.retries++;
        // What one request is told holds for all of them.
        if (transient.retryAfterMs !== null) this.pacer.pause(wait);
        await this.clock.sleep(wait, signal);
      }
    }
  }

  private async once(questions: readonly Question[]): Promise<Answer> {
    const { transport, journal, arrangement, asking, classes } = this.options;
    const count = questions.length;
    this.allowance.spend(count, transport.name);
    journal.sent(count);
    const rows = questions.map(({ row }) => row);
    const points = questions.map(({ point }) => point);
    const { textOf } = this.options;
    const texts = textOf === undefined ? {} : { texts: points.map(textOf) };
    const raw = await withinTime(asking.timeoutMs, transport.name, (signal) =>
      transport.ask({ rows, points, shape: arrangement.shape, ...texts }, signal),
    );
    const answer = readAnswers(transport.name, raw, count, classes);
    if (this.form !== null) this.check(this.form, answer);
    return answer;
  }

  private check(form: AnswerForm, { output, rows }: Answer): void {
    const subject = this.options.transport.name;
    const problems: Problem[] = rows.flatMap((row, i) => {
      const got = breachOf(form, output, row);
      return got === null ? [] : [{ code: "E_ANSWER_FORM", subject, where: `row ${i}`, got }];
    });
    if (problems.length > 0) throw new BlindspotError(problems, { exitCode: 3 });
  }

  /** The first reason stays; what is in flight may still fail for others. */
  private end(reason: unknown): unknown {
    this.over.abort(reason);
    return reason;
  }
}

function stopped(name: string): BlindspotError {
  return new BlindspotError(
    { code: "E_STOPPED", subject: name, got: "the run was stopped before it answered" },
    { exitCode: 130 },
  );
}
