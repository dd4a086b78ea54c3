import { join } from "node:path";
import { type Assessment, assess, requireEvaluated, requireUnchanged } from "../../assess/assess.ts";
import { readRun } from "../../assess/files-read.ts";
import { JOURNAL_FILE } from "../../assess/run-file.ts";
import { type Starts, startsOf } from "../../assess/starts.ts";
import { stopSignal } from "../../assess/stop-signal.ts";
import { BlindspotError } from "../../base/errors.ts";
import { commandLine } from "../../report/command-line.ts";
import { consoleReport } from "../../report/console.ts";
import { type AssessGiven, assessOptions, runDirectory } from "../assess-options.ts";
import { keepInCorpus } from "../corpus/keep.ts";
import { corpusOfRun } from "../corpus/open.ts";
import { dryRun } from "../dry-run.ts";
import { messageOf } from "../failure.ts";
import { onInterrupt } from "../interrupt.ts";
import { earlyEnd, openAttacked } from "../models/open-attacked.ts";
import { codecFor, type Target } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined } from "../plan-options.ts";
import { Progress } from "../progress.ts";
import { riskInput } from "../risk-input.ts";
import { seenInTraining } from "../training-facts.ts";
import { writeReport } from "../write-report.ts";

export async function run(options: Given): Promise<number> {
  const required = requireOptions(options, ["model", "data", "threat"], "assess");
  const given = { ...required, ...defined({ risk: await riskInput(options) }) };
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const out = given.out ?? runDirectory(given);
  const stop = stopSignal(given.time, interrupt.signal) ?? interrupt.signal;
  const journal = given.journal ?? join(out, JOURNAL_FILE);
  const target = await openAttacked(given, {
    journal,
    folder: out,
    signal: stop,
    dryRun: given.dryRun ?? false,
    tell: (text) => progress.update(text),
  }).catch((error: unknown) => {
    progress.clear();
    // What was asked so far lies in the folder, whose name the user may not know.
    if (interrupt.signal.aborted) process.stderr.write(`Interrupted. Resume with:\n  ${resumeCommand(given, out)}\n`);
    throw error;
  });
  try {
    if (given.dryRun) return await dryRun(target, given);
    // A corpus that can't be opened is an error before the run, not after it.
    const corpus = await corpusOfRun(given);
    const assessment = await assess({
      ...assessOptions(target, { ...given, out }, progress, interrupt.signal),
      ...defined({ starts: await startsFrom(given, target) }),
      ...defined({ seenInTraining: await seenInTraining(given.model), allowOverlap: given.allowOverlap }),
    });
    progress.clear();
    const end = earlyEnd(target);
    if (end !== null && "line" in end) progress.line(end.line);
    const keep = async (directory: string) =>
      corpus === null ? () => {} : keepInCorpus(given, corpus, directory, target.data);
    const failure = end !== null && "error" in end ? end.error : null;
    return await report(assessment, given, { interrupted: interrupt.signal.aborted, failure }, progress, keep);
  } finally {
    progress.clear();
    interrupt.dispose();
    await target.close();
  }
}

/** What fooled the earlier version that `--start-from` names. */
async function startsFrom({ startFrom }: Given, { data }: Target): Promise<Starts | undefined> {
  return startFrom === undefined ? undefined : startsOf(await readRun(startFrom), data, codecFor(data));
}

/** The HTML report beside the files of the run; where it can't be made the run stands, and a note says why. */
async function keepReport(directory: string | null, progress: Progress): Promise<string | null> {
  if (directory === null) return null;
  try {
    return await writeReport(directory);
  } catch (error) {
    progress.line(`note: no report was written: ${messageOf(error, false)}`);
    return null;
  }
}

async function report(
  assessment: Assessment,
  given: AssessGiven,
  { interrupted, failure }: { readonly interrupted: boolean; readonly failure: unknown },
  progress: Progress,
  keep: (directory: string) => Promise<() => void>,
): Promise<number> {
  const { result, directory } = assessment;
  // Before the report, which tells of it; where it fails the report is made all the same.
  const tellKept =
    directory === null
      ? () => {}
      : await keep(directory).catch((error: unknown) => () => {
          throw error;
        });
  const path = await keepReport(directory, progress);
  const color = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined;
  if (given.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(consoleReport(result, { color, directory, report: path }));
  tellKept();
  if (interrupted) {
    process.stderr.write(`Interrupted. Resume with:\n  ${resumeCommand(given, directory)}\n`);
    return 130;
  }
  if (failure !== null) throw failure;
  requireUnchanged(assessment);
  requireEvaluated(assessment);
  if (given.failUnder === undefined) return 0;
  const evaluated = result.threats.filter(({ robustAccuracy }) => robustAccuracy.of > 0);
  const lowest = Math.min(...evaluated.map((threat) => threat.robustAccuracy.value));
  if (lowest >= given.failUnder) {
    if (evaluated.length === result.threats.length) return 0;
    throw new BlindspotError(
      {
        code: "E_NOT_EVALUATED",
        subject: "--fail-under",
        got: `nothing under ${result.threats.find((threat) => !evaluated.includes(threat))!.id}`,
        hint: "Give the run more --time",
      },
      { exitCode: 3 },
    );
  }
  process.stderr.write(`E_GATE --fail-under: expected at least ${given.failUnder}, got ${lowest}\n`);
  return 1;
}

function resumeCommand(given: AssessGiven, directory: string | null): string {
  const words = process.argv.slice(2);
  if (given.out === undefined && directory !== null) words.push("--out", directory);
  return commandLine(words);
}
