import { withTrainingStep } from "../autodiff/index.ts";
import type { Rng } from "../base/rng.ts";
import type { Model } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { float32, int64, sizeOf } from "../tensor/tensor.ts";
import { cosine, type TrainingData, train } from "../train/index.ts";
import { freshNetwork, INPUT } from "./network.ts";

/** Rows of attack space, each with the class that the target gives it. */
export interface LabelledRows {
  readonly points: readonly Float32Array[];
  readonly labels: readonly number[];
}

export interface NetworkOptions {
  readonly dims: readonly number[];
  readonly classes: number;
  readonly runtime: Runtime;
  readonly rng: Rng;
  readonly signal?: AbortSignal;
}

const BATCH = 32;
/** Of each round, as the paper has it. */
const EPOCHS = 10;
const PEAK_RATE = 2e-3;

/** Trains a network on these rows: that of the round before goes on, the first is a fresh one. Throws what training throws. */
export async function trainNetwork(
  before: Model | null,
  { points, labels }: LabelledRows,
  options: NetworkOptions,
): Promise<Model> {
  const { dims, classes, runtime, rng, signal } = options;
  const batch = Math.min(BATCH, points.length);
  const size = sizeOf(dims);
  const data: TrainingData = {
    count: points.length,
    batch: (rows) => {
      const x = new Float32Array(rows.length * size);
      for (const [i, row] of rows.entries()) x.set(points[row]!, i * size);
      return {
        [INPUT]: float32([rows.length, ...dims], x),
        labels: int64(
          [rows.length],
          rows.map((row) => labels[row]!),
        ),
      };
    },
  };
  const step = withTrainingStep(before ?? freshNetwork(dims, classes, rng.fold("weights")), {
    table: operators,
    loss: "cross-entropy",
    optimizer: { kind: "adamw" },
  });
  return train({
    step,
    runtime,
    data,
    batch,
    epochs: EPOCHS,
    schedule: cosine(PEAK_RATE),
    seed: rng.fold("order").uint32(),
    ...(signal === undefined ? {} : { signal }),
  });
}
