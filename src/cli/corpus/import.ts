import { BlindspotError } from "../../base/errors.ts";
import type { Added, Corpus } from "../../corpus/corpus.ts";
import { storeImport } from "../../corpus/incoming.ts";
import { plural } from "../../report/format.ts";
import { confined, type EarlyEnd } from "../confined.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Given } from "../options.ts";
import { Progress } from "../progress.ts";
import type { ImportJob, ImportMessage } from "./import-child.ts";
import type { Replayed } from "./import-replay.ts";
import { actor, createCorpus } from "./open.ts";

const DEFAULT_MEGABYTES = 2048;
const DEFAULT_SECONDS = 3600;
/** Inputs that may bring the process down before the rest of the source is left alone. */
const MOST_FALLS = 3;

export async function run(given: Given, [spec]: readonly string[]): Promise<number> {
  const corpus = await createCorpus(given);
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const taking = new Import(corpus, given, (done) => progress.update(() => `${plural(done, "input")} read`));
  try {
    await taking.perform(spec!, interrupt.signal);
  } finally {
    progress.clear();
    interrupt.dispose();
  }
  const { problems } = taking;
  for (const { index, problem } of problems.slice(0, 10)) process.stderr.write(`note: left out ${index}: ${problem}\n`);
  if (problems.length > 10) process.stderr.write(`note: left out ${problems.length - 10} more\n`);
  process.stdout.write(given.json ? `${JSON.stringify(taking.counts(), null, 2)}\n` : taking.told());
  if (taking.stopped === "interrupted") return 130;
  return problems.length === 0 && taking.stopped === null ? 0 : 2;
}

class Import {
  readonly problems: { readonly index: number; readonly problem: string }[] = [];
  /** What ended it before the end of the source. */
  stopped: EarlyEnd["why"] | null = null;
  private readonly corpus: Corpus;
  private readonly given: Given;
  private readonly onDone: (done: number) => void;
  private readonly added: Record<"isNew" | "known" | "forgotten", number> = { isNew: 0, known: 0, forgotten: 0 };
  private readonly replays = new Map<string, number>();
  private model: string | null = null;
  /** Inputs that were dealt with, whatever came of them. */
  private done = 0;

  constructor(corpus: Corpus, given: Given, onDone: (done: number) => void) {
    this.corpus = corpus;
    this.given = given;
    this.onDone = onDone;
  }

  /** The source is opened, and the model asked, in a process of its own. One input that brings it down does not keep the others out. */
  async perform(spec: string, signal: AbortSignal): Promise<void> {
    const { memory = DEFAULT_MEGABYTES, time = DEFAULT_SECONDS, kind = "adversarial" } = this.given;
    const limits = { memoryBytes: memory * 2 ** 20, deadline: Date.now() + 1000 * time, signal };
    for (let falls = 0; ; falls++) {
      const from = this.done;
      const job: ImportJob = { given: this.given, spec, kind, corpus: this.corpus.folder.name, from };
      const end = await confined<ImportMessage>("./corpus/import-child.js", job, limits, (message) =>
        this.take(message),
      );
      if (end === null) return;
      this.stopped = end.why;
      if (end.why === "interrupted" || end.why === "time") return;
      const what = end.why === "crash" ? `the process fell: ${end.said}` : `more than ${memory} MB of memory`;
      if (this.done === from && falls === 0 && !this.opened) throw tooMuch(spec, what);
      this.problems.push({ index: this.done++, problem: what });
      if (falls === MOST_FALLS) return;
      this.stopped = null;
    }
  }

  private opened = false;

  private async take(message: ImportMessage): Promise<void> {
    if (message.type === "failed") throw new BlindspotError(message.problems);
    if (message.type === "model") this.model = await this.corpus.storeModel(message.record);
    this.opened = true;
    if (message.type === "problem") this.problems.push({ index: this.done, problem: message.problem });
    if (message.type === "claim") this.count(await this.store(message));
    if (message.type === "problem" || message.type === "claim") this.onDone(++this.done);
  }

  private async store({ claim, replayed }: Extract<ImportMessage, { type: "claim" }>): Promise<Added> {
    if (replayed !== null) this.replays.set(wordsOf(replayed), (this.replays.get(wordsOf(replayed)) ?? 0) + 1);
    const found = replayed?.state === "wrong" ? { ...replayed.found, model: this.model! } : null;
    return storeImport(this.corpus, claim, found, this.given.vouch ? actor(this.given) : null);
  }

  private count({ forgotten, isNew }: Added): void {
    this.added[forgotten ? "forgotten" : isNew ? "isNew" : "known"]++;
  }

  counts(): Record<string, unknown> {
    const { added, done, problems, stopped } = this;
    const replayed = this.model === null ? {} : { replayed: Object.fromEntries(this.replays) };
    return { inputs: done, ...added, ...replayed, stopped, problems };
  }

  told(): string {
    const lines = [`${this.corpus.folder.name}: ${this.added.isNew} new of ${plural(this.done, "input")}`];
    if (this.added.forgotten > 0) lines.push(`  ${this.added.forgotten} were forgotten before, and stay so`);
    for (const [words, count] of [...this.replays].sort(([, a], [, b]) => b - a)) lines.push(`  ${count} ${words}`);
    if (this.given.vouch) lines.push(`  ${actor(this.given)} answers for their classes`);
    else if (this.model === null)
      lines.push("  untrusted until they are replayed: --model MODEL, or answer for their classes: --vouch");
    if (this.stopped !== null)
      lines.push(`  stopped (${this.stopped}) after ${plural(this.done, "input")}; the rest was not read`);
    return `${lines.join("\n")}\n`;
  }
}

function tooMuch(spec: string, got: string): BlindspotError {
  return new BlindspotError({
    code: "E_IMPORT_LIMIT",
    subject: spec,
    expected: "a source that can be opened within limits",
    got,
    hint: "If you trust the file, give it more: --memory MEGABYTES",
  });
}

const WORDS: Readonly<Record<Exclude<Replayed["state"], "not replayed">, string>> = {
  wrong: "the model gets wrong, and their clean sides right: trusted",
  right: "the model gets right",
  "clean side wrong": "whose clean side the model gets wrong, too",
  "outside the threat": "outside the stated threat",
  "no clean side": "the model gets wrong; without a clean side only the source vouches for their classes",
};

function wordsOf(replayed: Replayed): string {
  return replayed.state === "not replayed" ? `not replayed: ${replayed.why}` : WORDS[replayed.state];
}
