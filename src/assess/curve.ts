import { suiteAttacks } from "../attacks/plan.ts";
import type { PlannedAttack } from "../attacks/record.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Threat } from "../threats/threat.ts";
import { attackOnce, type Bench } from "./attack-once.ts";
import { isCorrect, stands } from "./metrics.ts";
import type { CurvePoint, SampleLine } from "./schema.ts";

const MULTIPLES = [1 / 4, 1 / 2, 1, 2, 4] as const;

export interface Curve {
  readonly attack: string;
  readonly points: readonly CurvePoint[];
  /** Samples broken at one epsilon that the same attack did not break at a larger one. */
  readonly violations: readonly { readonly index: number; readonly brokenAt: number; readonly standsAt: number }[];
}

/** The strongest attack of `quick` on the model itself: by gradients, or else by scores, or else by labels; null if none fits. */
export function curveAttack(bench: Bench, threat: Threat): PlannedAttack | null {
  const { capabilities, dims, classes } = bench.classifier;
  const context = { threat, dims, classes: classes.length, capabilities, surrogate: false };
  const fitting = suiteAttacks("quick", context);
  return fitting.filter(({ definition }) => definition.knowledge === fitting[0]?.definition.knowledge).at(-1) ?? null;
}

/** The grid of epsilons: multiples of the threat's, those that 8-bit values cannot tell apart taken once. */
export function curveThreats(threat: Threat): Threat[] {
  const largest = threat.norm === "linf" ? 1 : Number.POSITIVE_INFINITY;
  const threats: Threat[] = [];
  for (const multiple of MULTIPLES) {
    const epsilon = Math.min(largest, multiple * threat.epsilon);
    if (threat.norm === "linf" && threat.quantize === "uint8" && 255 * epsilon + 1e-9 < 1) continue;
    const next = multiple === 1 ? threat : threat.withEpsilon(epsilon);
    if (next.effectiveEpsilon > (threats.at(-1)?.effectiveEpsilon ?? 0)) threats.push(next);
  }
  return threats;
}

/**
 * Accuracy over epsilon on the audit subset. The attack runs afresh at each epsilon; the raw counts are compared first, each
 * breach of monotonicity is kept, and only then an input that fooled at a smaller epsilon counts at the larger ones.
 */
export async function measureCurve(
  bench: Bench,
  threat: Threat,
  planned: PlannedAttack,
  samples: readonly DataSample[],
): Promise<Curve> {
  const runs: { epsilon: number; lines: SampleLine[] }[] = [];
  for (const at of curveThreats(threat))
    runs.push({ epsilon: at.epsilon, lines: await attackOnce(bench, at, [planned], samples) });
  return { attack: planned.definition.name, ...curveOf(runs) };
}

/** The arithmetic of the curve, from the lines at each epsilon in ascending order. */
export function curveOf(runs: readonly { readonly epsilon: number; readonly lines: readonly SampleLine[] }[]): {
  points: CurvePoint[];
  violations: Curve["violations"][number][];
} {
  const brokenAt = new Map<number, number>();
  const violations: Curve["violations"][number][] = [];
  const points: CurvePoint[] = [];
  const first = runs[0]?.lines ?? [];
  const of = first.length;
  const point = (epsilon: number, unbroken: number, raw: number) =>
    points.push({ epsilon, accuracy: of === 0 ? 0 : unbroken / of, unbroken, of, raw });
  const correct = first.filter(isCorrect).length;
  point(0, correct, correct);
  for (const { epsilon, lines } of runs) {
    const standing = lines.filter(stands);
    for (const { index } of standing) {
      const earlier = brokenAt.get(index);
      if (earlier !== undefined) violations.push({ index, brokenAt: earlier, standsAt: epsilon });
    }
    for (const { index, status } of lines)
      if (status === "fooled" && !brokenAt.has(index)) brokenAt.set(index, epsilon);
    point(epsilon, standing.filter(({ index }) => !brokenAt.has(index)).length, standing.length);
  }
  return { points, violations };
}
