import type { Attacked, Observation, Outcome, State } from "./schema.ts";

/** A question that only an attack can answer. */
export type Question = "is it fixed" | "was the base as weak";

const NOT_ANSWERED: ReadonlySet<State> = new Set(["error", "skipped"]);

/** What two observations say of a case by themselves, or what has to be asked. */
export function compare(
  base: Observation,
  candidate: Observation,
  { attackable }: { readonly attackable: boolean },
): Outcome | Question {
  const [was, is] = [base.state, candidate.state];
  if (was === "incomparable" || is === "incomparable") return "incomparable";
  if (NOT_ANSWERED.has(was) || NOT_ANSWERED.has(is)) return "not-evaluated";
  if (is === "unstable") return "unstable";
  if (is === "seed-fails") return was === "seed-fails" ? "still-broken" : "clean-regression";
  if (is === "resists") {
    if (was === "resists") return "holds";
    return attackable ? "is it fixed" : "not-reproduced";
  }
  // It yields. A base that wavers, or is wrong about the clean input, is no better.
  if (was !== "resists") return "still-broken";
  // Where no attack is part of the question, a wrong answer to the input itself is all there is to know.
  return attackable ? "was the base as weak" : "clean-regression";
}

/** What the attack answers. `withGradients`: whether gradients were among its means. */
export function answered(question: Question, attacked: Attacked, withGradients: boolean): Outcome {
  const { outcome, attempts } = attacked;
  if (question === "is it fixed") {
    if (outcome === "fooled") return "moved";
    // What it withstood until time ran out proves nothing; that the old input fails stays true.
    if (outcome !== "resisted") return "not-reproduced";
    if (attempts.some(({ exhausted }) => exhausted === true)) return "fixed-proved";
    return withGradients ? "fixed" : "not-rebroken";
  }
  if (outcome === "fooled") return "known-weakness";
  return outcome === "resisted" ? "newly-broken" : "not-evaluated";
}

/** Whether the candidate is wrong about the case, now or after the re-attack. */
export function isBroken(outcome: Outcome): boolean {
  return ["newly-broken", "clean-regression", "known-weakness", "moved", "still-broken"].includes(outcome);
}

/** Whether a version was seen to be wrong about the input itself. */
export function isWrong({ state }: Observation): boolean {
  return state === "yields" || state === "yields-other";
}
