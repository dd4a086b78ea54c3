import type { DropoutMask, TrainingStep } from "../autodiff/index.ts";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import type { Model } from "../graph/index.ts";
import type { Feeds, Kept, Runtime } from "../runtime/runtime.ts";
import { float32, sizeOf } from "../tensor/tensor.ts";
import { copyState, Lanes, meanLoss, type PassedPart, type State } from "./lanes.ts";
import type { Schedule } from "./schedules.ts";

export interface TrainingData {
  /** Number of rows. */
  readonly count: number;
  /**
   * What a step is fed for these rows: the model's inputs and `labels`. A step may ask for its rows in several parts, each with a mean loss of its
   * own. `rng` belongs to this part alone (augmentation); the tensors must be new ones. `progress` is 0 at the start of the training and 1 at its end. Asked for ahead, while the step before it runs: it must not depend on the weights.
   */
  batch(rows: readonly number[], rng: Rng, progress: number): Feeds | Promise<Feeds>;
  /**
   * Completes what `batch` gave, once the weights are known that the step will change: adversarial training moves the inputs here.
   * `state` holds them where models run, by the names of the training step's inputs.
   */
  craft?(feeds: Feeds, state: Kept): Promise<Feeds>;
}

export interface StepReport {
  /** From 1. */
  readonly epoch: number;
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** Rows of data in this step. */
  readonly rows: number;
  /** In which the rows were passed, with what the data fed and the outputs asked for with `observe`. */
  readonly parts: readonly PassedPart[];
}

export interface TrainingReport {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean of the batches' losses, each taken before its step. */
  readonly loss: number;
  readonly learningRate: number;
  /** The model as it stands. */
  model(): Model;
  /** A copy, from which `train` can go on. */
  checkpoint(): Checkpoint;
}

/** Everything that the next epoch depends on. */
export interface Checkpoint {
  /** Epochs done. */
  readonly epoch: number;
  readonly state: State;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a listener that returns nothing is the ordinary case
export type EpochAnswer = "stop" | void;

export interface TrainOptions {
  readonly step: TrainingStep;
  readonly runtime: Runtime;
  readonly data: TrainingData;
  readonly epochs: number;
  /** Rows of a step. The rows that are left over after the last full batch of an epoch wait for another epoch's shuffle. */
  readonly batch: number;
  readonly schedule: Schedule;
  readonly seed: number;
  readonly start?: Checkpoint;
  /** Outputs of the pass that `onStep` wants to see; not the state, which stays where models run. */
  readonly observe?: readonly string[];
  /** Stops between two steps, with E_TRAIN_INTERRUPTED. */
  readonly signal?: AbortSignal;
  onStep?(report: StepReport): void;
  /** "stop" ends the training after this epoch. */
  onEpoch?(report: TrainingReport): EpochAnswer | Promise<EpochAnswer>;
}

/**
 * Runs a training graph over the data, epoch after epoch, and returns the trained model. Shuffles and masks depend on seed, epoch and step
 * only, so a run from a checkpoint gives what the uninterrupted run gives. Throws when the loss is no longer a number.
 */
export async function train(options: TrainOptions): Promise<Model> {
  const { step, epochs, batch, data } = options;
  if (batch < 1 || batch > data.count)
    throw new BlindspotError({
      code: "E_TRAIN_BATCH",
      subject: "training",
      expected: `a batch of 1..${data.count}`,
      got: `${batch}`,
    });
  let state = options.start?.state ?? Object.fromEntries(step.state.map(({ input, initial }) => [input, initial]));
  // One row alone would take other kernels than two.
  const lanes = await Lanes.open(options.runtime, step, state, Math.floor(batch / 2));
  try {
    for (let epoch = options.start?.epoch ?? 0; epoch < epochs; epoch++) {
      const done = await runEpoch(options, lanes, epoch);
      state = await lanes.read();
      const now = state;
      const next = await options.onEpoch?.({
        epoch: epoch + 1,
        epochs,
        loss: done.loss,
        learningRate: done.learningRate,
        model: () => step.finish(copyState(now)),
        checkpoint: () => ({ epoch: epoch + 1, state: copyState(now) }),
      });
      if (next === "stop") break;
    }
  } finally {
    await lanes.close();
  }
  return step.finish(state);
}

interface EpochResult {
  readonly loss: number;
  readonly learningRate: number;
}

interface Prepared {
  readonly rows: number;
  readonly rng: Rng;
  /** Promised, so that an error of the next batch is met where that batch is used. */
  readonly feeds: Promise<Feeds>;
}

async function runEpoch(options: TrainOptions, lanes: Lanes, epoch: number): Promise<EpochResult> {
  const { step, data, batch, schedule, epochs, seed, observe = [], signal } = options;
  const rng = Rng.of(seed).fold("train").fold(epoch);
  const order = rng.fold("order").shuffle(Array.from({ length: data.count }, (_, row) => row));
  const steps = Math.floor(data.count / batch);
  const progressAt = (index: number) => (epoch + index / steps) / epochs;
  const cutAt = (part: number) => Math.floor((part * batch) / lanes.count);
  const prepare = (index: number): Prepared[] =>
    Array.from({ length: lanes.count }, (_, part) => {
      const rows = order.slice(index * batch + cutAt(part), index * batch + cutAt(part + 1));
      const own = rng.fold(index).fold(part);
      const feeds = Promise.resolve(data.batch(rows, own, progressAt(index)));
      feeds.catch(() => {});
      return { rows: rows.length, rng: own, feeds };
    });
  const complete = async ({ rows, rng: own, feeds: promised }: Prepared, state: Kept) => {
    const plain = await promised;
    const feeds = data.craft === undefined ? plain : await data.craft(plain, state);
    return { rows, feeds: { ...feeds, ...drawMasks(step.dropouts, feeds, own.fold("dropout")) } };
  };
  let total = 0;
  let learningRate = 0;
  let prepared = prepare(0);
  for (let index = 0; index < steps; index++) {
    if (signal?.aborted) throw interrupted(epoch);
    learningRate = schedule(progressAt(index));
    const completed = lanes.states.map((state, part) => complete(prepared[part]!, state));
    const shares = prepared.map(({ rows }) => rows / batch);
    const passing = lanes.pass(completed, shares, observe);
    passing.catch(() => {});
    await Promise.all(completed);
    // While the lanes pass, this thread draws the next batch.
    if (index + 1 < steps) prepared = prepare(index + 1);
    const parts = await passing;
    await lanes.settled();
    const loss = meanLoss(parts);
    if (!Number.isFinite(loss)) throw diverged(epoch, index, loss);
    lanes.update(parts, learningRate);
    total += loss;
    options.onStep?.({ epoch: epoch + 1, step: index + 1, steps, rows: batch, parts });
  }
  return { loss: total / steps, learningRate };
}

function diverged(epoch: number, step: number, loss: number): BlindspotError {
  return new BlindspotError({
    code: "E_TRAIN_DIVERGED",
    subject: "training",
    where: `epoch ${epoch + 1}, step ${step + 1}`,
    got: `a loss of ${loss}`,
    hint: "Lower the learning rate",
  });
}

function interrupted(epoch: number): BlindspotError {
  return new BlindspotError(
    { code: "E_TRAIN_INTERRUPTED", subject: "training", got: `a stop in epoch ${epoch + 1}` },
    { exitCode: 130 },
  );
}

/** For each Dropout: 0 with its probability, else 1 / (1 - ratio), so that the mean stays. */
function drawMasks(dropouts: readonly DropoutMask[], feeds: Feeds, rng: Rng): Feeds {
  const rows = feeds["labels"]!.dims[0]!;
  const masks = dropouts.map(({ input, dims, ratio }) => {
    const stream = rng.fold(input);
    const mask = new Float32Array(rows * sizeOf(dims));
    for (let i = 0; i < mask.length; i++) mask[i] = stream.uniform() < ratio ? 0 : 1 / (1 - ratio);
    return [input, float32([rows, ...dims], mask)] as const;
  });
  return Object.fromEntries(masks);
}
