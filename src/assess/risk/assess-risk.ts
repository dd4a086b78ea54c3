import { CATALOGS, MITIGATIONS, mappingsOf } from "../mappings.ts";
import {
  type Declared,
  type Finding,
  type PairRisk,
  type ProfileRisk,
  type Result,
  RISK_FORMULA,
  type Risk,
  type SampleLine,
  type ThreatResult,
  type ThreatRisk,
} from "../schema.ts";
import { wilson95 } from "../statistics.ts";
import { arithmetic } from "./arithmetic.ts";
import { Impacts, observedPairs } from "./impact.ts";
import { bandsByIndex, profileRisk, REACH } from "./likelihood.ts";
import { bandOf, severityOf, shownSeverity } from "./severity.ts";

/** What risk is computed from: a stored run, or one that is about to be stored. */
export interface RiskBasis {
  readonly result: Pick<Result, "model" | "threats" | "badge">;
  readonly samples: readonly SampleLine[];
  readonly findings: readonly Finding[];
}

/**
 * Risk by the formula `blindspot-risk/1`: measured likelihood, declared impact, confidence by the badge (docs/risk.md). A pure
 * function: the same run and declaration give the same risk.
 */
export function assessRisk({ result, samples, findings }: RiskBasis, declared: Declared): Risk {
  const impacts = new Impacts(declared.impact);
  const attackers = new Set(result.threats.flatMap(({ profiles }) => profiles.map(({ knowledge }) => knowledge)));
  return {
    formula: RISK_FORMULA,
    declared,
    threats: result.threats.map((threat) => {
      const lines = samples.filter((line) => line.threat === threat.id);
      const found = findings.filter(({ constraints }) => constraints.threat === threat.id);
      return threatRisk(threat, { result, samples: lines, findings: found }, declared, impacts);
    }),
    mappings: mappingsOf([...attackers]),
    catalogs: CATALOGS,
    mitigations: MITIGATIONS.filter(({ against }) => against.some((knowledge) => attackers.has(knowledge))),
  };
}

/** Of one threat; `basis` holds its lines and findings alone. */
function threatRisk(threat: ThreatResult, basis: RiskBasis, declared: Declared, impacts: Impacts): ThreatRisk {
  const { result, samples, findings } = basis;
  const bands = bandsByIndex(findings);
  const profiles = threat.profiles.map(({ knowledge }) => profileRisk(knowledge, samples, bands, declared));
  const inReach = profiles.filter((profile) => profile.inReach);
  const certified = isCertified(threat);
  const deciding = largest(inReach, ({ likelihood }) => likelihood);
  const value = deciding?.likelihood ?? 0;
  const high = certified ? missedAtMost(threat) : (largest(inReach, highOf)?.likelihoodHigh ?? 1);
  const likelihood = { value, high, band: bandOf(value, certified), bandHigh: bandOf(high) };
  const enough = certified || evaluatedEnough(result.badge, declared, profiles);
  const severity = (impact: number) => {
    const at = severityOf(impact, likelihood.band);
    const atMost = severityOf(impact, likelihood.bandHigh);
    return { value: at, high: atMost, shown: shownSeverity(at, atMost, enough) };
  };
  const name = (label: number) => result.model.classes[label] ?? String(label);
  const observed = observedPairs(samples, findings, (from, to) => impacts.of(name(from), name(to)));
  const pairs = observed.map((pair): PairRisk => {
    const { value: at, high: atMost, shown } = severity(pair.impact);
    const names = { true: name(pair.trueLabel), wrong: name(pair.wrongLabel) };
    return { ...names, ...pair, severity: at, severityHigh: atMost, shown };
  });
  const [costliest] = pairs;
  const { impact, source } = costliest ?? impacts.largest;
  const parts = {
    profile: deciding?.knowledge ?? null,
    enough,
    likelihood,
    impact: {
      value: impact,
      source,
      pair: costliest === undefined ? null : { true: costliest.true, wrong: costliest.wrong },
    },
    severity: severity(impact),
  };
  return { threat: threat.id, profiles, ...parts, pairs, arithmetic: arithmetic(parts, profiles) };
}

const highOf = ({ likelihoodHigh }: ProfileRisk) => likelihoodHigh;

/** The first of those with the largest value. */
function largest<T>(items: readonly T[], value: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (most, item) => (most === undefined || value(item) > value(most) ? item : most),
    undefined,
  );
}

/** Every correctly classified sample is proved to resist. */
function isCertified({ robustAccuracy: { bracket, of }, attackSuccess }: ThreatResult): boolean {
  if (bracket === undefined || attackSuccess.of === 0) return false;
  return attackSuccess.fooled === 0 && Math.round(bracket.certified * of) >= attackSuccess.of;
}

/** A proof holds for the samples drawn; another draw may hold one that is not proved. */
function missedAtMost({ attackSuccess }: ThreatResult): number {
  return wilson95(0, attackSuccess.of).high;
}

/**
 * Whether what was not found would have been found: a badge of E2 or more, and the strongest attacker of the exposure among those
 * that ran.
 */
function evaluatedEnough(
  badge: Result["badge"],
  { exposure }: Pick<Declared, "exposure">,
  profiles: readonly ProfileRisk[],
): boolean {
  const [strongest] = REACH[exposure];
  return badge >= "E2" && profiles.some(({ knowledge, of }) => knowledge === strongest && of > 0);
}
