import { describe, expect, it } from "vitest";
import { badgeOf } from "./badge.ts";
import type { Check } from "./schema.ts";

type Said = readonly [id: string, status: Check["status"]];
const checks = (said: readonly Said[]): Check[] => said.map(([id, status]) => ({ id, status, detail: "" }));

const SANE: readonly Said[] = [
  ["determinism", "pass"],
  ["saturation", "warn"],
];
const SETTLED: readonly Said[] = [...SANE, ["convergence-steps", "pass"], ["convergence-restarts", "skipped"]];
const ACTIVE: readonly Said[] = [...SETTLED, ["binarization", "pass"], ["planted-masks", "pass"]];

describe("the badge", () => {
  it.each<[string, string, readonly Said[], Partial<Parameters<typeof badgeOf>[0]>]>([
    ["E0", "a run cut short", ACTIVE, { complete: false }],
    ["E0", "without checks", [], {}],
    ["E0", "with a failed check, whatever else ran", [...ACTIVE, ["noise-baseline", "fail"]], {}],
    ["E1", "less than standard, however well audited", ACTIVE, { standard: false }],
    ["E1", "standard without --audit", ACTIVE, { audit: false }],
    ["E1", "not converged in steps", [...ACTIVE, ["convergence-steps", "warn"]], {}],
    ["E1", "not converged in restarts", [...ACTIVE, ["convergence-restarts", "warn"]], {}],
    ["E2", "standard --audit", SETTLED, {}],
    ["E2", "one active test skipped", [...SETTLED, ["binarization", "skipped"], ["planted-masks", "pass"]], {}],
    ["E2", "active under one threat of two", [...ACTIVE, ["binarization", "skipped"]], {}],
    ["E3", "standard --audit --active", ACTIVE, {}],
  ])("%s: %s", (badge, _, said, other) => {
    const run = { complete: true, standard: true, audit: true, ...other };
    expect(badgeOf({ ...run, checks: checks(said) })).toBe(badge);
  });
});
