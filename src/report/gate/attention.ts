import type { CaseFacts } from "../../regression/case-list.ts";
import type { GateCase, GateResult } from "../../regression/schema.ts";

/** How a CI system should take a case: by the policy of the gate. */
export type Standing = "failed" | "unanswered" | "waived" | "untrusted" | "passed";

export function standingOf(
  { policy }: Pick<GateResult, "policy">,
  { outcome, waiver, trusted }: GateCase | CaseFacts,
): Standing {
  const isExpired = typeof waiver === "object" ? waiver?.expired : waiver === "expired";
  if (!trusted) return "untrusted";
  if (waiver != null && !isExpired) return "waived";
  if (outcome === "incomparable" || outcome === "not-evaluated") return "unanswered";
  if (policy.failOn.some((rule) => rule === outcome)) return "failed";
  return isExpired === true && BROKEN.has(outcome) ? "failed" : "passed";
}

/** The candidate is wrong about it, now or after the re-attack. */
export const BROKEN: ReadonlySet<GateCase["outcome"]> = new Set([
  "newly-broken",
  "clean-regression",
  "known-weakness",
  "moved",
  "still-broken",
] as const);

/** The path of a case's manifest as code hosts want it: relative, with `/`, each part encoded. */
export function manifestUri({ corpus }: Pick<GateResult, "corpus">, { manifest }: GateCase): string {
  const parts = corpus.name
    .replaceAll("\\", "/")
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  // A corpus outside the repository has no place in it: its own name stands for it.
  const outside = /^([a-z]:)?[\\/]/i.test(corpus.name) || parts.includes("..");
  const folder = outside ? parts.slice(-1) : parts;
  return [...folder, ...manifest.split("/")].map(encodeURIComponent).join("/");
}
