import type { LikelihoodBand, Severity } from "../schema.ts";

/** From harmless to worst. */
const SEVERITIES: readonly Severity[] = ["Info", "Low", "Medium", "High", "Critical"];

/** The least likelihood of each band, from the top. What is above 0 and below all of them is unlikely. */
const BANDS: readonly (readonly [least: number, band: LikelihoodBand])[] = [
  [0.5, "very likely"],
  [0.2, "likely"],
  [0.05, "possible"],
];

/** Products such as 1/14 x 0.7 are meant to be 0.05. */
const ROUNDING = 1e-12;

/** Band of a likelihood. `certified`: it is proved that no sample can be fooled within epsilon. */
export function bandOf(likelihood: number, certified = false): LikelihoodBand {
  if (likelihood === 0) return certified ? "excluded within epsilon" : "not observed";
  return BANDS.find(([least]) => likelihood >= least - ROUNDING)?.[1] ?? "unlikely";
}

/** Columns of the matrix. */
const COLUMNS: readonly LikelihoodBand[] = ["not observed", "unlikely", "possible", "likely", "very likely"];
/** Rows: impact 1 to 5. Letters: the first of Info, Low, Medium, High, Critical. */
const MATRIX: readonly string[] = ["IILLM", "IILMM", "ILMMH", "LMMHC", "LMHHC"];

/**
 * Severity of a mistake of this impact (1 to 5) at this likelihood: the matrix of `blindspot-risk/1`. What is excluded is Info,
 * whatever its impact.
 */
export function severityOf(impact: number, band: LikelihoodBand): Severity {
  const letter = MATRIX[impact - 1]?.[COLUMNS.indexOf(band)] ?? "I";
  return SEVERITIES.find((severity) => severity.startsWith(letter))!;
}

export const NOT_ENOUGH = "Unknown: not evaluated enough";

/**
 * As reports print it: `High`, or `Medium to High` where the upper bound of the likelihood gives another one. A severity below High
 * rests on what was not found, so it is shown only where the evaluation was enough to find it.
 */
export function shownSeverity(value: Severity, high: Severity, enough: boolean): string {
  if (!enough && SEVERITIES.indexOf(value) < SEVERITIES.indexOf("High")) return NOT_ENOUGH;
  return value === high ? value : `${value} to ${high}`;
}
