import { tally } from "../base/tally.ts";
import { isBroken } from "./outcome.ts";
import { type GateCase, type GatePolicy, type GateResult, OUTCOMES, type Verdict } from "./schema.ts";

/** Whether a case has a say: an untrusted sample has none, nor one that is waived. */
export function counts({ trusted, waiver }: GateCase): boolean {
  return trusted && (waiver === undefined || waiver.expired);
}

/** How many cases came out how; samples that a version was trained on, waived and untrusted ones each apart. */
export function countOutcomes(cases: readonly GateCase[]): GateResult["counts"] {
  const rows = new Map(
    OUTCOMES.map((outcome) => [outcome, { outcome, cases: 0, trainedOn: 0, waived: 0, untrusted: 0 }]),
  );
  for (const one of cases) {
    const row = rows.get(one.outcome)!;
    if (!one.trusted) row.untrusted++;
    else if (!counts(one)) row.waived++;
    else if (one.trainedOn) row.trainedOn++;
    else row.cases++;
  }
  return [...rows.values()];
}

/** What else the verdict rests on: null where there is nothing to complain of. */
export interface VerdictFacts {
  readonly cases: readonly GateCase[];
  readonly policy: GatePolicy;
  readonly ratchet: Verdict["failed"][number] | null;
  readonly drop: Verdict["failed"][number] | null;
  readonly freshProblem: string | null;
}

/**
 * The exit code and why. 1: something that the policy fails on; else 3: too much is unknown, or nothing was evaluated; else 0. A further sample can
 * only make it worse.
 */
export function verdictOf({ cases, policy, ratchet, drop, freshProblem }: VerdictFacts): Verdict {
  const counting = cases.filter(counts);
  const failOn = new Set<string>(policy.failOn);
  const failed: Verdict["failed"] = [];
  const came = tally(counting.map(({ outcome }) => outcome));
  for (const outcome of OUTCOMES) {
    const own = came.get(outcome) ?? 0;
    if (failOn.has(outcome) && own > 0) failed.push({ rule: outcome, cases: own });
  }
  const expired = counting.filter(({ waiver, outcome }) => waiver?.expired === true && isBroken(outcome));
  if (expired.length > 0) failed.push({ rule: "expired-waiver", cases: expired.length });
  for (const broken of [ratchet, drop]) if (broken !== null && failOn.has(broken.rule)) failed.push(broken);
  const unknown = (came.get("not-evaluated") ?? 0) + (came.get("incomparable") ?? 0);
  // What is waived was evaluated, too.
  const of = cases.filter(({ trusted }) => trusted).length;
  const enough = unknown <= policy.maxNotEvaluated && unknown < of;
  return {
    exitCode: failed.length > 0 ? 1 : enough && freshProblem === null ? 0 : 3,
    failed,
    notEvaluated: { cases: unknown, of, tooMany: !enough },
  };
}
