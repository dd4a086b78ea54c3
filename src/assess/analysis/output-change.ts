import type { SampleRecord, VerifiedCandidate } from "../../attacks/record.ts";
import type { ScoreMeaning } from "../../models/classifier.ts";
import type { Finding } from "../schema.ts";

type Answer = Finding["outputChange"]["before"];

/** Classes of an answer that a finding names with their confidence. */
const TOP = 5;
/** How far the sum of probabilities in float32 may be from 1. */
const SUM_TOLERANCE = 1e-3;
/** JSON has no infinity: the largest float32 stands for it. NaN never wins a comparison, so it counts as the lowest score. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * What the change of the input did to the answer. Scores are those of the original model, alone, on both inputs. `meaning`: what they
 * are; scores that are probabilities are not put through a softmax again, also where only their values tell (in 0..1, sum 1).
 */
export function outputChange(
  { label, clean }: Pick<SampleRecord, "label" | "clean">,
  found: Pick<VerifiedCandidate, "scores" | "predicted">,
  meaning: ScoreMeaning = "logits",
): Finding["outputChange"] {
  const before = finite(clean.scores);
  const after = finite(found.scores);
  const means = meaning === "logits" && [before, after].every(isDistribution) ? "probabilities" : meaning;
  const p = logShares(before, means);
  const q = logShares(after, means);
  const kl = divergence(p, q);
  return {
    trueLabel: label,
    before: answer(before, clean.predicted, label, means),
    after: answer(after, found.predicted, label, means),
    scoreDeltaL2: Math.hypot(...after.map((score, i) => score - before[i]!)),
    meaning: means,
    kl: Number.isFinite(kl) ? Math.max(0, kl) : null,
    js: jensenShannon(p, q),
    rankOfTrueAfter: 1 + after.filter((score) => score > after[label]!).length,
  };
}

function answer(scores: readonly number[], predicted: number, label: number, meaning: ScoreMeaning): Answer {
  const confidences =
    meaning === "logits"
      ? logShares(scores, meaning).map(Math.exp)
      : // Rounding to float32 may leave 0..1.
        scores.map((score) => Math.min(1, Math.max(0, score)));
  const others = scores.filter((_, i) => i !== label);
  const order = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return {
    label: predicted,
    confidence: confidences[predicted]!,
    confidenceInTrue: confidences[label]!,
    margin: scores[label]! - others.reduce((a, b) => Math.max(a, b), -LARGEST),
    scores: [...scores],
    top: order.slice(0, TOP).map((i) => ({ label: i, confidence: confidences[i]! })),
  };
}

function finite(scores: ArrayLike<number>): number[] {
  return Array.from(scores, (score) => (Number.isNaN(score) ? -LARGEST : Math.min(LARGEST, Math.max(-LARGEST, score))));
}

function isDistribution(scores: readonly number[]): boolean {
  const sum = scores.reduce((a, b) => a + b, 0);
  return scores.every((score) => score >= 0 && score <= 1 + SUM_TOLERANCE) && Math.abs(sum - 1) <= SUM_TOLERANCE;
}

/**
 * The answer as a distribution over the classes, in logarithms, which keeps what a share that underflows to 0 still says: the log
 * softmax of logits; of anything else, the shares of the sum.
 */
function logShares(scores: readonly number[], meaning: ScoreMeaning): number[] {
  if (meaning === "logits") {
    const largest = scores.reduce((a, b) => Math.max(a, b));
    const logSum = Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
    return scores.map((score) => score - largest - logSum);
  }
  const shares = scores.map((score) => Math.max(0, score));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => (sum === 0 ? -Math.log(shares.length) : Math.log(share / sum)));
}

/** Kullback-Leibler divergence, sum p log(p / q), in nats, from logarithms of p and q. */
function divergence(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, logP, i) => (logP === -Infinity ? sum : sum + Math.exp(logP) * (logP - q[i]!)), 0);
}

/** Lin, "Divergence measures based on the Shannon entropy", 1991: half of each one's divergence from their mean, in nats: 0..log 2. */
function jensenShannon(p: readonly number[], q: readonly number[]): number {
  // A share this small adds nothing, and half of it may be 0.
  const term = (share: number, mean: number) => (share < 1e-300 ? 0 : share * Math.log(share / mean));
  const sum = p.reduce((total, logP, i) => {
    const [a, b] = [Math.exp(logP), Math.exp(q[i]!)];
    return total + term(a, (a + b) / 2) + term(b, (a + b) / 2);
  }, 0);
  return Math.min(Math.LN2, Math.max(0, sum / 2));
}
