import type { TrainingStep } from "../autodiff/index.ts";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import { type Model, writeModel } from "../graph/index.ts";
import type { Feeds, Runtime, Session } from "../runtime/runtime.ts";
import { float32, type NumericData, type Tensor } from "../tensor/tensor.ts";
import type { Schedule } from "./schedules.ts";

export interface TrainingData {
  /** Number of rows. */
  readonly count: number;
  /**
   * What one step is fed: the model's inputs and `labels`, for these rows. `rng` belongs to this batch alone (augmentation); the tensors must be new ones.
   */
  batch(rows: readonly number[], rng: Rng): Feeds | Promise<Feeds>;
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
  readonly state: Readonly<Record<string, Tensor>>;
}

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
  onEpoch?(report: TrainingReport): void | Promise<void>;
}

/**
 * Runs a training graph over the data, epoch after epoch, and returns the trained model. Shuffles depend on seed and epoch only, so a run from a
 * checkpoint gives what the uninterrupted run gives. Throws when the loss is no longer a number.
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
  const session = await options.runtime.load(writeModel(step.model), { label: "training graph", replicas: 1 });
  let state = options.start?.state ?? Object.fromEntries(step.state.map(({ input, initial }) => [input, initial]));
  // Tensors that a session is given may be transferred to it: what the caller holds stays the caller's.
  state = copyState(state);
  try {
    for (let epoch = options.start?.epoch ?? 0; epoch < epochs; epoch++) {
      const done = await runEpoch(options, session, state, epoch);
      state = done.state;
      await options.onEpoch?.({
        epoch: epoch + 1,
        epochs,
        loss: done.loss,
        learningRate: done.learningRate,
        model: () => step.finish(copyState(done.state)),
        checkpoint: () => ({ epoch: epoch + 1, state: copyState(done.state) }),
      });
    }
  } finally {
    await session.close();
  }
  return step.finish(state);
}

interface EpochResult {
  readonly state: Readonly<Record<string, Tensor>>;
  readonly loss: number;
  readonly learningRate: number;
}

async function runEpoch(
  { step, data, batch, schedule, epochs, seed }: TrainOptions,
  session: Session,
  start: Readonly<Record<string, Tensor>>,
  epoch: number,
): Promise<EpochResult> {
  const rng = Rng.of(seed).fold("train").fold(epoch);
  const order = rng.fold("order").shuffle(Array.from({ length: data.count }, (_, row) => row));
  const steps = Math.floor(data.count / batch);
  const wanted = ["mean_loss", ...step.state.map(({ output }) => output)];
  let state = start;
  let total = 0;
  let learningRate = 0;
  for (let index = 0; index < steps; index++) {
    const rows = order.slice(index * batch, (index + 1) * batch);
    learningRate = schedule((epoch + index / steps) / epochs);
    const feeds = await data.batch(rows, rng.fold(index));
    const outputs = await session.run({ ...feeds, ...state, learning_rate: float32([], [learningRate]) }, wanted);
    const loss = (outputs["mean_loss"]!.data as Float32Array)[0]!;
    if (!Number.isFinite(loss))
      throw new BlindspotError({
        code: "E_TRAIN_DIVERGED",
        subject: "training",
        where: `epoch ${epoch + 1}, step ${index + 1}`,
        got: `a loss of ${loss}`,
        hint: "Lower the learning rate",
      });
    total += loss;
    state = Object.fromEntries(step.state.map(({ input, output }) => [input, outputs[output]!]));
  }
  return { state, loss: total / steps, learningRate };
}

function copyState(state: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [name, { ...value, data: (value.data as NumericData).slice() }]),
  );
}
