import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../data/index.ts";
import { type LoadClassifierOptions, loadClassifier } from "../../models/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Check } from "../schema.ts";
import { checkModel, modelContext } from "./index.ts";

const root = process.env["BLINDSPOT_DATA"] ?? "../shared/data";
const available = existsSync(join(root, "mnist/models"));
const SAMPLES = 20;

const MNIST = `idx:${["images-idx3", "labels-idx1"].map((part) => join(root, `mnist/t10k-${part}-ubyte.gz`)).join(",")}`;
const records = (path: string) => `records:${join(root, path)}?shape=32x32x3&layout=hwc&label=first`;

const MODELS: readonly (readonly [file: string, spec: string, options: LoadClassifierOptions])[] = !available
  ? []
  : [
      ...readdirSync(join(root, "mnist/models")).map((name) => [`mnist/models/${name}`, MNIST, {}] as const),
      ["gtsrb/models/dogun_simple_cnn_gtsrb.onnx", records("gtsrb/gtsrb_test_32x32_first1500.bin.gz"), {}],
      [
        "cifar10/models/mlperf_tiny_resnet8.onnx",
        records("cifar10/cifar10_exact_subset.bin"),
        { inputRange: [0, 255] },
      ],
    ];

/** What is true of two of them. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "mnist/models/marabou_self-attention-mnist-pgd-medium-sim.onnx": ["batch: warn"],
  "mnist/models/marabou_softmax-last-layer.onnx": ["saturation: warn"],
};

/** Nets that others trained, with nothing hidden in them: a check that fails on one is a false alarm. */
describe.skipIf(!available)("the probes of a model, on nets from elsewhere", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await nodeRuntime({ workers: 1 });
  });
  afterAll(() => runtime.close());

  it.each(MODELS)("%s: none complains without reason", async (file, spec, options) => {
    const data = await openDataset(spec);
    const classifier = await loadClassifier(join(root, file), { runtime, dims: data.dims, ...options });
    const samples = await Promise.all(Array.from({ length: SAMPLES }, (_, index) => data.sample(index)));
    const scores = await Promise.all(samples.map(({ point }) => classifier.verify(point)));
    const correct = samples.filter(({ label }, i) => scores[i]!.indexOf(Math.max(...scores[i]!)) === label);
    const checks: Check[] = [];
    const context = await modelContext(classifier, 0, samples, correct);
    for await (const check of checkModel(context, { audit: false, active: false })) checks.push(check);
    const complaints = checks.filter(({ status }) => status !== "pass").map(({ id, status }) => `${id}: ${status}`);
    expect(complaints).toEqual(KNOWN[file] ?? []);
    await classifier.close();
  });
});
