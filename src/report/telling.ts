import type { Finding, Result } from "../assess/schema.ts";

/** From least to most seen: what nobody sees is the more telling. */
const BANDS: readonly Finding["perturbation"]["perceptibility"]["band"][] = [
  "imperceptible",
  "subtle",
  "visible",
  "obvious",
];

/**
 * The findings, most telling first, in an order that depends on their content alone. First one of each confusion (threat, true
 * class, wrong class), then a second of each, and so on, so that the first few show different weaknesses. Confusions and
 * findings within one are ordered by declared impact, then by how little of the change is seen, then by how sure the model is
 * of the wrong answer.
 */
export function mostTelling(result: Result, findings: readonly Finding[]): Finding[] {
  const impact = impacts(result);
  const key = new Map(findings.map((finding) => [finding, sortKey(finding, impact)]));
  const sorted = [...findings].sort((a, b) => compare(key.get(a)!, key.get(b)!));
  const seen = new Map<string, number>();
  const rounds: Finding[][] = [];
  for (const finding of sorted) {
    const { constraints, outputChange } = finding;
    const confusion = [constraints.threat, outputChange.trueLabel, outputChange.after.label].join("\n");
    const round = seen.get(confusion) ?? 0;
    seen.set(confusion, round + 1);
    if (rounds[round] === undefined) rounds[round] = [];
    rounds[round].push(finding);
  }
  return rounds.flat();
}

/** Declared impact of the mistake that a finding is; 0 where the run has no risk. */
type Impacts = (finding: Finding) => number;

function impacts({ risk }: Result): Impacts {
  const key = (threat: string, trueLabel: number, wrong: number) => JSON.stringify([threat, trueLabel, wrong]);
  const pairs = (risk?.threats ?? []).flatMap(({ threat, pairs }) =>
    pairs.map(({ trueLabel, wrongLabel, impact }) => [key(threat, trueLabel, wrongLabel), impact] as const),
  );
  const known = new Map(pairs);
  const other = risk?.declared.impact.default ?? 0;
  return ({ constraints, outputChange: { trueLabel, after } }) =>
    known.get(key(constraints.threat, trueLabel, after.label)) ?? other;
}

type Key = readonly (number | string)[];

function sortKey(finding: Finding, impact: Impacts): Key {
  const { id, outputChange, perturbation } = finding;
  return [
    -impact(finding),
    BANDS.indexOf(perturbation.perceptibility.band),
    -outputChange.after.confidence,
    // Same in every other respect: by content, not by order of work.
    id,
  ];
}

function compare(a: Key, b: Key): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1;
    if (a[i]! > b[i]!) return 1;
  }
  return 0;
}
