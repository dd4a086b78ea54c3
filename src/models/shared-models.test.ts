import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Dataset, openDataset } from "../data/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { LossName, Rows } from "./classifier.ts";
import { inspectModel } from "./inspect.ts";
import { type LoadClassifierOptions, loadClassifier } from "./load-classifier.ts";
import type { OnnxClassifier } from "./onnx-classifier.ts";
import { probePreprocessing } from "./probe.ts";

const data = process.env["BLINDSPOT_DATA"] ?? "../shared/data";
const available = existsSync(data);
const filesIn = (folder: string) =>
  available ? readdirSync(join(data, folder)).map((name) => join(folder, name)) : [];

const SAMPLES = 100;
const RESNET8 = "cifar10/models/mlperf_tiny_resnet8.onnx";
const GTSRB = "gtsrb/models/dogun_simple_cnn_gtsrb.onnx";
const SELF_ATTENTION = "self-attention";

describe.skipIf(!available)("the shared models", () => {
  let runtime: Runtime;
  let datasets: Record<"mnist" | "cifar10" | "gtsrb", Dataset>;
  beforeAll(async () => {
    runtime = await nodeRuntime();
    const records = (path: string) => openDataset(`records:${join(data, path)}?shape=32x32x3&layout=hwc&label=first`);
    datasets = {
      mnist: await openDataset(
        `idx:${join(data, "mnist/t10k-images-idx3-ubyte.gz")},${join(data, "mnist/t10k-labels-idx1-ubyte.gz")}`,
      ),
      cifar10: await records("cifar10/cifar10_exact_subset.bin"),
      gtsrb: await records("gtsrb/gtsrb_test_32x32_first1500.bin.gz"),
    };
  });
  afterAll(() => runtime.close());

  const datasetOf = (file: string) =>
    file.startsWith("cifar10") ? datasets.cifar10 : file.startsWith("gtsrb") ? datasets.gtsrb : datasets.mnist;

  async function read(dataset: Dataset, count: number): Promise<{ points: Float32Array[]; labels: Int32Array }> {
    const samples = await Promise.all(Array.from({ length: count }, (_, i) => dataset.sample(i)));
    return { points: samples.map(({ point }) => point), labels: Int32Array.from(samples, ({ label }) => label) };
  }

  const load = (file: string, options: LoadClassifierOptions = {}) =>
    loadClassifier(join(data, file), { runtime, ...options });

  it.each([...filesIn("mnist/models"), ...filesIn("vnncomp/mnist_fc/onnx"), RESNET8, GTSRB])(
    "%s classifies, in batches as alone, and has true gradients",
    async (file) => {
      const dataset = datasetOf(file);
      const options = file === RESNET8 ? ({ inputRange: [0, 255] } as const) : {};
      const classifier = await load(file, { dims: dataset.dims, ...options });
      expect(classifier.capabilities).toEqual({ output: "scores", gradient: true });
      expect(classifier.problems).toEqual([]);
      expect(classifier.fixedBatch).toBe(file.includes(SELF_ATTENTION) ? 1 : null);

      const { points, labels } = await read(dataset, SAMPLES);
      const rows = pack(points);
      const predicted = argmaxes(await classifier.scores(rows), classifier.classes.length);
      const right = predicted.filter((value, i) => value === labels[i]).length;
      expect(right).toBeGreaterThanOrEqual(75);
      for (const i of [0, 1, SAMPLES - 1]) expect(argmax(await classifier.verify(points[i]!))).toBe(predicted[i]);
      await expectSameBits(classifier, points, labels);
      for (const loss of ["cross-entropy", "margin"] as const)
        await expectTrueGradient(classifier, points, labels, loss);
      await classifier.close();
    },
  );

  it("reads 5 features of ACAS Xu, opset 8, whose batch of 1 is freed", async () => {
    const [file] = filesIn("vnncomp/acasxu/onnx");
    const classifier = await load(file!);
    expect(classifier).toMatchObject({ dims: [5], fixedBatch: null, capabilities: { gradient: true } });
    expect(classifier.notes).toContain("batch of 1 freed (8 rows agree)");
    await classifier.close();
  });

  it("refuses a classifier of texts", async () => {
    await expect(load("text/models/sms_spam_tfidf_lr.onnx")).rejects.toThrow(/E_MODEL_INPUT.*input string/);
  });

  it.each<[LoadClassifierOptions, string | null]>([
    [{}, null],
    // Known to be nearly as good (75 % against 78 %): nobody is stopped for that.
    [{ inputRange: [0, 255] }, null],
    [{ inputRange: [-1, 1] }, "--input-range 0..1"],
    [{ channels: "bgr" }, "--input-range 0..1"],
  ])("GTSRB with %j is questioned only if it is wrong", async (options, better) => {
    const samples = await read(datasets.gtsrb, SAMPLES);
    const result = await probePreprocessing(join(data, GTSRB), samples, { runtime, ...options });
    expect(result.clearlyBetter?.flags ?? null).toBe(better);
    expect(result.problem === null).toBe(better === null);
  });

  it("inspects ResNet8", async () => {
    const inspection = await inspectModel(join(data, RESNET8), { runtime });
    expect(inspection).toMatchObject({
      parameters: 78666,
      gradients: { differentiable: true, blockers: [] },
      classifier: { dims: [32, 32, 3], classes: 10, logitsBefore: "Softmax", kind: "scores", fixedBatch: null },
      problems: [],
    });
    expect(inspection.gradients!.operators.get("Conv")).toEqual({ count: 9, gradient: true });
  });
});

function pack(points: readonly Float32Array[]): Rows {
  const size = points[0]!.length;
  const packed = new Float32Array(points.length * size);
  points.forEach((point, i) => {
    packed.set(point, i * size);
  });
  return { data: packed, count: points.length };
}

const argmax = (row: Float32Array) => row.indexOf(Math.max(...row));

function argmaxes(scores: Float32Array, classes: number): number[] {
  return Array.from({ length: scores.length / classes }, (_, i) =>
    argmax(scores.subarray(i * classes, (i + 1) * classes)),
  );
}

/** A sample stands alone: which rows share its batch, and how many, changes no bit of its gradient. */
async function expectSameBits(
  classifier: OnnxClassifier,
  points: readonly Float32Array[],
  labels: Int32Array,
): Promise<void> {
  const gradientOf = (from: number, to: number) =>
    classifier.gradient(pack(points.slice(from, to)), "margin", labels.slice(from, to));
  const together = await gradientOf(0, 21);
  const size = points[0]!.length;
  for (const [from, to] of [
    [0, 2],
    [2, 9],
    [9, 21],
  ] as const) {
    const { gradients } = await gradientOf(from, to);
    expect(gradients).toEqual(together.gradients.slice(from * size, to * size));
  }
}

/**
 * Central differences along the gradient itself. In float32, and across the kinks of ReLU and max pooling, they are rough: what is
 * compared is the sum over 16 rows, which a wrong rule or a swapped row would still miss by far. (Rules are proved in float64 elsewhere.)
 */
async function expectTrueGradient(
  classifier: OnnxClassifier,
  points: readonly Float32Array[],
  labels: Int32Array,
  loss: LossName,
): Promise<void> {
  const count = 16;
  const rows = pack(points.slice(0, count));
  const { gradients } = await classifier.gradient(rows, loss, labels.slice(0, count));
  const length = Math.hypot(...gradients);
  if (length === 0) return;
  const step = 0.001;
  const lossesAt = async (sign: number) => {
    const moved = rows.data.map((value, i) => value + (sign * step * gradients[i]!) / length);
    const { losses } = await classifier.gradient({ data: moved, count }, loss, labels.slice(0, count));
    return losses.reduce((sum, value) => sum + value, 0);
  };
  const slope = ((await lossesAt(1)) - (await lossesAt(-1))) / (2 * step);
  expect(Math.abs(slope / length - 1)).toBeLessThan(0.2);
}
