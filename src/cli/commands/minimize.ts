import { Batcher } from "../../attacks/batcher.ts";
import { BlindspotError } from "../../base/errors.ts";
import { median } from "../../base/statistics.ts";
import { tally } from "../../base/tally.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Entry } from "../../corpus/entry.ts";
import { isRendered, type Rendered, render } from "../../corpus/render.ts";
import { judgeOf } from "../../minimize/index.ts";
import { duration, grouped, plural } from "../../report/format.ts";
import { openCorpus, readCorpus, tellProblems } from "../corpus/open.ts";
import { onInterrupt } from "../interrupt.ts";
import { earlyEnd } from "../models/open-attacked.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined } from "../plan-options.ts";
import { Progress } from "../progress.ts";
import { openVersions } from "../regression/open-versions.ts";

/** Where each answer is paid for: one sample after the other, so that a short budget finishes some, and nothing is asked only to measure. */
const ASKED = { atOnce: 1, measures: false } as const;

type Shrunk = Extract<Rendered, { state: "rendered" }>;

export async function run(options: Given, ids: readonly string[]): Promise<number> {
  const given = requireOptions(options, ["model"], "minimize");
  if (ids.length > 0 === (given.allNew ?? false))
    throw new BlindspotError({
      code: "E_OPTION_MISSING",
      subject: "blindspot minimize",
      expected: "ids of samples, or --all-new, one of them",
      hint: "See blindspot corpus ls",
    });
  const corpus = await openCorpus(given);
  const entries = await chosen(given, corpus, ids);
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const started = Date.now();
  const opened = await openVersions([given.model], given, corpus, interrupt.signal);
  try {
    const { classifier, reading, ...version } = opened.versions[0]!;
    const record = await corpus.storeModel(version.record);
    const { classes, dims, ended } = classifier;
    const judge = judgeOf(classifier, new Batcher(classifier));
    const todo = given.allNew ? entries.filter((entry) => !isRendered(entry, record)) : entries;
    let count = 0;
    const done = await render(
      corpus,
      todo,
      { judge, record, classes, dims, ...defined({ reading }) },
      {
        ...defined({
          queries: given.queries,
          deadline: given.time === undefined ? undefined : started + 1000 * given.time,
        }),
        // A model that can only be asked ends by itself, too; an interrupt ends it.
        signal: ended ?? interrupt.signal,
        ...(classifier.asked === undefined ? {} : ASKED),
        again: ids.length > 0,
        onDone: () => {
          count++;
          const seconds = (Date.now() - started) / 1000;
          const left = (seconds / count) * (todo.length - count);
          progress.update(() => `${count} of ${plural(todo.length, "sample")}, about ${duration(left)} left`);
        },
      },
    );
    progress.clear();
    const before = entries.length - todo.length;
    if (given.json) process.stdout.write(`${JSON.stringify({ doneBefore: before, samples: done }, null, 2)}\n`);
    else process.stdout.write(told(corpus.folder.name, done, before, todo.length - done.length));
    const end = earlyEnd({ classifier });
    if (end !== null && "error" in end) throw end.error;
    if (classifier.asked !== undefined) process.stderr.write(`${grouped(classifier.asked.queries)} queries sent\n`);
    return interrupt.signal.aborted ? 130 : 0;
  } finally {
    progress.clear();
    interrupt.dispose();
    await opened.close();
  }
}

async function chosen(given: Given, corpus: Corpus, ids: readonly string[]): Promise<readonly Entry[]> {
  if (ids.length > 0) return Promise.all(ids.map((id) => corpus.find(id)));
  const { entries, problems, notUnderstood } = await readCorpus(given, corpus);
  tellProblems(problems, notUnderstood);
  return entries;
}

function told(folder: string, done: readonly Rendered[], before: number, left: number): string {
  const shrunk = done.filter((one): one is Shrunk => one.state === "rendered");
  const minimal = shrunk.flatMap((one) => (one.minimal === null ? [] : [one.minimal]));
  const lines = [`${folder}: ${plural(minimal.length, "sample")} shrunk${before > 0 ? `, ${before} were before` : ""}`];
  if (minimal.length > 0) {
    const middle = (values: readonly number[]) => grouped(Math.round(median(values)));
    const [from, to] = [minimal.map(({ changed }) => changed.from), minimal.map(({ changed }) => changed.to)];
    lines.push(`  changes, median    ${middle(from)} -> ${middle(to)}`);
    lines.push(`  queries, median    ${middle(minimal.map(({ queries }) => queries))}`);
    lines.push(
      `  what is sure       ${counts(minimal.map(({ guarantee, stop }) => SURE[guarantee] ?? `stopped by ${stop}`))}`,
    );
    lines.push(`  witness margin     ${middleOf(shrunk.map(({ witness }) => witness.margin))} (median)`);
  }
  const rest = done.flatMap((one) =>
    one.state === "left out" || one.state === "not reproduced" ? [`${one.state}: ${one.why}`] : [],
  );
  if (rest.length > 0) lines.push(...mostFirst(rest).map(([why, count]) => `  ${count} ${why}`));
  if (left > 0) lines.push(`${plural(left, "sample")} not finished; the same command goes on`);
  return `${lines.join("\n")}\n`;
}

const SURE: Readonly<Record<string, string>> = {
  "1-minimal": "no change can be taken back alone",
  "subset-minimal": "no smaller set of changes does",
};

function middleOf(values: readonly number[]): string {
  return median(values).toFixed(2);
}

function counts(words: readonly string[]): string {
  return mostFirst(words)
    .map(([word, count]) => `${count} ${word}`)
    .join(", ");
}

function mostFirst(words: readonly string[]): [string, number][] {
  return [...tally(words)].sort(([, a], [, b]) => b - a);
}
