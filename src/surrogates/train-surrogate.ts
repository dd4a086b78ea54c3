import type { SurrogateFacts } from "../assess/schema.ts";
import { Rng } from "../base/rng.ts";
import { proportion } from "../base/statistics.ts";
import type { Model } from "../graph/index.ts";
import type { Classifier } from "../models/classifier.ts";
import { loadClassifier } from "../models/load-classifier.ts";
import { scoresOf } from "../models/row-batches.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { predictedClass } from "../threats/goal.ts";
import { LAMBDA, roundsFor, trainSubstitute } from "./augmentation.ts";

import { architectureFor } from "./network.ts";
import { trainNetwork } from "./train-network.ts";

export interface SurrogateOptions {
  readonly target: Classifier;
  /** Inputs that the attacker has, in attack space; their true classes are not needed. See `startFor`. */
  readonly start: readonly Float32Array[];
  /** Inputs by which it is measured, none of them in `start`. */
  readonly heldOut: readonly Float32Array[];
  /** Rows that the target may be asked about for the training. */
  readonly queries: number;
  readonly seed?: number;
  readonly runtime: Runtime;
  /** The nearest input that the target can receive; `x0` is one that it received. Default: the point itself. */
  readonly deployable?: (x: Float32Array, x0: Float32Array) => Float32Array;
  readonly signal?: AbortSignal;
  /** Told before each training. */
  onRound?(round: number, rows: number): void;
}

export interface TrainedSurrogate {
  /** Open, in attack space. */
  readonly classifier: Classifier;
  readonly model: Model;
  readonly facts: SurrogateFacts;
}

/** The paper begins with about ten inputs for each class, and ends after six rounds. */
const START_PER_CLASS = 10;
const REFERENCE_ROUNDS = 6;

/** How many inputs to begin with: those of six rounds; ten of each class, where half of the queries hold them; no more than there are. */
export function startFor(queries: number, classes: number, available: number): number {
  const perClass = Math.min(START_PER_CLASS * classes, Math.ceil(queries / 2));
  return Math.min(available, Math.max(perClass, Math.ceil(queries / 2 ** REFERENCE_ROUNDS)));
}

/**
 * Trains a model of the attacker's own from the labels that a target gives: see `augmentation.ts`. Seed, inputs and answers decide it, but for the last bits of
 * the machine's arithmetic. Throws what asking the target throws, and `E_TRAIN_...`.
 */
export async function trainSurrogate(options: SurrogateOptions): Promise<TrainedSurrogate> {
  const { target, start, heldOut, queries, runtime, signal, deployable = (x) => x } = options;
  const { dims, classes } = target;
  const rng = Rng.of(options.seed ?? 0).fold("surrogate");
  const labelsBy = async (model: Classifier, points: readonly Float32Array[]) =>
    (await scoresOf(model, points)).map(predictedClass);
  let model: Model | null = null;
  const classifier = await trainSubstitute({
    start,
    queries,
    rng,
    ask: (points) => labelsBy(target, points),
    learn: async (rows, round) => {
      const stream = rng.fold("learn").fold(round);
      model = await trainNetwork(model, rows, {
        dims,
        classes: classes.length,
        runtime,
        rng: stream,
        ...(signal && { signal }),
      });
      return loadSurrogate(model, target, runtime);
    },
    deployable,
    ...(options.onRound && { onRound: options.onRound }),
  });
  try {
    const [said, given] = [await labelsBy(classifier, heldOut), await labelsBy(target, heldOut)];
    const agree = said.filter((label, i) => label === given[i]).length;
    const facts: SurrogateFacts = {
      queries,
      start: start.length,
      rounds: roundsFor(start.length, queries),
      lambda: LAMBDA,
      architecture: architectureFor(dims),
      agreement: { agree, of: heldOut.length, ...proportion(agree, heldOut.length) },
    };
    return { classifier, model: model!, facts };
  } catch (error) {
    await classifier.close();
    throw error;
  }
}

/** Opens a network of ours: it takes attack space as it is, whatever preprocessing the target wants. */
export function loadSurrogate(
  model: Model,
  { dims, classes }: { readonly dims: readonly number[]; readonly classes?: readonly string[] },
  runtime: Runtime,
): Promise<Classifier> {
  const label = "the surrogate";
  return loadClassifier(model, { runtime, dims, ...(classes && { classes }), layout: "nhwc", label });
}
