import type { ProfileRisk, ThreatRisk } from "../schema.ts";
import { NOT_ENOUGH } from "./severity.ts";

type Parts = Omit<ThreatRisk, "threat" | "profiles" | "pairs" | "arithmetic">;

/** The formula with its numbers in it, for a reader who wants to check it. It may hold class names: escape it where it goes. */
export function arithmetic(parts: Parts, profiles: readonly ProfileRisk[]): string {
  return `${likelihoodText(parts, profiles)}. ${impactText(parts)}. ${severityText(parts)}.`;
}

function likelihoodText({ profile, likelihood }: Parts, profiles: readonly ProfileRisk[]): string {
  const { value, high, band, bandHigh } = likelihood;
  const atMost = (text: string) => `${text}${digits(high)} (${bandHigh})`;
  const deciding = profiles.find(({ knowledge }) => knowledge === profile);
  if (deciding === undefined) return `No attacker in reach was evaluated: L = 0 (${band}), at most ${atMost("")}`;
  const counts = ` (${deciding.fooled} of ${deciding.of})`;
  const at = `${deciding.knowledge}: L = p × effort × stealth = ${digits(deciding.p)}${counts} × ${factors(deciding)} = ${digits(value)} (${band})`;
  const bounding = profiles.find(({ inReach, likelihoodHigh }) => inReach && likelihoodHigh === high);
  if (bounding === undefined) return `${at}; ${atMost("proved for these samples; for others at most ")}`;
  const whose = bounding === deciding ? "" : ` of ${bounding.knowledge}`;
  const product = `${digits(bounding.pHigh)} × ${factors(bounding)} = `;
  return `${at}; ${atMost(`with the upper 95 % bound of p${whose}: ${product}`)}`;
}

const OUTPUTS: Partial<Record<ProfileRisk["knowledge"], string>> = { score: "scores", label: "labels" };

function factors({ knowledge, effort, queryStep, access, medianQueries, stealth, stealthBand }: ProfileRisk): string {
  const outputs = OUTPUTS[knowledge];
  const median = medianQueries === null ? "" : ` for a median of ${medianQueries} queries`;
  const made = outputs === undefined ? "" : ` (${queryStep}${median} × ${access} for ${outputs})`;
  const seen = stealthBand === null || stealth === 1 ? "" : ` (${stealthBand})`;
  return `${effort}${made} × ${stealth}${seen}`;
}

function impactText({ impact: { value, source, pair } }: Parts): string {
  const mistake =
    pair === null ? "no mistake was observed: the costliest of all" : `${pair.true} taken for ${pair.wrong}`;
  return `Impact ${value} (${mistake}; ${source === "declared" ? "declared" : "not assessed"})`;
}

function severityText({ severity: { value, high, shown } }: Parts): string {
  const severity = value === high ? value : `${value} to ${high}`;
  const hidden = shown === NOT_ENOUGH ? ", but too little was evaluated to claim less than High" : "";
  return `Severity ${severity}${hidden}`;
}

/** Three significant digits. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
