import type { PlannedAttack } from "../../attacks/record.ts";
import type { Pursuit } from "./attacker.ts";

/** One adaptive attack: what it pursues, and the first of these attacks that fits the threat. */
export interface AdaptivePlan {
  readonly name: string;
  readonly how: string;
  readonly pursuit: Pursuit;
  readonly attacks: readonly (readonly [name: string, settings: PlannedAttack["settings"]])[];
}

const joint = (lambda: number): AdaptivePlan => ({
  name: `joint-${lambda}`,
  how: `margin against the class and ${lambda} times the excess of suspicion, by AutoPGD`,
  pursuit: { kind: "joint", lambda },
  attacks: [
    ["apgd-margin", {}],
    ["sigma-zero", {}],
  ],
});

const guided = (lambda: number): AdaptivePlan => ({
  name: `guided-${lambda}`,
  how: `toward each wrong class as the detector itself knows it, weighed ${lambda} to the class, by AutoPGD`,
  pursuit: { kind: "guided", lambda },
  attacks: [["raise-one-logit", { steps: 100, targets: 9 }]],
});

/** From cheap to strong; each on what still stands. */
export const ADAPTIVE: readonly AdaptivePlan[] = [
  {
    name: "unaware",
    how: "PGD on the class alone, every iterate shown to model and detector",
    pursuit: { kind: "class" },
    attacks: [
      ["pgd", { steps: 40, loss: "margin" }],
      ["sigma-zero", {}],
    ],
  },
  joint(1),
  joint(0.1),
  joint(10),
  {
    name: "selective",
    how: "PGD up the class while it is right, then down the suspicion",
    pursuit: { kind: "selective" },
    attacks: [["pgd", { steps: 100, loss: "margin", restarts: 2 }]],
  },
  guided(1),
  guided(3),
  {
    name: "queries",
    how: "random search by scores, rejection counted as failure",
    pursuit: { kind: "class" },
    attacks: [
      ["square", { queries: 1000 }],
      ["sparse-rs", { queries: 1000 }],
    ],
  },
];
