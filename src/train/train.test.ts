import { describe, expect, it } from "vitest";
import { type Optimizer, withTrainingStep } from "../autodiff/index.ts";
import { Rng } from "../base/rng.ts";
import { Graph, Model, opBuilder, writeModel } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { referenceRuntime } from "../runtime/reference.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { float32, int64, toNumbers } from "../tensor/tensor.ts";
import {
  type Checkpoint,
  constantRate,
  cosine,
  initialWeights,
  type State,
  type StepReport,
  steps,
  type TrainingData,
  type TrainingReport,
  train,
  triangle,
} from "./index.ts";

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
  more: { start?: Checkpoint; runtime?: Runtime; onEpoch?(report: TrainingReport): void } = {},
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

  it("lanes that take parts of each batch learn the same to rounding, and repeat to the bit", async () => {
    const inLanes = (workers: number) => run({ kind: "adamw" }, 2, { runtime: { ...runtime, workers } });
    const [alone, cut, again] = [await inLanes(1), await inLanes(3), await inLanes(3)];
    expect(writeModel(again)).toEqual(writeModel(cut));
    for (const [i, { constant }] of alone.graph.initializers.entries()) {
      const other = toNumbers(cut.graph.initializers[i]!.constant!);
      for (const [j, value] of toNumbers(constant!).entries()) expect(other[j]).toBeCloseTo(value, 4);
    }
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

describe("crafting, dropout and stopping", () => {
  const step = (model = network()) =>
    withTrainingStep(model, { table: operators, loss: "cross-entropy", optimizer: { kind: "sgd" } });
  const base = { runtime, data, epochs: 2, batch: 16, schedule: constantRate(0.1), seed: 3 };

  it("craft sees the weights that its step will change, batch the progress", async () => {
    const seen: number[] = [];
    const progresses: number[] = [];
    const epochs: State[] = [];
    const crafting: TrainingData = {
      count: ROWS,
      batch: (rows, rng, progress) => {
        progresses.push(progress);
        return data.batch(rows, rng, progress);
      },
      craft: async (feeds, state) => {
        seen.push(toNumbers((await state.read(["w1"]))["w1"]!)[0]!);
        return feeds;
      },
    };
    const onEpoch = (report: TrainingReport) => void epochs.push(report.checkpoint().state);
    await train({ ...base, step: step(), data: crafting, onEpoch });
    expect(progresses).toEqual([0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]);
    expect(new Set(seen).size).toBe(8);
    expect(seen[4]).toBe(toNumbers(epochs[0]!["w1"]!)[0]);
  });

  it("drops what the masks say, differently at each step, alike for equal seeds", async () => {
    const dropping = network();
    const gemm = dropping.graph.nodes.findLast(({ op }) => op === "Gemm")!;
    const op = opBuilder(dropping.graph, operators);
    const dropped = op.Dropout(gemm.inputs[0]!, op.initializer("ratio", float32([], [0.25])));
    gemm.inputs[0] = dropped;
    dropping.graph.nodes.splice(dropping.graph.nodes.indexOf(gemm), 0, dropping.graph.nodes.pop()!);
    const training = step(dropping);
    expect(training.dropouts).toMatchObject([{ dims: [12], ratio: 0.25 }]);
    const masks: number[][] = [];
    const watching: Runtime = {
      ...runtime,
      load: async (bytes, options) => {
        const session = await runtime.load(bytes, options);
        const run: Session["run"] = (feeds, outputs, keep) => {
          const mask = feeds[training.dropouts[0]!.input];
          if (mask !== undefined) masks.push(toNumbers(mask));
          return session.run(feeds, outputs, keep);
        };
        return { ...session, run, close: () => session.close() };
      },
    };
    const trained = await train({ ...base, runtime: watching, step: training });
    expect(new Set(masks.flat())).toEqual(new Set([0, Math.fround(4 / 3)]));
    const kept = masks.flat().filter((value) => value > 0).length / masks.flat().length;
    expect(kept).toBeCloseTo(0.75, 1);
    expect(masks[0]).not.toEqual(masks[1]);
    expect(writeModel(await train({ ...base, step: step(dropping) }))).toEqual(writeModel(trained));
    // The trained file has its Dropout still.
    expect(trained.graph.nodes.map(({ op }) => op)).toContain("Dropout");
  });

  it("stops between two steps when asked, or after an epoch", async () => {
    const controller = new AbortController();
    const onStep = ({ step: at }: StepReport) => void (at === 2 && controller.abort());
    const stopped = train({ ...base, step: step(), signal: controller.signal, onStep });
    await expect(stopped).rejects.toThrow("E_TRAIN_INTERRUPTED");
    let epochs = 0;
    await train({ ...base, step: step(), onEpoch: () => (++epochs === 1 ? "stop" : undefined) });
    expect(epochs).toBe(1);
  });
});

describe("fresh weights", () => {
  const fresh = (model: Model, names: readonly string[]) => initialWeights(model, names, Rng.of(7));

  it("layers with He's variance, what is added with zeros, each by its name alone", () => {
    const graph = new Graph("fresh");
    const op = opBuilder(graph, operators);
    const ones = (stem: string, dims: readonly number[]) =>
      op.initializer(stem, float32(dims, new Array<number>(dims.reduce((a, b) => a * b, 1)).fill(1)));
    const x = op.input("x", { dtype: "float32", shape: ["N", 4, 8, 8] });
    const features = op.Conv(x, ones("conv.weight", [32, 4, 3, 3]), ones("conv.bias", [32]));
    const statistics = ["scale", "shift", "mean", "variance"].map((stem) => ones(stem, [32]));
    const [normalized] = op.node("BatchNormalization", [features, ...statistics]);
    const flat = op.Flatten(normalized!);
    op.output(op.Add(op.MatMul(flat, ones("dense", [32 * 36, 64])), ones("shift2", [64])));
    const names = ["conv.weight", "conv.bias", "scale", "shift", "mean", "variance", "dense", "shift2"];
    const model = new Model(graph, 18);
    const weights = fresh(model, names);
    const variance = (name: string) => {
      const values = toNumbers(weights[name]!);
      return values.reduce((sum, value) => sum + value * value, 0) / values.length;
    };
    expect(variance("conv.weight") / (2 / 36)).toBeCloseTo(1, 0);
    expect(variance("dense") / (2 / (32 * 36))).toBeCloseTo(1, 1);
    const constants = ["conv.bias", "scale", "shift", "mean", "variance", "shift2"];
    expect(constants.map((name) => [...new Set(toNumbers(weights[name]!))])).toEqual([[0], [1], [0], [0], [1], [0]]);
    expect(fresh(model, ["dense"])["dense"]).toEqual(weights["dense"]);
  });

  it("a use that says nothing about how to begin is refused, all at once", () => {
    const graph = new Graph("embedding");
    const op = opBuilder(graph, operators);
    const x = op.input("x", { dtype: "int64", shape: ["N"] });
    op.output(op.Gather(op.initializer("table", float32([2, 2], [1, 2, 3, 4])), x));
    expect(() => fresh(new Model(graph, 18), ["table", "nowhere"])).toThrow(
      /E_REINITIALIZE.*'table'.*Gather(.|\n)*'nowhere'.*no use/,
    );
  });
});

it.each([
  ["triangle", triangle(2), [0, 1, 2, 1, 0], [0, 0.2, 0.4, 0.7, 1]],
  ["steps", steps(1), [1, 1, 0.1, 0.1, 0.01], [0, 0.49, 0.5, 0.74, 0.75]],
])("%s", (_, schedule, rates, points) => {
  expect(points.map((at) => Number(schedule(at).toFixed(6)))).toEqual(rates);
});

it("cosine: a line up, half a cosine down", () => {
  const schedule = cosine(2, 0.25);
  expect([0, 0.125, 0.25, 0.625, 1].map((at) => Number(schedule(at).toFixed(6)))).toEqual([0, 1, 2, 1, 0]);
});
