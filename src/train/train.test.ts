import { describe, expect, it } from "vitest";
import { type Optimizer, withTrainingStep } from "../autodiff/index.ts";
import { Rng } from "../base/rng.ts";
import { Graph, Model, opBuilder, writeModel } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { referenceRuntime } from "../runtime/reference.ts";
import { float32, int64, toNumbers } from "../tensor/tensor.ts";
import { type Checkpoint, constantRate, cosine, type TrainingData, type TrainingReport, train } from "./index.ts";

const ROWS = 64;
const runtime = referenceRuntime({ output: "float32" });

/** Two classes that no line separates: the quadrants of a square. */
const points = Array.from({ length: ROWS }, (_, row) => {
  const rng = Rng.of(5).fold(row);
  return [2 * rng.uniform() - 1, 2 * rng.uniform() - 1] as const;
});
const labelOf = ([x, y]: readonly [number, number]) => (x * y > 0 ? 1 : 0);
const data: TrainingData = {
  count: ROWS,
  batch: (rows) => ({
    x: float32(
      [rows.length, 2],
      rows.flatMap((row) => points[row]!),
    ),
    labels: int64(
      [rows.length],
      rows.map((row) => labelOf(points[row]!)),
    ),
  }),
};

/** 2 - 12 - 2, with seeded weights. */
function network(): Model {
  const graph = new Graph("quadrants");
  const op = opBuilder(graph, operators);
  const random = (stem: string, dims: readonly number[]) => {
    const rng = Rng.of(1).fold(stem);
    const size = dims.reduce((product, dim) => product * dim, 1);
    return op.initializer(
      stem,
      float32(
        dims,
        Array.from({ length: size }, () => rng.normal()),
      ),
    );
  };
  const x = op.input("x", { dtype: "float32", shape: ["N", 2] });
  const hidden = op.Relu(op.Gemm(x, random("w1", [2, 12]), random("b1", [12])));
  op.output(op.Gemm(hidden, random("w2", [12, 2]), random("b2", [2])));
  return new Model(graph, 18);
}

async function accuracy(model: Model): Promise<number> {
  const session = await runtime.load(writeModel(model));
  const { x, labels } = await data.batch(
    points.map((_, row) => row),
    Rng.of(0),
    0,
  );
  const [scores] = Object.values(await session.run({ x: x! }));
  const values = toNumbers(scores!);
  return (
    toNumbers(labels!).filter((label, row) => Number(values[2 * row + 1]! > values[2 * row]!) === label).length / ROWS
  );
}

function run(
  optimizer: Optimizer,
  epochs: number,
  more: { start?: Checkpoint; onEpoch?(report: TrainingReport): void } = {},
) {
  const step = withTrainingStep(network(), { table: operators, loss: "cross-entropy", optimizer });
  return train({ step, runtime, data, epochs, batch: 16, schedule: cosine(0.1), seed: 3, ...more });
}

describe("train", () => {
  it.each<Optimizer>([{ kind: "sgd", momentum: 0.9 }, { kind: "adamw" }])(
    "learns what no line separates, with $kind",
    async (optimizer) => {
      expect(await accuracy(network())).toBeLessThan(0.8);
      const losses: number[] = [];
      const model = await run(optimizer, 80, { onEpoch: ({ loss }) => void losses.push(loss) });
      expect(losses).toHaveLength(80);
      expect(losses.at(-1)).toBeLessThan(losses[0]! / 3);
      expect(await accuracy(model)).toBeGreaterThan(0.95);
    },
  );

  it("the same seed gives the same bits, also from a checkpoint", async () => {
    const checkpoints: Checkpoint[] = [];
    const whole = await run({ kind: "adamw" }, 4, { onEpoch: (report) => void checkpoints.push(report.checkpoint()) });
    expect(writeModel(await run({ kind: "adamw" }, 4))).toEqual(writeModel(whole));
    expect(checkpoints.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    const resumed = await run({ kind: "adamw" }, 4, { start: checkpoints[1]! });
    expect(writeModel(resumed)).toEqual(writeModel(whole));
  });

  it("stops when the loss is no longer a number", async () => {
    const step = withTrainingStep(network(), { table: operators, loss: "cross-entropy", optimizer: { kind: "sgd" } });
    const diverging = train({ step, runtime, data, epochs: 20, batch: 16, schedule: constantRate(1e30), seed: 0 });
    await expect(diverging).rejects.toThrow("E_TRAIN_DIVERGED");
  });

  it("refuses a batch that the data can't fill", async () => {
    const step = withTrainingStep(network(), { table: operators, loss: "cross-entropy", optimizer: { kind: "sgd" } });
    const starved = train({ step, runtime, data, epochs: 1, batch: ROWS + 1, schedule: constantRate(0.1), seed: 0 });
    await expect(starved).rejects.toThrow("expected a batch of 1..64, got 65");
  });
});

it("cosine: a line up, half a cosine down", () => {
  const schedule = cosine(2, 0.25);
  expect([0, 0.125, 0.25, 0.625, 1].map((at) => Number(schedule(at).toFixed(6)))).toEqual([0, 1, 2, 1, 0]);
});
