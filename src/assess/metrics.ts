import type { Knowledge, Settings } from "../attacks/attack.ts";
import type { ProfilePlan } from "../attacks/record.ts";
import type {
  AttackResult,
  AttemptLine,
  ProfileResult,
  Result,
  RobustAccuracy,
  SampleLine,
  ThreatResult,
} from "./schema.ts";
import { censoredQuantile, proportion } from "./statistics.ts";

/** Correct without any attack. */
export function isCorrect(line: SampleLine): boolean {
  return line.status !== "misclassified";
}

/**
 * Correct and unbroken. A sample whose budget ran out still stands: the budget is part of the threat. One that ended in an error does
 * not count as standing, because nothing was shown of it.
 */
export function stands(line: SampleLine): boolean {
  return line.status === "resisted" || line.status === "skipped";
}

/** Correct, and nothing of what the goal wants is a mistake: its only class is the sample's own. Such a sample stands unattacked. */
export function isOutsideGoal(line: SampleLine): boolean {
  const profiles = Object.values(line.profiles);
  return line.status === "skipped" && profiles.every(({ attempts }) => attempts.length === 0);
}

export function standsUnder(line: SampleLine, knowledge: Knowledge): boolean {
  const status = line.profiles[knowledge]?.status;
  return isCorrect(line) && (status === "resisted" || status === "skipped");
}

function robustAccuracy(lines: readonly SampleLine[], unbroken: number): RobustAccuracy {
  return { ...proportion(unbroken, lines.length), unbroken, of: lines.length };
}

function countWhere<T>(items: readonly T[], test: (item: T) => boolean): number {
  let count = 0;
  for (const item of items) if (test(item)) count++;
  return count;
}

function attackResult(
  attack: { readonly name: string; readonly settings: Settings },
  attempts: readonly Omit<AttemptLine, "knowledge">[],
  after: number,
): AttackResult {
  // Effort until success; a failure is only known to need more than its budget.
  const effort = attempts.map((attempt) => (attempt.outcome === "fooled" ? attempt.queries : null));
  const sum = (of: (attempt: Omit<AttemptLine, "knowledge">) => number) =>
    attempts.reduce((total, attempt) => total + of(attempt), 0);
  return {
    name: attack.name,
    settings: { ...attack.settings },
    attempted: attempts.length,
    succeeded: countWhere(attempts, (attempt) => attempt.outcome === "fooled"),
    robustAccuracyAfter: after,
    queries: {
      total: sum((attempt) => attempt.queries),
      median: censoredQuantile(effort, 0.5),
      p95: censoredQuantile(effort, 0.95),
    },
    gradients: { total: sum((attempt) => attempt.gradients) },
    seconds: sum((attempt) => attempt.seconds),
    rejected: sum((attempt) => attempt.rejected),
  };
}

function profileResult(plan: ProfilePlan, lines: readonly SampleLine[]): ProfileResult {
  const outcomes = lines.map((line) => line.profiles[plan.knowledge]).filter((profile) => profile !== undefined);
  // An error in a profile takes the sample out from the start: nothing after it can be claimed.
  let unbroken = countWhere(lines, isCorrect) - countWhere(outcomes, (outcome) => outcome.status === "error");
  const attacks = plan.attacks.map(({ definition: { name }, settings }) => {
    const attempts = outcomes.flatMap((outcome) => outcome.attempts.filter((attempt) => attempt.attack === name));
    unbroken -= countWhere(attempts, (attempt) => attempt.outcome === "fooled");
    return attackResult({ name, settings }, attempts, lines.length === 0 ? 0 : unbroken / lines.length);
  });
  const standing = countWhere(lines, (line) => standsUnder(line, plan.knowledge));
  return { knowledge: plan.knowledge, robustAccuracy: robustAccuracy(lines, standing), attacks };
}

/** The lines of the audit subset: those on which every attack ran from scratch, and those that were wrong before any attack. */
export function auditLines(lines: readonly SampleLine[], audit: ReadonlySet<number>): SampleLine[] {
  return lines.filter((line) => audit.has(line.index));
}

function auditResult(plan: readonly ProfilePlan[], lines: readonly SampleLine[]): ThreatResult["audit"] {
  const attacks = plan.flatMap(({ knowledge, attacks: planned }) =>
    planned.map(({ definition: { name }, settings }) => {
      const attempts = lines.flatMap((line) =>
        (line.audit ?? []).filter((attempt) => attempt.attack === name && attempt.knowledge === knowledge),
      );
      const standing = countWhere(
        attempts,
        (attempt) => attempt.outcome === "resisted" || attempt.outcome === "skipped",
      );
      return {
        ...attackResult({ name, settings }, attempts, lines.length === 0 ? 0 : standing / lines.length),
        knowledge,
      };
    }),
  );
  return { samples: lines.length, attacks };
}

/** Whether an attack tried everything that the threat allows on this sample, and found nothing. */
function isProved(line: SampleLine): boolean {
  const attempts = Object.values(line.profiles).flatMap((profile) => profile.attempts);
  return stands(line) && attempts.some(({ exhausted }) => exhausted === true);
}

/** What is proved, beside what survived; nothing where no attack was exact. */
function bracketOf(lines: readonly SampleLine[]): Pick<RobustAccuracy, "bracket"> {
  const certified = countWhere(lines, isProved);
  if (certified === 0) return {};
  return { bracket: { certified: certified / lines.length, attacked: countWhere(lines, stands) / lines.length } };
}

/** Of each true class, in their order. */
function byClass(lines: readonly SampleLine[]): NonNullable<ThreatResult["classes"]> {
  const labels = [...new Set(lines.map(({ label }) => label))].sort((a, b) => a - b);
  return labels.map((label) => {
    const own = lines.filter((line) => line.label === label);
    return { label, correct: countWhere(own, isCorrect), unbroken: countWhere(own, stands) };
  });
}

/** What one threat's lines say. */
export type ThreatMetrics = Pick<
  ThreatResult,
  "robustAccuracy" | "attackSuccess" | "classes" | "statuses" | "profiles" | "audit"
>;

/** Everything that one threat's lines say; the curve and the threat's own facts are added by the caller. */
export function threatMetrics(
  plan: readonly ProfilePlan[],
  lines: readonly SampleLine[],
  audit: ReadonlySet<number>,
): ThreatMetrics {
  const statuses = { misclassified: 0, fooled: 0, resisted: 0, skipped: 0, error: 0 };
  for (const line of lines) statuses[line.status]++;
  const correct = lines.length - statuses.misclassified;
  return {
    robustAccuracy: { ...robustAccuracy(lines, countWhere(lines, stands)), ...bracketOf(lines) },
    attackSuccess: { ...proportion(statuses.fooled, correct), fooled: statuses.fooled, of: correct },
    classes: byClass(lines),
    statuses,
    profiles: plan.map((profile) => profileResult(profile, lines)),
    audit: auditResult(plan, auditLines(lines, audit)),
  };
}

/** Clean accuracy and natural errors. A sample counts once, under however many threats it was attacked. */
export function cleanMetrics(lines: readonly SampleLine[]): Pick<Result, "clean" | "naturalErrors"> {
  const once = [...new Map(lines.map((line) => [line.index, line])).values()].sort((a, b) => a.index - b.index);
  const correct = countWhere(once, isCorrect);
  const { value, sampling95 } = proportion(correct, once.length);
  return {
    clean: { accuracy: value, correct, of: once.length, sampling95 },
    naturalErrors: once
      .filter((line) => !isCorrect(line))
      .slice(0, 100)
      .map((line) => ({ sample: line.sample, index: line.index, label: line.label, predicted: line.predicted.before })),
  };
}

/** Samples that stand under the white-box profile, under another one, and under both; each profile ran from scratch on every sample. */
export interface ProfileComparison {
  readonly whiteBox: number;
  readonly other: number;
  readonly both: number;
  /** All samples. */
  readonly of: number;
}

/** How the white-box and another profile compare. Null unless both ran. */
export function againstWhiteBox(lines: readonly SampleLine[], other: Knowledge): ProfileComparison | null {
  const ran = lines.filter((line) => isCorrect(line) && line.profiles["white-box"] && line.profiles[other]);
  if (ran.length === 0) return null;
  const white = ran.filter((line) => standsUnder(line, "white-box"));
  return {
    whiteBox: white.length,
    other: countWhere(ran, (line) => standsUnder(line, other)),
    both: countWhere(white, (line) => standsUnder(line, other)),
    of: lines.length,
  };
}
