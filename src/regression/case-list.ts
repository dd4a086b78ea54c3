import { caseKey } from "./case.ts";
import { isBroken } from "./outcome.ts";
import type { GateCase, GateResult, Outcome } from "./schema.ts";

/** What counts and verdicts rest on. */
export interface CaseFacts {
  readonly outcome: Outcome;
  readonly threat: string | null;
  readonly trusted: boolean;
  readonly trainedOn: boolean;
  readonly waiver: "holds" | "expired" | null;
  /** Whether an attack was part of the answer. */
  readonly attacked: boolean;
  /** Whether neither time nor a budget was over before it had its answer. */
  readonly finished: boolean;
}

export interface CaseCount {
  readonly facts: CaseFacts;
  readonly cases: number;
}

export type Fits = (facts: CaseFacts) => boolean;

/** Cases of a gate, wherever they are kept: there may be too many to hold. */
export interface CaseList {
  /** How many cases share the same facts. */
  readonly counts: readonly CaseCount[];
  /** How many fit; default: all. */
  count(fits?: Fits): number;
  /** Those that fit, by sample id, then threat. */
  of(fits: Fits): Iterable<GateCase>;
  /** Names of those that fit, as `caseKey` gives them, in no order. */
  keys(fits: Fits): Iterable<string>;
  /** All of them in the same order, each as JSON, with `separator` between them: a piece at a time. */
  json(separator: string): Iterable<Uint8Array | string>;
}

/** A gate whose cases are kept elsewhere: those of a large corpus are never held at once. */
export type Gated = Omit<GateResult, "cases"> & { readonly cases: CaseList };

export function factsOf({
  outcome,
  threat,
  trusted,
  trainedOn,
  waiver,
  attacked,
  base,
  candidate,
}: GateCase): CaseFacts {
  const skipped = [base.state, candidate.state, attacked?.outcome].includes("skipped");
  return {
    outcome,
    threat,
    trusted,
    trainedOn,
    waiver: waiver === undefined ? null : waiver.expired ? "expired" : "holds",
    attacked: attacked !== undefined,
    finished: !skipped,
  };
}

/** Whether a case has a say: an untrusted sample has none, nor one that is waived. */
export function hasSay({ trusted, waiver }: CaseFacts): boolean {
  return trusted && waiver !== "holds";
}

export function isBrokenCase({ outcome }: CaseFacts): boolean {
  return isBroken(outcome);
}

/** How many cases fit. */
export function countOf(counts: readonly CaseCount[], fits: Fits = () => true): number {
  return counts.reduce((sum, { facts, cases }) => sum + (fits(facts) ? cases : 0), 0);
}

/** Cases that are held in memory, in their order. */
export function listOf(cases: readonly GateCase[]): CaseList {
  const withFacts = cases.map((one) => [one, factsOf(one)] as const);
  const counts = summed(withFacts.map(([, facts]) => ({ facts, cases: 1 })));
  return {
    counts,
    count: (fits) => countOf(counts, fits),
    keys: (fits) => withFacts.flatMap(([one, facts]) => (fits(facts) ? [caseKey(one)] : [])),
    of: (fits) => withFacts.flatMap(([one, facts]) => (fits(facts) ? [one] : [])),
    json: (separator) => (cases.length === 0 ? [] : [cases.map((one) => JSON.stringify(one)).join(separator)]),
  };
}

/** Counts of the same facts together. */
export function summed(counts: readonly CaseCount[]): CaseCount[] {
  const sums = new Map<string, CaseCount>();
  for (const { facts, cases } of counts) {
    const key = JSON.stringify(facts);
    sums.set(key, { facts, cases: cases + (sums.get(key)?.cases ?? 0) });
  }
  return [...sums.values()];
}
