import { BlindspotError } from "../base/errors.ts";
import type { AttackDefinition, Settings } from "./attack.ts";
import { noise } from "./black-box/noise.ts";
import { rays, raysWarm } from "./black-box/rays.ts";
import { shrinkingBox } from "./black-box/shrinking-box.ts";
import { sparseRs, sparseRsWarm } from "./black-box/sparse-rs.ts";
import { square, squareWarm } from "./black-box/square.ts";
import { rowCoordinate } from "./rows/coordinate.ts";
import { rowExhaustive, rowExhaustiveLabel } from "./rows/exhaustive.ts";
import { rowGradient } from "./rows/gradient.ts";
import { rowRandom } from "./rows/random.ts";
import { rowWarm, rowWarmLabel } from "./rows/warm.ts";
import { textBeam } from "./text/beam.ts";
import { textExhaustive, textExhaustiveLabel } from "./text/exhaustive.ts";
import { textGreedy } from "./text/greedy.ts";
import { textRandom } from "./text/random.ts";
import { textWarm, textWarmLabel } from "./text/warm.ts";
import { miFgsm, transferPgd } from "./transfer/momentum.ts";
import { treeExact, treeThresholds } from "./trees/tree-attacks.ts";
import { apgdCe, apgdDlr, apgdMargin, apgdT, apgdWarm, raiseOneLogit } from "./white-box/apgd.ts";
import { fgsm } from "./white-box/fgsm.ts";
import { bim, pgd } from "./white-box/pgd.ts";
import { sigmaZero } from "./white-box/sigma-zero.ts";

/** Settings differ from attack to attack; whoever runs one takes them from its defaults. */
function erase<S extends Settings>(definition: AttackDefinition<S>): AttackDefinition {
  return definition as unknown as AttackDefinition;
}

/** Every attack, by knowledge and then from cheap to strong. */
export const attacks: readonly AttackDefinition[] = [
  erase(fgsm),
  erase(bim),
  erase(pgd),
  erase(apgdCe),
  erase(apgdMargin),
  erase(apgdDlr),
  erase(apgdT),
  erase(raiseOneLogit),
  erase(apgdWarm),
  erase(sigmaZero),
  erase(rowGradient),
  erase(treeThresholds),
  erase(treeExact),
  erase(noise),
  erase(square),
  erase(squareWarm),
  erase(sparseRs),
  erase(sparseRsWarm),
  erase(rowExhaustive),
  erase(rowCoordinate),
  erase(rowWarm),
  erase(textGreedy),
  erase(textBeam),
  erase(textExhaustive),
  erase(textWarm),
  erase(rays),
  erase(raysWarm),
  erase(shrinkingBox),
  erase(rowExhaustiveLabel),
  erase(rowRandom),
  erase(rowWarmLabel),
  erase(textExhaustiveLabel),
  erase(textRandom),
  erase(textWarmLabel),
  erase(miFgsm),
  erase(transferPgd),
];

/** The attack of this name. An unknown name is an error that proposes the nearest one. */
export function findAttack(name: string): AttackDefinition {
  const found = attacks.find((attack) => attack.name === name);
  if (found !== undefined) return found;
  throw new BlindspotError({
    code: "E_ATTACK_UNKNOWN",
    subject: `attack '${name}'`,
    hint: didYouMean(
      name,
      attacks.map((attack) => attack.name),
    ),
  });
}

/** "Did you mean 'pgd'?", or the list where nothing is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const ranked = known.map((candidate) => ({ candidate, edits: editDistance(name.toLowerCase(), candidate) }));
  ranked.sort((a, b) => a.edits - b.edits);
  const nearest = ranked[0];
  if (nearest !== undefined && nearest.edits <= Math.max(1, Math.floor(name.length / 3)))
    return `Did you mean '${nearest.candidate}'?`;
  return `Known: ${known.join(", ")}`;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
