import { Rng } from "../base/rng.ts";
import type { Dataset } from "../data/dataset.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value } from "../graph/index.ts";
import { vectorCodec } from "../inputs/index.ts";
import { loadClassifier, openModel } from "../models/index.ts";
import { operators } from "../ops/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { float32, int64, scalar } from "../tensor/tensor.ts";
import { linf } from "../threats/index.ts";
import { harden } from "./harden.ts";
import type { Hardened, HardenOptions, HardenSettings } from "./harden-options.ts";
import { readRows, type TrainingRows } from "./training-rows.ts";

/**
 * Two classes, told by one strong feature that is wrong for one sample in ten, and by 20 weak ones that are all right on the average (Tsipras et al. 2019,
 * arXiv 1805.12152). Together the weak ones tell more, and whoever may change each by `EPSILON` turns them around: accuracy and
 * robustness want different weights.
 */
export const FEATURES = 21;
export const EPSILON = 0.1;
const [STRONG, WEAK, NOISE] = [0.4, 0.05, 0.05];

export function toyData(seed: number, count: number): Dataset {
  const points = Array.from({ length: count }, (_, row) => {
    const rng = Rng.of(seed).fold("toy").fold(row);
    const sign = row % 2 === 0 ? -1 : 1;
    const strong = 0.5 + STRONG * (rng.uniform() < 0.9 ? sign : -sign);
    const weak = Array.from({ length: FEATURES - 1 }, () => 0.5 + WEAK * sign + NOISE * rng.normal());
    return Float32Array.of(strong, ...weak.map((value) => Math.max(0, Math.min(1, value))));
  });
  return {
    spec: `toy:${seed}`,
    sha256: `${seed}`,
    length: count,
    modality: "vector",
    dims: [FEATURES],
    naturalQuantize: "none",
    classes: null,
    labels: Int32Array.from(points, (_, row) => row % 2),
    groups: null,
    sample: async (index) => ({ id: String(index), index, point: points[index]!, label: index % 2 }),
  };
}

/** 21 - 8 - 2 with seeded weights; `middle` may put more between the layers. */
export function toyNetwork(middle: (op: OpBuilder, hidden: Value) => Value = (_, hidden) => hidden): Model {
  const graph = new Graph("toy");
  const op = opBuilder(graph, operators);
  const random = (stem: string, dims: readonly number[]) => {
    const rng = Rng.of(2).fold(stem);
    const scale = Math.sqrt(2 / dims[0]!);
    const size = dims.reduce((product, dim) => product * dim, 1);
    return op.initializer(
      stem,
      float32(
        dims,
        Array.from({ length: size }, () => scale * rng.normal()),
      ),
    );
  };
  const zeros = (stem: string, size: number) => op.initializer(stem, float32([size], new Float32Array(size)));
  const x = op.input("x", { dtype: "float32", shape: ["N", FEATURES] });
  const centered = op.Mul(op.Sub(x, scalar("float32", 0.5)), scalar("float32", 4));
  const hidden = op.Relu(middle(op, op.Gemm(centered, random("w1", [FEATURES, 8]), zeros("b1", 8))));
  const logits = op.Gemm(hidden, random("w2", [8, 2]), zeros("b2", 2));
  logits.name = "logits";
  op.output(logits);
  return new Model(graph, 18);
}

/** The data as an .npz holds them. */
export async function toyArrays(data: Dataset) {
  const points = await Promise.all(Array.from(data.labels, async (_, i) => [...(await data.sample(i)).point]));
  return { x: float32([data.length, FEATURES], points.flat()), y: int64([data.length], data.labels) };
}

export async function toyRows(seed: number, count: number): Promise<TrainingRows> {
  return readRows(toyData(seed, count), vectorCodec([FEATURES]), 2);
}

const SETTINGS: HardenSettings = {
  method: "pgd",
  epochs: 8,
  batch: 32,
  optimizer: { kind: "adamw" },
  learningRate: 0.03,
  schedule: "cosine",
  seed: 4,
  steps: 5,
};

/** Hardens a model with the toy data. */
export async function hardenToyOn(
  runtime: Runtime,
  model: Model,
  settings: Partial<HardenSettings> = {},
  more: Partial<HardenOptions> = {},
): Promise<Hardened> {
  const source = await openModel(model);
  const classifier = await loadClassifier(source.model, { runtime, dims: [FEATURES] });
  try {
    return await harden({
      source,
      classifier,
      table: operators,
      train: await toyRows(1, 256),
      validate: await toyRows(2, 200),
      threat: linf(EPSILON),
      ...more,
      settings: { ...SETTINGS, ...settings },
      runtime,
    });
  } finally {
    await classifier.close();
  }
}
