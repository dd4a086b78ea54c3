import type { Knowledge } from "../attacks/attack.ts";
import type { PlannedAttack, ProfilePlan } from "../attacks/record.ts";
import { findAttack } from "../attacks/registry.ts";
import type { AttemptLine, ProfileLine, SampleLine } from "./schema.ts";

export function plannedAttack(name: string): PlannedAttack {
  const definition = findAttack(name);
  return { definition, settings: definition.defaults };
}

/** `profilePlan("white-box", "fgsm", "pgd")`. */
export function profilePlan(knowledge: Knowledge, ...names: string[]): ProfilePlan {
  return { knowledge, attacks: names.map(plannedAttack) };
}

type Outcome = AttemptLine["outcome"];

export function attempt(attack: string, outcome: Outcome, queries = 10): Omit<AttemptLine, "knowledge"> {
  return { attack, outcome, queries, gradients: 0, verifications: 0, rejected: 0, seconds: 0.5 };
}

function profileLine(attempts: readonly Omit<AttemptLine, "knowledge">[]): ProfileLine {
  const outcomes = attempts.map(({ outcome }) => outcome);
  const status = (["fooled", "error", "skipped"] as const).find((one) => outcomes.includes(one)) ?? "resisted";
  const winner = attempts.find(({ outcome }) => outcome === "fooled");
  return {
    status,
    attack: winner?.attack ?? null,
    distance: winner === undefined ? null : 0.1,
    predicted: winner === undefined ? null : 1,
    queries: attempts.reduce((sum, { queries }) => sum + queries, 0),
    gradients: 0,
    attempts: [...attempts],
  };
}

/** A line from the attempts of its profiles: `{ "white-box": [["fgsm", "resisted"], ["pgd", "fooled"]] }`; null: wrong before any attack. */
export function lineOf(
  index: number,
  profiles: Partial<Record<Knowledge, readonly (readonly [string, Outcome, number?])[]>> | null,
  audit = false,
): SampleLine {
  const made = Object.entries(profiles ?? {}).map(
    ([knowledge, attempts]) =>
      [knowledge, attempts.map(([name, outcome, queries]) => attempt(name, outcome, queries))] as const,
  );
  const lines = made.map(([knowledge, attempts]) => [knowledge, profileLine(attempts)] as const);
  const statuses = lines.map(([, { status }]) => status);
  const status = (["fooled", "error", "skipped"] as const).find((one) => statuses.includes(one)) ?? "resisted";
  return {
    threat: "linf:0.1;none;untargeted",
    sample: `s${index}`,
    index,
    label: 0,
    status: profiles === null ? "misclassified" : status,
    predicted: { before: profiles === null ? 1 : 0, after: status === "fooled" ? 1 : null },
    profiles: Object.fromEntries(lines),
    audit: audit
      ? made.flatMap(([knowledge, attempts]) => attempts.map((one) => ({ ...one, knowledge: knowledge as Knowledge })))
      : null,
  };
}
