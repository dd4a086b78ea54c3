import { type CaseCount, countOf, hasSay, isBrokenCase } from "./case-list.ts";
import { type GatePolicy, type GateResult, OUTCOMES, type Verdict } from "./schema.ts";

/** How many cases came out how; samples that a version was trained on, waived and untrusted ones each apart. */
export function countOutcomes(counts: readonly CaseCount[]): GateResult["counts"] {
  return OUTCOMES.map((outcome) => {
    const own = counts.filter(({ facts }) => facts.outcome === outcome);
    return {
      outcome,
      cases: countOf(own, (facts) => hasSay(facts) && !facts.trainedOn),
      trainedOn: countOf(own, (facts) => hasSay(facts) && facts.trainedOn),
      waived: countOf(own, (facts) => facts.trusted && !hasSay(facts)),
      untrusted: countOf(own, ({ trusted }) => !trusted),
    };
  });
}

/** What else the verdict rests on: null where there is nothing to complain of. */
export interface VerdictFacts {
  readonly counts: readonly CaseCount[];
  readonly policy: GatePolicy;
  readonly ratchet: Verdict["failed"][number] | null;
  readonly drop: Verdict["failed"][number] | null;
  readonly freshProblem: string | null;
}

/**
 * The exit code and why. 1: something that the policy fails on; else 3: too much is unknown, or nothing was evaluated; else 0. A further sample can
 * only make it worse.
 */
export function verdictOf({ counts, policy, ratchet, drop, freshProblem }: VerdictFacts): Verdict {
  const failOn = new Set<string>(policy.failOn);
  const failed: Verdict["failed"] = [];
  const counting = counts.filter(({ facts }) => hasSay(facts));
  for (const rule of OUTCOMES) {
    const cases = countOf(counting, ({ outcome }) => outcome === rule);
    if (failOn.has(rule) && cases > 0) failed.push({ rule, cases });
  }
  const expired = countOf(counting, (facts) => facts.waiver === "expired" && isBrokenCase(facts));
  if (expired > 0) failed.push({ rule: "expired-waiver", cases: expired });
  for (const broken of [ratchet, drop]) if (broken !== null && failOn.has(broken.rule)) failed.push(broken);
  const unknown = countOf(counting, ({ outcome }) => outcome === "not-evaluated" || outcome === "incomparable");
  // What is waived was evaluated, too.
  const of = countOf(counts, ({ trusted }) => trusted);
  const enough = unknown <= policy.maxNotEvaluated && unknown < of;
  return {
    exitCode: failed.length > 0 ? 1 : enough && freshProblem === null ? 0 : 3,
    failed,
    notEvaluated: { cases: unknown, of, tooMany: !enough },
  };
}
