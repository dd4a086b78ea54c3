import { join } from "node:path";
import type { AssessEvent, AssessOptions } from "../assess/assess.ts";
import { aboutTime } from "../assess/estimate.ts";
import { openRunDirectory } from "../assess/files.ts";
import { sha256 } from "../base/hash.ts";
import { duration } from "../report/format.ts";
import { shortBudget } from "./budget.ts";
import { codecFor, type Target } from "./open.ts";
import type { Given } from "./options.ts";
import { planOptions } from "./plan-options.ts";
import type { Progress } from "./progress.ts";
import { version } from "./version.ts";

export type AssessGiven = Given & {
  readonly model: string;
  readonly data: string;
  readonly threat: readonly string[];
};

/** A run shorter than this needs no estimate. */
const LONG_SECONDS = 60;

/** A folder of its own for a run that names none. */
export function runDirectory(given: Given): string {
  const startedAt = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return join(".blindspot", "runs", `${startedAt}-${sha256(JSON.stringify(given)).slice(0, 8)}`);
}

/** What the command line says about a run: where it is kept, what it tells. */
export function assessOptions(
  target: Target,
  given: AssessGiven,
  progress: Progress,
  signal: AbortSignal,
): AssessOptions {
  const directory = given.out ?? runDirectory(given);
  return {
    ...planOptions(target, given),
    facts: target.facts,
    codec: codecFor(target.data),
    store: (identity) => openRunDirectory(directory, identity),
    options: { ...given, out: directory },
    toolVersion: version(),
    signal,
    onEvent: narrator(progress, target.classifier.toll?.left ?? Infinity),
    ...(given.save === undefined ? {} : { save: given.save }),
    ...(given.audit === undefined ? {} : { audit: given.audit }),
    ...(given.active === undefined ? {} : { active: given.active }),
    ...(given.time === undefined ? {} : { timeSeconds: given.time }),
  };
}

/** Turns the events of a run into progress. */
function narrator(progress: Progress, budget: number): (event: AssessEvent) => void {
  let samples = 0;
  return (event) => {
    if (event.kind === "plan") samples = event.samples;
    if (event.kind === "estimate")
      for (const line of shortBudget(budget, event.estimate.queries, samples)) progress.line(line);
    if (event.kind === "plan" && event.resumed > 0)
      progress.line(`Resuming: ${event.resumed} of ${event.samples * event.threats.length} were finished before`);
    else if (event.kind === "estimate" && event.estimate.seconds >= LONG_SECONDS) {
      const { seconds, alternatives } = event.estimate;
      const cheaper = alternatives.map((other) => `\`${other.option}\` ${aboutTime(other.seconds)}`);
      progress.line(`At most ${[aboutTime(seconds), ...cheaper].join("; ")}`);
    } else if (event.kind === "stage") progress.update(() => `${event.threat.split(";")[0]}: ${event.stage}`);
    else if (event.kind === "progress") progress.update(() => progressText(event));
  };
}

function progressText(event: Extract<AssessEvent, { kind: "progress" }>): string {
  const { threat, done, of, fooled, standing, seconds } = event;
  const counts = `${done} of ${of} samples, ${fooled} fooled, ${standing} stand`;
  return `${threat.split(";")[0]}: ${counts}, ${duration(seconds)}, at most ${aboutTime(event.secondsLeft)} left`;
}
