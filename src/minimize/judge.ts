import type { Classifier, LossName } from "../models/classifier.ts";
import type { Judge } from "./search.ts";

/** Single rows that go through a model in batches; the runner's `Batcher` is one. */
export interface Passes {
  scores(row: Float32Array): Promise<{ readonly scores: Float32Array }>;
  gradient(
    row: Float32Array,
    loss: LossName,
    label: number,
    target: number | undefined,
  ): Promise<{ readonly gradient: Float32Array }>;
  verify(row: Float32Array): Promise<{ readonly scores: Float32Array }>;
}

/** How far the sum of probabilities in float32 may be from 1. */
const SUM_TOLERANCE = 1e-3;

/** A classifier as a minimization asks it. */
export function judgeOf(classifier: Pick<Classifier, "capabilities" | "meaning" | "toll">, passes: Passes): Judge {
  const { output, gradient } = classifier.capabilities;
  const { meaning = "logits" } = classifier;
  const independent = meaning === "independent-probabilities";
  return {
    output,
    // Attacks are given logits wherever the model has them (one that is only asked may have none); `verify` gives what the file gives.
    probabilities: async (x) => {
      const { scores } = await passes.scores(x);
      if (output === "label" || (independent && classifier.toll !== undefined)) return finite(scores);
      return independent ? finite(scores.map((z) => 1 / (1 + Math.exp(-z)))) : softmax(scores);
    },
    verify: async (x) => {
      const { scores } = await passes.verify(x);
      return meaning === "logits" && !isDistribution(scores) ? softmax(scores) : finite(scores);
    },
    ...(gradient
      ? {
          gradient: async (x: Float32Array, wrong: number) =>
            (await passes.gradient(x, "targeted-margin", wrong, wrong)).gradient.slice(),
        }
      : {}),
  };
}

function finite(scores: Float32Array): Float32Array {
  return scores.map((score) => (Number.isNaN(score) ? 0 : score));
}

function softmax(scores: Float32Array): Float32Array {
  const largest = scores.reduce((a, b) => (b > a ? b : a), Number.NEGATIVE_INFINITY);
  const powers = Float64Array.from(scores, (score) => (score === largest ? 1 : Math.exp(score - largest) || 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

function isDistribution(scores: Float32Array): boolean {
  const sum = scores.reduce((a, b) => a + b, 0);
  return scores.every((score) => score >= 0 && score <= 1 + SUM_TOLERANCE) && Math.abs(sum - 1) <= SUM_TOLERANCE;
}
