import { type Assessment, assess, requireEvaluated } from "../../assess/assess.ts";
import { aboutTime, estimate, measureSpeed } from "../../assess/estimate.ts";
import { makePlan } from "../../assess/plan.ts";
import { BlindspotError } from "../../base/errors.ts";
import { commandLine } from "../../report/command-line.ts";
import { consoleReport } from "../../report/console.ts";
import { grouped, table } from "../../report/format.ts";
import { type AssessGiven, assessOptions } from "../assess-options.ts";
import { messageOf } from "../failure.ts";
import { onInterrupt } from "../interrupt.ts";
import { openTarget, type Target } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined, planOptions } from "../plan-options.ts";
import { requirePreprocessing } from "../preprocessing.ts";
import { Progress } from "../progress.ts";
import { riskInput } from "../risk-input.ts";
import { writeReport } from "../write-report.ts";

export async function run(options: Given): Promise<number> {
  const required = requireOptions(options, ["model", "data", "threat"], "assess");
  const given = { ...required, ...defined({ risk: await riskInput(options) }) };
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const target = await openTarget(given);
  try {
    await requirePreprocessing(target, given);
    if (given.dryRun) return await dryRun(target, given);
    const assessment = await assess(assessOptions(target, given, progress, interrupt.signal));
    progress.clear();
    return await report(assessment, given, interrupt.signal.aborted, progress);
  } finally {
    progress.clear();
    interrupt.dispose();
    await target.close();
  }
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
  interrupted: boolean,
  progress: Progress,
): Promise<number> {
  const { result, directory } = assessment;
  const path = await keepReport(directory, progress);
  const color = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined;
  if (given.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(consoleReport(result, { color, directory, report: path }));
  if (interrupted) {
    process.stderr.write(`Interrupted. Resume with:\n  ${resumeCommand(given, directory)}\n`);
    return 130;
  }
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

/** The plan and what it costs at most; a few batches are timed, nothing is attacked. */
async function dryRun(target: Target, given: AssessGiven): Promise<number> {
  const options = planOptions(target, given);
  const plan = makePlan(options);
  const cost = estimate(options, plan, await measureSpeed(target.classifier, target.data, plan.indices));
  const attacks = plan.threats.map(({ threat, profiles, notRun }) => ({
    threat: threat.id,
    attacks: profiles.flatMap(({ knowledge, attacks: planned }) =>
      planned.map(({ definition, settings }) => ({ knowledge, name: definition.name, settings })),
    ),
    notRun,
  }));
  const summary = { samples: plan.indices.length, auditSamples: plan.audit.size, atMost: cost, threats: attacks };
  if (given.json) {
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    return 0;
  }
  const lines = attacks.flatMap(({ threat, attacks: planned, notRun }) => [
    `Under ${threat}`,
    ...table(
      planned.map(({ knowledge, name, settings }) => [
        `  ${knowledge}`,
        name,
        Object.entries(settings)
          .map(([key, value]) => `${key}=${value}`)
          .join(" "),
      ]),
      ["left", "left", "left"],
    ),
    ...notRun.map(({ attack, reason }) => `  not run: ${attack}: ${reason}`),
  ]);
  const total = `At most ${aboutTime(cost.seconds)}: ${grouped(cost.queries)} queries, ${grouped(cost.gradients)} of them with gradients`;
  const cheaper = cost.alternatives.map((other) => `${other.option}: ${aboutTime(other.seconds)}`);
  process.stdout.write(
    `${[`${plan.indices.length} samples (${plan.draw}), audit subset of ${plan.audit.size}`, ...lines, total, ...cheaper].join("\n")}\n`,
  );
  return 0;
}
