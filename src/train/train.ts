import type { DropoutMask, TrainingStep } from "../autodiff/index.ts";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import { type Model, writeModel } from "../graph/index.ts";
import type { Feeds, Kept, Runtime, Session } from "../runtime/runtime.ts";
import { float32, type NumericData, sizeOf, type Tensor } from "../tensor/tensor.ts";
import type { Schedule } from "./schedules.ts";

export interface TrainingData {
  /** Number of rows. */
  readonly count: number;
  /**
   * What one step is fed: the model's inputs and `labels`, for these rows. `rng` belongs to this batch alone (augmentation); the tensors must be new
   * ones. `progress` is 0 at the start of the training and 1 at its end. Asked for ahead, while the step before it runs: it must not depend on the weights.
   */
  batch(rows: readonly number[], rng: Rng, progress: number): Feeds | Promise<Feeds>;
  /**
   * Completes what `batch` gave, once the weights are known that the step will change: adversarial training moves the inputs here.
   * `state` holds them where models run, by the names of the training graph's inputs.
   */
  craft?(feeds: Feeds, state: Kept): Promise<Feeds>;
}

/** Tensors by the names of a training graph's inputs. Read it only. */
export type State = Readonly<Record<string, Tensor>>;

export interface StepReport {
  /** From 1. */
  readonly epoch: number;
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** Rows of data in this step. */
  readonly rows: number;
  /** Those asked for with `observe`. */
  readonly outputs: Readonly<Record<string, Tensor>>;
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
  /** Outputs of the training graph that `onStep` wants to see; not its state, which stays where models run. */
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
  // What the runtime is given may be transferred: what the caller holds stays the caller's.
  const kept = await options.runtime.keep(copyState(state));
  let session: Session | undefined;
  try {
    session = await options.runtime.load(writeModel(step.model), { label: "training graph", kept });
    for (let epoch = options.start?.epoch ?? 0; epoch < epochs; epoch++) {
      const done = await runEpoch(options, session, kept, epoch);
      state = await kept.read();
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
    await session?.close();
    await kept.close();
  }
  return step.finish(state);
}

interface EpochResult {
  readonly loss: number;
  readonly learningRate: number;
}

async function runEpoch(options: TrainOptions, session: Session, kept: Kept, epoch: number): Promise<EpochResult> {
  const { step, data, batch, schedule, epochs, seed, observe = [], signal } = options;
  const rng = Rng.of(seed).fold("train").fold(epoch);
  const order = rng.fold("order").shuffle(Array.from({ length: data.count }, (_, row) => row));
  const steps = Math.floor(data.count / batch);
  const wanted = ["mean_loss", ...observe];
  const keep = Object.fromEntries(step.state.map(({ input, output }) => [output, input]));
  // Promised, so that an error of the next batch is met where that batch is used.
  const progressAt = (index: number) => (epoch + index / steps) / epochs;
  const prepare = (index: number) => {
    const rows = order.slice(index * batch, (index + 1) * batch);
    const feeds = Promise.resolve(data.batch(rows, rng.fold(index), progressAt(index)));
    feeds.catch(() => {});
    return feeds;
  };
  let total = 0;
  let learningRate = 0;
  let prepared = prepare(0);
  for (let index = 0; index < steps; index++) {
    if (signal?.aborted) throw interrupted(epoch);
    learningRate = schedule(progressAt(index));
    const plain = await prepared;
    const feeds = data.craft === undefined ? plain : await data.craft(plain, kept);
    const masks = drawMasks(step.dropouts, feeds, rng.fold(index).fold("dropout"));
    const running = session.run({ ...feeds, ...masks, learning_rate: float32([], [learningRate]) }, wanted, keep);
    if (index + 1 < steps) prepared = prepare(index + 1);
    const outputs = await running;
    const loss = (outputs["mean_loss"]!.data as Float32Array)[0]!;
    if (!Number.isFinite(loss)) throw diverged(epoch, index, loss);
    total += loss;
    options.onStep?.({ epoch: epoch + 1, step: index + 1, steps, rows: batch, outputs });
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

export function copyState(state: State): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [name, { ...value, data: (value.data as NumericData).slice() }]),
  );
}
