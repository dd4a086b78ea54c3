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

type Impacts = (trueLabel: number, wrong: number) => number;

function impacts({ model, risk }: Result): Impacts {
  if (risk === undefined) return () => 0;
  const declared = new Map(
    risk.declared.impact.pairs.map((pair) => [JSON.stringify([pair.true, pair.wrong]), pair.impact]),
  );
  return (trueLabel, wrong) =>
    declared.get(JSON.stringify([model.classes[trueLabel], model.classes[wrong]])) ?? risk.declared.impact.default;
}

type Key = readonly (number | string)[];

function sortKey({ id, outputChange, perturbation }: Finding, impact: Impacts): Key {
  const { trueLabel, after } = outputChange;
  return [
    -impact(trueLabel, after.label),
    BANDS.indexOf(perturbation.perceptibility.band),
    -after.confidence,
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
