import type { SampleRecord, VerifiedCandidate } from "../../attacks/record.ts";
import type { Finding } from "../schema.ts";

function outcome(scores: Float32Array, predicted: number, label: number): Finding["outputChange"]["before"] {
  let other = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) if (i !== label) other = Math.max(other, scores[i]!);
  return {
    label: predicted,
    confidence: softmax(scores)[predicted]!,
    margin: scores[label]! - other,
    scores: Array.from(scores),
  };
}

function softmax(scores: Float32Array): number[] {
  const top = Math.max(...scores);
  const weights = Array.from(scores, (score) => Math.exp(score - top));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function divergence(p: readonly number[], q: readonly number[]): number {
  return Math.max(
    0,
    p.reduce((sum, value, i) => (value === 0 ? sum : sum + value * Math.log(value / q[i]!)), 0),
  );
}

export function outputChange(record: SampleRecord, found: VerifiedCandidate): Finding["outputChange"] {
  const { label, clean } = record;
  const change = found.scores.map((score, i) => score - clean.scores[i]!);
  return {
    trueLabel: label,
    before: outcome(clean.scores, clean.predicted, label),
    after: outcome(found.scores, found.predicted, label),
    scoreDeltaL2: Math.hypot(...change),
    kl: divergence(softmax(clean.scores), softmax(found.scores)),
    rankOfTrueAfter: 1 + found.scores.filter((score) => score > found.scores[label]!).length,
  };
}
