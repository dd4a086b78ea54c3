import type { DataSample } from "../../data/dataset.ts";

export const pointsOf = (samples: readonly DataSample[]): Float32Array[] => samples.map(({ point }) => point);
export const labelsOf = (samples: readonly DataSample[]): number[] => samples.map(({ label }) => label);

/** The largest other score minus the label's: what the margin loss raises. */
export function marginLoss(scores: Float32Array, label: number): number {
  let best = Number.NEGATIVE_INFINITY;
  scores.forEach((score, i) => {
    if (i !== label) best = Math.max(best, score);
  });
  return best - scores[label]!;
}
