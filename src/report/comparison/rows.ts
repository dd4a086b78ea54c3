import type { Comparison, PairedRate, ThreatComparison } from "../../assess/schema.ts";
import { LOOKS, type Look } from "../charts/series.ts";
import { percent } from "../format.ts";
import { threatName } from "../words.ts";

/** A line of every table and chart of a comparison. */
export interface RateRow {
  readonly label: string;
  readonly look: Look;
  readonly rate: PairedRate;
  /** The figure does not hold: a check failed in one of the runs. */
  readonly withdrawn: boolean;
}

export function cleanRow({ clean }: Comparison): RateRow {
  return { label: "without attack", look: LOOKS.clean, rate: clean, withdrawn: false };
}

/** Each attacker under a threat, then all of them together. */
export function threatRows({ overall, profiles, withdrawn }: ThreatComparison): RateRow[] {
  const struck = withdrawn.length > 0;
  const rows = profiles.map(
    ({ knowledge, ...rate }): RateRow => ({ label: knowledge, look: LOOKS[knowledge], rate, withdrawn: struck }),
  );
  return [...rows, { label: "all attackers", look: LOOKS.all, rate: overall, withdrawn: struck }];
}

/** A share of -1..1 in percentage points, with its sign: `+31.2`, `-0.4`, `0.0`. */
export function points(difference: number): string {
  const text = (100 * difference).toFixed(1);
  if (Number(text) === 0) return "0.0";
  return difference > 0 ? `+${text}` : text;
}

/** `[+24.0, +38.1]` */
export function pointsInterval({ low, high }: PairedRate["difference"]): string {
  return `[${points(low)}, ${points(high)}]`;
}

/** Whether a change is more than the draw of samples explains: its interval leaves out 0. */
export function direction({ difference: { low, high } }: PairedRate): "better" | "worse" | "unclear" {
  return low > 0 ? "better" : high < 0 ? "worse" : "unclear";
}

/** McNemar's p as people read it. */
export function pText(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`;
}

/** The threat whose change decides: what was trained against, else the first. */
export function mainThreat({ threats }: Comparison): ThreatComparison {
  return threats.find(({ usedInTraining }) => usedInTraining === true) ?? threats[0]!;
}

/** Title of a threat in a comparison: as typed, with its goal, and whether training knew it. */
export function threatTitle({ id, goal, usedInTraining }: ThreatComparison): string {
  const aim = goal === "untargeted" ? "" : `, ${goal}`;
  const known = usedInTraining === null ? "" : usedInTraining ? ", trained against" : ", not used in training";
  return `${threatName(id)}${aim}${known}`;
}

/** What it came to, in one sentence of figures. */
export function summary(comparison: Comparison): string {
  const { clean } = comparison;
  const threat = mainThreat(comparison);
  const { overall } = threat;
  const word = { better: "stands better", worse: "stands worse", unclear: "shows no clear change" }[direction(overall)];
  const change = (rate: PairedRate) => `${percent(rate.before.value)} to ${percent(rate.after.value)}`;
  return `Under ${threatName(threat.id)} it ${word}: ${change(overall)} (${points(overall.difference.value)} points ${pointsInterval(overall.difference)}). Without attack: ${change(clean)} (${points(clean.difference.value)} points ${pointsInterval(clean.difference)}).`;
}

/** Why figures are struck through: one sentence for each failed check. */
export function withdrawals({ threats }: Comparison): string[] {
  const said = threats.flatMap(({ id, withdrawn }) =>
    withdrawn.map(({ version, check, detail }) => `${threatName(id)}: ${check} failed ${version}: ${detail}`),
  );
  return [...new Set(said)];
}

/** How intervals were computed, for the foot of a table. */
export function methodText({ intervals }: Comparison): string {
  const newcombe = "Newcombe's method 10 for paired proportions (1998)";
  const method =
    intervals === "newcombe-paired"
      ? newcombe
      : `bootstrap over groups and sets of identical inputs, never narrower than ${newcombe}`;
  return `Differences are after minus before, in percentage points, with 95 % intervals: ${method}. Gained and lost: pairs that changed; p: McNemar's test, two-sided mid-p.`;
}

/** Each count that an interval can't tell: how many samples, and which were set aside. */
export function samplesText({ samples: { compared, units, trainedOn } }: Comparison): string {
  const grouped = units === compared ? "" : `, ${units} independent of each other`;
  const aside = trainedOn === 0 ? "" : `; set aside because they were trained on: ${trainedOn}`;
  return `${compared} samples in both${grouped}${aside}`;
}

/** Attacks and threats of this comparison that the training never met; empty without a log. */
export function unseenText({ threats, training }: Comparison): string {
  if (training === null) return "";
  const attacks = threats.flatMap(({ attacks: list }) =>
    list.filter(({ usedInTraining }) => usedInTraining === false).map(({ name }) => name),
  );
  const others = threats.filter(({ usedInTraining }) => usedInTraining === false).map(({ id }) => threatName(id));
  return [...new Set([...attacks, ...others])].join(", ") || "none of these";
}
