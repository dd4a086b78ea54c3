import { BlindspotError, internalError } from "../../base/errors.ts";
import type { Asked, Capabilities, Classifier, Drift, GradientRows, Rows, ScoreMeaning, Toll } from "../classifier.ts";
import { type AnswerForm, attackScores, givenScores, type RowAnswer } from "./answers.ts";
import { Asker, type QueriedOptions } from "./asker.ts";
import { driftBetween, fingerprintOf } from "./probes.ts";

export type { Asking, QueriedOptions } from "./asker.ts";

/**
 * A model that can only be asked, as attacks see it. Throws what the probes show: a target that can't be reached (`E_HTTP`, `E_TIMEOUT`, ...), whose
 * answers don't fit (`E_ANSWER`, `E_ANSWER_FORM`, `E_CLASSES`), or that is not what it was when the journal was begun (`E_TARGET_CHANGED`).
 */
export async function openQueried(options: QueriedOptions): Promise<QueriedClassifier> {
  const { journal, transport } = options;
  const asker = new Asker(options);
  const answers = await asker.probe();
  const first = journal.probes ?? answers;
  const { differing, of } = driftBetween(first, answers);
  if (differing > 0)
    throw new BlindspotError(
      {
        code: "E_TARGET_CHANGED",
        subject: transport.name,
        got: `other answers to ${differing} of ${of} probes than when this run was begun`,
        hint: "What was measured before is of another model: begin a new run with another --out",
      },
      { exitCode: 3 },
    );
  if (journal.probes === null) journal.keepProbes(answers);
  return new QueriedClassifier(options, asker, first);
}

export class QueriedClassifier implements Classifier {
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly capabilities: Capabilities;
  readonly maxBatch: number;
  readonly concurrency: number;
  readonly meaning: ScoreMeaning;
  readonly notes: readonly string[];
  readonly problems = [];
  readonly toll: Toll;
  readonly ended: AbortSignal;
  /** SHA-256 of what the probes answered. */
  readonly fingerprint: string;
  private readonly options: QueriedOptions;
  private readonly asker: Asker;
  private readonly form: AnswerForm;
  private readonly first: readonly RowAnswer[];

  constructor(options: QueriedOptions, asker: Asker, first: readonly RowAnswer[]) {
    const { asking, arrangement, answers } = options;
    const form = asker.form!;
    const { name } = options.transport;
    if (form.output === "label" && answers === "scores")
      throw new BlindspotError({
        code: "E_ANSWER",
        subject: name,
        expected: "scores (--answers scores)",
        got: "labels",
      });
    this.classes = classNames(name, options.classes, form);
    this.dims = arrangement.dims;
    const output = answers ?? form.output;
    this.capabilities = { output, gradient: false };
    this.maxBatch = asking.requestRows;
    this.concurrency = asking.concurrency;
    this.meaning = output === "label" ? "label" : form.meaning;
    this.notes = notesOf(options, form, output);
    this.toll = {
      secondsPerQuery: Math.max(1 / asking.rate, asker.secondsPerRow / asking.concurrency),
      costPerQuery: asking.costPerQuery ?? 0,
      ...(Number.isFinite(asker.allowance.left) ? { left: asker.allowance.left } : {}),
    };
    this.ended = asker.ended;
    this.fingerprint = fingerprintOf(first);
    this.options = options;
    this.asker = asker;
    this.form = form;
    this.first = first;
  }

  /** What was asked so far. */
  get asked(): Asked {
    const { allowance, remembered, retries } = this.asker;
    return { queries: allowance.queries, cost: allowance.cost, remembered, retries };
  }

  async scores({ data, count, fresh }: Rows): Promise<Float32Array> {
    const size = data.length / count;
    const rows = Array.from({ length: count }, (_, i) => data.slice(i * size, (i + 1) * size));
    const answers = await this.asker.ask(rows, "together", fresh);
    const scores = new Float32Array(count * this.classes.length);
    answers.forEach((answer, i) => {
      scores.set(this.read(answer, attackScores), i * this.classes.length);
    });
    return scores;
  }

  gradient(): Promise<GradientRows> {
    return Promise.reject(internalError("a model that can only be asked has no gradient"));
  }

  async verify(row: Float32Array): Promise<Float32Array> {
    const [answer] = await this.asker.ask([row], "alone");
    return this.read(answer!, givenScores);
  }

  /** Throws where the target is gone or the user has stopped the run; a spent budget has kept enough for this. */
  async drift(): Promise<Drift> {
    const reason: unknown = this.ended.reason;
    if (this.ended.aborted && !(reason instanceof BlindspotError && reason.code === "E_BUDGET")) throw reason;
    return driftBetween(this.first, await this.asker.probe());
  }

  async close(): Promise<void> {
    this.options.journal.close();
    await this.options.transport.close();
  }

  private read(answer: RowAnswer, as: typeof givenScores): Float32Array {
    const scores = as(this.form, answer, this.classes.length);
    if (this.capabilities.output === "scores" || this.form.output === "label") return scores;
    const best = scores.indexOf(Math.max(...scores));
    return scores.map((_, i) => (i === best ? 1 : 0));
  }
}

function classNames(name: string, given: readonly string[] | null, form: AnswerForm): readonly string[] {
  const count = form.output === "label" ? null : Math.max(form.width, 2);
  if (given === null && count === null)
    throw new BlindspotError({
      code: "E_CLASSES",
      subject: name,
      expected: "class names: the target answers with labels only",
      hint: "Give them in the order of its labels with --classes",
    });
  const names = given ?? Array.from({ length: count! }, (_, i) => String(i));
  if (count === null || names.length === count) return names;
  throw new BlindspotError({
    code: "E_CLASSES",
    subject: name,
    expected: `${count} class names, one per score`,
    got: String(names.length),
  });
}

function notesOf({ asking, arrangement }: QueriedOptions, form: AnswerForm, output: "scores" | "label"): string[] {
  return [
    ...(arrangement.note === null ? [] : [arrangement.note]),
    `asked only: ${asking.requestRows === 1 ? "one row" : `up to ${asking.requestRows} rows`} in a request, ${asking.concurrency} at once`,
    ...(output === "label" ? ["labels only"] : []),
    ...(output === "scores" && form.meaning === "probabilities"
      ? ["gives probabilities; attacks take their logarithm, so that margins near 1 do not vanish"]
      : []),
  ];
}
