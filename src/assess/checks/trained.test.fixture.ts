import { Rng } from "../../base/rng.ts";
import type { Dataset } from "../../data/dataset.ts";
import { type HardenSettings, harden, readRows } from "../../defenses/index.ts";
import { Graph, Model, opBuilder, readModel } from "../../graph/index.ts";
import { vectorCodec } from "../../inputs/index.ts";
import { loadClassifier } from "../../models/load-classifier.ts";
import { openModel } from "../../models/open-model.ts";
import { operators } from "../../ops/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { float32, scalar } from "../../tensor/tensor.ts";
import { linf } from "../../threats/index.ts";

/** 40 classes, each a cloud around its own point in 64 dimensions: what a small net tells apart without an error, and a small change confuses. */
const CLASSES = 40;
const FEATURES = 64;
const HIDDEN = 64;
/** Spread of the classes' centers, and of a class around its own. */
const [BETWEEN, WITHIN] = [0.12, 0.08];
const ROWS = 800;
export const TRAINED_EPSILON = 0.07;

/** What may differ between nets of the same shape, data and first weights. */
export type Training = Pick<HardenSettings, "method" | "regularizers">;

const normals = (rng: Rng, size: number, scale: number) =>
  Float32Array.from({ length: size }, () => scale * rng.normal());

function cloudPoint(label: number, rng: Rng): Float32Array {
  const center = normals(Rng.of(7).fold(label), FEATURES, BETWEEN);
  return center.map((value) => Math.max(0, Math.min(1, 0.5 + value + WITHIN * rng.normal())));
}

/** A point that no training saw: its class is drawn too. */
export function freshPoint(rng: Rng): Float32Array {
  return cloudPoint(rng.integer(CLASSES), rng);
}

function clouds(seed: number, length: number): Dataset {
  const points = Array.from({ length }, (_, row) => cloudPoint(row % CLASSES, Rng.of(seed).fold("cloud").fold(row)));
  return {
    spec: `clouds:${seed}`,
    sha256: `${seed}`,
    length,
    modality: "vector",
    dims: [FEATURES],
    naturalQuantize: "none",
    classes: null,
    labels: Int32Array.from(points, (_, row) => row % CLASSES),
    groups: null,
    sample: async (index) => ({ id: `${index}`, index, point: points[index]!, label: index % CLASSES }),
  };
}

/** 4 (x - 1/2), dense, tanh, dense, its weights drawn. */
function untrained(): Model {
  const graph = new Graph("trained");
  const op = opBuilder(graph, operators);
  const dense = (name: string, dims: [number, number]) =>
    op.initializer(name, float32(dims, normals(Rng.of(3).fold(name), dims[0] * dims[1], 1 / Math.sqrt(dims[0]))));
  const bias = (name: string, size: number) => op.initializer(name, float32([size], new Float32Array(size)));
  const x = op.input("input", { dtype: "float32", shape: ["N", FEATURES] });
  const centered = op.Mul(op.Sub(x, scalar("float32", 0.5)), scalar("float32", 4));
  const hidden = op.Tanh(op.Gemm(centered, dense("w1", [FEATURES, HIDDEN]), bias("b1", HIDDEN)));
  const scores = op.Gemm(hidden, dense("w2", [HIDDEN, CLASSES]), bias("b2", CLASSES));
  scores.name = "scores";
  op.output(scores);
  return new Model(graph, 18);
}

/** A net that was really trained, in a few seconds. */
export async function trainedNet(training: Training, runtime: Runtime): Promise<Model> {
  const source = await openModel(untrained());
  const classifier = await loadClassifier(source.model, { runtime, dims: [FEATURES] });
  const rows = (seed: number, count: number) => readRows(clouds(seed, count), vectorCodec([FEATURES]), CLASSES);
  try {
    const { bytes } = await harden({
      source,
      classifier,
      table: operators,
      runtime,
      train: await rows(1, ROWS),
      validate: await rows(2, 80),
      threat: linf(TRAINED_EPSILON),
      settings: {
        ...training,
        epochs: 40,
        batch: 50,
        optimizer: { kind: "adamw" },
        learningRate: 5e-3,
        schedule: "cosine",
        seed: 0,
        patience: 0,
      },
    });
    return readModel(bytes!);
  } finally {
    await classifier.close();
  }
}
