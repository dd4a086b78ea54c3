import type { CaseFacts, CaseList, Gated } from "../../regression/case-list.ts";
import type { GateCase, GateResult, Outcome } from "../../regression/schema.ts";
import { type Edit, editText } from "../edits.ts";
import { grouped, plural } from "../format.ts";

type EditKind = Edit["kind"];

const WORDS: Readonly<Record<Outcome, string>> = {
  "newly-broken": "newly broken",
  "clean-regression": "clean regression",
  "known-weakness": "known weakness",
  moved: "moved",
  "still-broken": "still broken",
  "not-reproduced": "not reproduced",
  "not-rebroken": "not re-broken",
  fixed: "fixed",
  "fixed-proved": "fixed (proved)",
  holds: "holds",
  unstable: "unstable",
  incomparable: "incomparable",
  "not-evaluated": "not evaluated",
};

export function outcomeText(outcome: Outcome): string {
  return WORDS[outcome];
}

/** What each word means, for legends. */
export const MEANINGS: Readonly<Record<Outcome, string>> = {
  "newly-broken": "the new version yields, and the old one withstood the same attack",
  "clean-regression": "an input that nobody attacked was right before and is wrong now",
  "known-weakness": "the new version yields, and the old one falls to the same attack",
  moved: "the old input fails, a new one beside it fools the new version",
  "still-broken": "both versions are wrong",
  "not-reproduced": "the input fails no more; nothing more is known",
  "not-rebroken": "attacked again by queries alone, and not fooled",
  fixed: "attacked again with gradients, from the old input and from scratch, and not fooled",
  "fixed-proved": "all that the threat allows was tried",
  holds: "right in both versions",
  unstable: "the same input is answered now right, now wrong",
  incomparable: "classes, preparation or shape of the input have changed",
  "not-evaluated": "an error, or time was over",
};

/** Columns of the table, from what needs attention to what does not. */
export const COLUMNS: readonly { readonly name: string; readonly outcomes: readonly Outcome[] }[] = [
  { name: "new-broken", outcomes: ["newly-broken"] },
  { name: "clean-regr", outcomes: ["clean-regression"] },
  { name: "known-weak", outcomes: ["known-weakness"] },
  { name: "still", outcomes: ["still-broken"] },
  { name: "moved", outcomes: ["moved"] },
  { name: "fixed", outcomes: ["fixed", "fixed-proved"] },
  { name: "not-rebroken", outcomes: ["not-rebroken"] },
  { name: "not-reproduced", outcomes: ["not-reproduced"] },
  { name: "holds", outcomes: ["holds"] },
  { name: "unstable", outcomes: ["unstable"] },
  { name: "not-run", outcomes: ["incomparable", "not-evaluated"] },
];

const ATTENTION: readonly Outcome[] = [
  "newly-broken",
  "clean-regression",
  "incomparable",
  "not-evaluated",
  "unstable",
  "known-weakness",
  "moved",
  "still-broken",
];

/** Whether a reader should see such a case. */
export function needsLook({ outcome }: Pick<CaseFacts, "outcome">): boolean {
  return ATTENTION.includes(outcome);
}

/** The cases that a reader should see, most important first; those of one outcome in their own order. */
export function* shownFirst({ of }: CaseList, fits: (facts: CaseFacts) => boolean = () => true): Generator<GateCase> {
  for (const outcome of ATTENTION) yield* of((facts) => facts.outcome === outcome && fits(facts));
}

/** `linf:8/255`, without what is the same for nearly all. */
export function threatShort(threat: string | null): string {
  if (threat === null) return "no attack";
  const [kind, , goal, ...rest] = threat.split(";");
  const masked = rest.some((part) => part.startsWith("mask")) ? " (masked)" : "";
  return `${kind}${goal === undefined || goal === "untargeted" ? "" : `;${goal}`}${masked}`;
}

/** The class that the candidate takes it for, before or after the re-attack. */
export function reachedText({ candidate, attacked }: GateCase): string {
  if (attacked?.version === "candidate" && attacked.predicted !== undefined) return attacked.predicted;
  return candidate.predicted ?? "?";
}

/** `income 2400 -> 2650`, `'e' became 'a'`: of a row or a text, what was changed to fool the version last; empty for what is no list. */
export function changedText({ modality, changes, attacked }: GateCase): string[] {
  const shown = attacked?.version === "candidate" ? (attacked.changes ?? changes) : changes;
  return (shown ?? []).map(({ what, from, to }) =>
    modality === "text"
      ? editText({ kind: what as EditKind, from: String(from), to: String(to) })
      : `${what} ${from} -> ${to}`,
  );
}

/** `candidate fooled by apgd-warm in 4 queries`; null where nothing was attacked again. */
export function attackText({ attacked }: GateCase): string | null {
  if (attacked === undefined) return null;
  const { version, outcome, attempts } = attacked;
  const attack = attempts.find((attempt) => attempt.outcome === "fooled");
  if (attack !== undefined)
    return `${version} fooled by ${attack.attack} in ${plural(attack.queries, "query", "queries")}`;
  const queries = attempts.reduce((sum, attempt) => sum + attempt.queries, 0);
  if (outcome === "resisted") return `${version} withstood ${plural(queries, "query", "queries")}`;
  return `${version} not attacked to the end`;
}

export function changeText(one: GateCase): string {
  const { base, candidate, attacked, threat } = one;
  const attack = attackText(one);
  const by = attack === null ? "" : `; ${attack}`;
  const why = candidate.detail ?? attacked?.detail ?? base.detail;
  const [first, ...more] = changedText(one);
  const what =
    first === undefined ? "" : ` (${first}${more.length === 0 ? "" : `, ${plural(more.length, "more change")}`})`;
  return `${threatShort(threat)}${what}: ${base.state} -> ${candidate.state}${by}${why === undefined ? "" : ` (${why})`}`;
}

/** `9 samples, 5 new ones by the re-attacks (3 new boundary cells)`. */
export function corpusText({ corpus, grown }: Pick<GateResult, "corpus" | "grown">): string {
  const samples = plural(corpus.samples, "sample");
  if (grown === undefined || grown.samples === 0) return samples;
  return `${samples}, ${grouped(grown.samples)} new by the re-attacks (${plural(grown.cells, "new boundary cell")})`;
}

/** What "fixed" withstood, for each threat. */
export function effortText({ effort }: Pick<GateResult, "effort">): string[] {
  return effort.threats.map(({ threat, attacks, queries, gradients }) => {
    const names = attacks.map(({ name }) => name).join(", ");
    return `${threatShort(threat)}: ${names}; at most ${grouped(queries)} queries, ${grouped(gradients)} of them with gradients, a sample`;
  });
}

const SEVERAL: Readonly<Record<string, string>> = {
  "clean-regression": "clean regressions",
  "known-weakness": "known weaknesses",
  "expired-waiver": "with expired waivers",
};

/** Why there is no answer of a fresh set; null where there is one. */
export function freshMissing({ fresh, freshProblem }: Pick<GateResult, "fresh" | "freshProblem">): string | null {
  if (fresh !== null) return null;
  return freshProblem === null
    ? "none (--data): a drop that the corpus does not show would not be noticed"
    : "not evaluated";
}

/** Why the gate failed, in words. */
export function failuresOf({ verdict }: Pick<GateResult, "verdict">): string[] {
  const rules = {
    ...WORDS,
    "expired-waiver": "with an expired waiver",
    ratchet: "broken since the baseline",
    drop: "",
  };
  return verdict.failed.map(
    ({ rule, cases, detail }) =>
      detail ?? `${grouped(cases)} ${cases === 1 ? rules[rule] : (SEVERAL[rule] ?? rules[rule])}`,
  );
}

/** The last line. */
export function verdictText(result: Gated): string {
  const { exitCode, notEvaluated } = result.verdict;
  const fresh = result.freshProblem === null ? [] : [`the fresh set was not evaluated: ${result.freshProblem}`];
  const { cases, of, tooMany } = notEvaluated;
  const unknown =
    of === 0
      ? "the corpus holds nothing that could be replayed"
      : `${grouped(cases)} of ${grouped(of)} without an answer`;
  const more = [...(tooMany ? [unknown] : []), ...fresh];
  if (exitCode === 1) return `GATE FAILED: ${[...failuresOf(result), ...more].join("; ")}`;
  return exitCode === 3 ? `NOT EVALUATED: ${more.join("; ")}` : `GATE PASSED${cutShort(result)}`;
}

/** A re-attack that was not finished leaves open whether a sample is fixed; that it fails no more stays true. */
function cutShort({ cases }: Gated): string {
  const open = cases.count(({ attacked, finished }) => attacked && !finished);
  return open === 0 ? "" : `, cut short: ${plural(open, "sample")} not attacked again to the end`;
}

/** `v2.mjs#loans: 1,240 queries`: what models were sent that can only be asked. */
export function askedText(versions: readonly GateResult["base"][]): string[] {
  return versions.flatMap(({ name, asked }) => {
    if (asked === undefined) return [];
    const cost = asked.cost > 0 ? `, cost ${asked.cost.toFixed(2)}` : "";
    return [`${name}: ${plural(asked.queries, "query", "queries")}${cost}`];
  });
}
