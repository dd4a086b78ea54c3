import { BlindspotError } from "../../base/errors.ts";

/**
 * Area under the ROC curve: the probability that a positive scores above a negative, ties counting half (Mann and Whitney). Null where one side
 * is empty.
 */
export function auroc(positives: readonly number[], negatives: readonly number[]): number | null {
  if (positives.length === 0 || negatives.length === 0) return null;
  const scored = [
    ...positives.map((score) => ({ score, positive: true })),
    ...negatives.map((score) => ({ score, positive: false })),
  ].sort((a, b) => a.score - b.score);
  let above = 0;
  let below = 0;
  for (let i = 0; i < scored.length; ) {
    let end = i;
    let ties = 0;
    while (end < scored.length && scored[end]!.score === scored[i]!.score) if (scored[end++]!.positive) ties++;
    const others = end - i - ties;
    above += ties * (below + others / 2);
    below += others;
    i = end;
  }
  return above / (positives.length * negatives.length);
}

/**
 * The suspicion above which an input is rejected: the smallest of the clean ones that leaves at most this share of them above it.
 * Throws E_DETECTOR_BUDGET where the sample is too small to tell, E_DETECTOR_SCORES where a score is no number.
 */
export function thresholdFor(clean: readonly number[], falsePositives: number): number {
  const needed = Math.ceil(1 / falsePositives);
  if (clean.length < needed)
    throw new BlindspotError({
      code: "E_DETECTOR_BUDGET",
      subject: `a false-positive budget of ${falsePositives}`,
      expected: `at least ${needed} clean validation samples`,
      got: String(clean.length),
      hint: "Give more validation data, or a larger --false-positives",
    });
  const wrong = clean.filter((score) => !Number.isFinite(score)).length;
  if (wrong > 0)
    throw new BlindspotError({
      code: "E_DETECTOR_SCORES",
      subject: "the detector",
      expected: "a finite suspicion for each clean input",
      got: `${wrong} that are not`,
    });
  const sorted = [...clean].sort((a, b) => a - b);
  // 1e-9: n (1 - budget) may miss a whole number by rounding.
  return sorted[Math.ceil(sorted.length * (1 - falsePositives) - 1e-9) - 1]!;
}
