import type { Knowledge, Settings } from "./attack.ts";

export interface SuiteEntry {
  readonly attack: string;
  readonly settings?: Settings;
}

/** A named list of attacks for each knowledge, from cheap to strong. Under a threat those run that fit its norm. */
export interface Suite {
  readonly name: string;
  readonly summary: string;
  readonly attacks: Readonly<Partial<Record<Knowledge, readonly SuiteEntry[]>>>;
}

/** Begins where another version was fooled; what a gate tries before it attacks from scratch. */
export const WARM = "warm";

/** Effort per standing sample: what a name promises is never made less. Square has the budget that AutoAttack gives it. */
export const suites: readonly Suite[] = [
  {
    name: "quick",
    summary:
      "a first look: FGSM, 20 steps of PGD, 200 queries of Square; few pixels: 100 steps of sigma-zero, 200 queries of Sparse-RS; rows: 1,000 queries, all changes that fit; texts: 300 queries, word by word",
    attacks: {
      "white-box": [
        { attack: "fgsm" },
        { attack: "pgd", settings: { steps: 20, loss: "margin" } },
        { attack: "sigma-zero", settings: { steps: 100 } },
        { attack: "row-gradient", settings: { steps: 20, restarts: 1 } },
        { attack: "tree-thresholds" },
      ],
      score: [
        { attack: "square", settings: { queries: 200 } },
        { attack: "sparse-rs", settings: { queries: 200 } },
        { attack: "row-exhaustive", settings: { queries: 1000 } },
        { attack: "text-greedy", settings: { queries: 300 } },
      ],
      label: [
        { attack: "rays", settings: { queries: 200 } },
        { attack: "row-exhaustive-label", settings: { queries: 1000 } },
        { attack: "text-random", settings: { queries: 100 } },
      ],
      transfer: [{ attack: "mi-fgsm" }],
    },
  },
  {
    name: "standard",
    summary:
      "AutoPGD with four losses, 5,000 queries of Square, 2,000 of RayS; few pixels: sigma-zero, 5,000 queries of Sparse-RS; rows: every change of at most K fields where 10,000 queries hold them; texts: word by word, by beam search, then every edit that 2,000 queries hold",
    attacks: {
      "white-box": [
        { attack: "apgd-ce", settings: { steps: 100, restarts: 1 } },
        { attack: "apgd-margin", settings: { steps: 100, restarts: 2 } },
        { attack: "apgd-t", settings: { steps: 100, targets: 9 } },
        { attack: "raise-one-logit", settings: { steps: 50, targets: 3 } },
        { attack: "sigma-zero", settings: { steps: 1000 } },
        { attack: "row-gradient", settings: { steps: 40, restarts: 2 } },
        { attack: "tree-exact" },
      ],
      score: [
        { attack: "square", settings: { queries: 5000, restarts: 2 } },
        { attack: "sparse-rs", settings: { queries: 5000 } },
        { attack: "row-exhaustive", settings: { queries: 10_000 } },
        { attack: "row-coordinate", settings: { queries: 2000, restarts: 3 } },
        { attack: "text-greedy", settings: { queries: 1000 } },
        { attack: "text-beam", settings: { queries: 2000 } },
        { attack: "text-exhaustive", settings: { queries: 2000 } },
      ],
      label: [
        { attack: "rays", settings: { queries: 2000 } },
        { attack: "row-exhaustive-label", settings: { queries: 10_000 } },
        { attack: "row-random", settings: { queries: 1000 } },
        { attack: "text-random", settings: { queries: 500 } },
        { attack: "text-exhaustive-label", settings: { queries: 2000 } },
      ],
      transfer: [{ attack: "mi-fgsm" }, { attack: "transfer-pgd" }],
    },
  },
  {
    name: WARM,
    summary:
      "from inputs that fooled another version: AutoPGD beside them, 500 queries of Square with small windows, of Sparse-RS, of changed fields, of exchanged edits, of RayS by labels",
    attacks: {
      "white-box": [{ attack: "apgd-warm" }],
      score: [{ attack: "square-warm" }, { attack: "sparse-rs-warm" }, { attack: "row-warm" }, { attack: "text-warm" }],
      label: [{ attack: "rays-warm" }, { attack: "row-warm-label" }, { attack: "text-warm-label" }],
    },
  },
];
