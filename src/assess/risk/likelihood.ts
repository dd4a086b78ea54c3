import type { Knowledge } from "../../attacks/attack.ts";
import { isCorrect } from "../metrics.ts";
import type { Declared, Finding, ProfileRisk, SampleLine } from "../schema.ts";
import { censoredQuantile, proportion } from "../statistics.ts";

type Band = NonNullable<ProfileRisk["stealthBand"]>;

/** Attackers that an exposure lets in. The first of each is the strongest: what it can't do, the others can't. */
export const REACH: Record<Declared["exposure"], readonly [Knowledge, ...Knowledge[]]> = {
  public: ["white-box", "score", "label", "transfer"],
  internal: ["white-box", "score", "label", "transfer"],
  "api-scores": ["score", "label", "transfer"],
  "api-labels": ["label", "transfer"],
};

/** Times what access costs: scores and labels are had by query alone. */
const ACCESS: Record<Knowledge, number> = { "white-box": 1, score: 0.9, label: 0.7, transfer: 1 };

const QUERY_STEPS: readonly (readonly [most: number, step: number])[] = [
  [100, 1],
  [1_000, 0.9],
  [10_000, 0.7],
  [100_000, 0.4],
  [Number.POSITIVE_INFINITY, 0.2],
];

/** The fewer queries an attack takes, the likelier it is to be made. */
export function queryStep(medianQueries: number): number {
  return QUERY_STEPS.find(([most]) => medianQueries <= most)![1];
}

/** From the least perceptible on. */
const STEALTH: readonly (readonly [Band, number])[] = [
  ["imperceptible", 1],
  ["subtle", 1],
  ["visible", 0.7],
  ["obvious", 0.4],
];

/**
 * How little a person would notice: that of the least perceptible finding among the samples that the profile fooled. It is the
 * cautious choice, and one more finding can only raise it. A finding is stored for the nearest adversarial input of a sample,
 * whichever profile made it, so it stands for all profiles that fooled the sample. A sample without one may be anything.
 */
function stealthOf(fooled: readonly SampleLine[], bands: ReadonlyMap<number, readonly Band[]>): Band | null {
  const known = fooled.map(({ index }) => bands.get(index));
  if (known.length === 0 || known.some((some) => some === undefined)) return null;
  const seen = new Set(known.flatMap((some) => some!));
  return STEALTH.find(([band]) => seen.has(band))?.[0] ?? null;
}

/** Bands of the findings of each sample, by its index. */
export function bandsByIndex(findings: readonly Finding[]): Map<number, Band[]> {
  const bands = new Map<number, Band[]>();
  for (const { subject, perturbation } of findings)
    bands.set(subject.index, [...(bands.get(subject.index) ?? []), perturbation.perceptibility.band]);
  return bands;
}

/** Queries of the attempt that succeeded: those that failed before it are not what an attacker who knows the attack needs. */
function queriesOfSuccess(line: SampleLine, knowledge: Knowledge): number {
  const profile = line.profiles[knowledge]!;
  const winner = profile.attempts.find(({ outcome }) => outcome === "fooled");
  return winner?.queries ?? profile.queries;
}

/**
 * Likelihood of one kind of attacker under one threat: L = p x effort x stealth, and the same with the upper 95 % bound of p.
 * Where nothing was fooled, effort and stealth are unknown, and the bound takes the worst of them.
 * @param lines of this threat
 * @param bands of this threat's findings
 */
export function profileRisk(
  knowledge: Knowledge,
  lines: readonly SampleLine[],
  bands: ReadonlyMap<number, readonly Band[]>,
  declared: Pick<Declared, "exposure" | "viewer">,
): ProfileRisk {
  // Nothing was shown of a sample whose attack ended in an error: it must not count as one that resisted.
  const ran = lines.filter((line) => isCorrect(line) && (line.profiles[knowledge]?.status ?? "error") !== "error");
  const fooled = ran.filter((line) => line.profiles[knowledge]?.status === "fooled");
  const { value: p, sampling95 } = proportion(fooled.length, ran.length);
  const byQuery = knowledge === "score" || knowledge === "label";
  const queries = byQuery ? fooled.map((line) => queriesOfSuccess(line, knowledge)) : [];
  const medianQueries = censoredQuantile(queries, 0.5);
  const step = medianQueries === null ? 1 : queryStep(medianQueries);
  const access = ACCESS[knowledge];
  // Both have one decimal: the product is what a reader computes, not 0.6299999999999999.
  const effort = Math.round(100 * step * access) / 100;
  const stealthBand = stealthOf(fooled, bands);
  const noticed = declared.viewer === "person" ? STEALTH.find(([band]) => band === stealthBand)?.[1] : undefined;
  const stealth = noticed ?? 1;
  return {
    knowledge,
    inReach: REACH[declared.exposure].includes(knowledge),
    fooled: fooled.length,
    of: ran.length,
    p,
    pHigh: sampling95.high,
    medianQueries,
    queryStep: step,
    access,
    effort,
    stealthBand,
    stealth,
    likelihood: p * effort * stealth,
    likelihoodHigh: sampling95.high * effort * stealth,
  };
}
