import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlindspotError } from "../../base/errors.ts";
import { Rng } from "../../base/rng.ts";
import { type Model, writeModel } from "../../graph/index.ts";
import { type LoadClassifierOptions, loadClassifier, openModel } from "../../models/index.ts";
import { operators } from "../../ops/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { float32, int64Vector } from "../../tensor/tensor.ts";
import { linf } from "../../threats/index.ts";
import type { TrainingRows } from "../training-rows.ts";
import { readCard } from "./card.ts";
import type { DetectorName, DetectorSettings } from "./detector.ts";
import { fitDetector } from "./fit.ts";
import { GuardedFile } from "./guarded-file.ts";
import { fitLogistic } from "./logistic.ts";
import { auroc, thresholdFor } from "./ranking.ts";
import { cut, modelOf, rowsFrom } from "./rows.test.fixture.ts";
import { appendMedian, parseSqueezers } from "./squeezing.ts";

/** What scikit-learn and SciPy say: see bench/peers/detectors.py. */
const peer = JSON.parse(
  readFileSync(new URL("../../../bench/peers/fixtures/detectors.json", import.meta.url), "utf8"),
) as Record<string, number[]> & {
  logistic: { weights: number[]; bias: number };
  medians: Record<string, number[]>;
  ranking: { positives: number[]; negatives: number[]; auroc: number };
};
const FEATURES = 6;
const CLASSES = 3;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
});
afterAll(() => runtime.close());

/** Fits a detector; resolves to what its file says of each row. */
async function suspicions(
  model: Model,
  detector: DetectorName,
  data: { fit: TrainingRows; validate: TrainingRows; test: readonly Float32Array[] },
  reading: LoadClassifierOptions,
  settings: DetectorSettings = {},
) {
  const source = await openModel(model);
  const options = { ...reading, runtime };
  const classifier = await loadClassifier(source.bytes, options);
  const common = { source, classifier, reading: options, table: operators, runtime, threat: linf(0.1), settings };
  const { bytes } = await fitDetector({ ...common, ...data, detector, falsePositives: 0.1 });
  const guarded = await openModel(bytes);
  const card = readCard(guarded.model, "file");
  const file = await GuardedFile.open(guarded, card.values, classifier.head, runtime, options);
  const verdicts = await Promise.all(data.test.map((row) => file.verdict(row)));
  const alone = await Promise.all(data.test.map((row) => classifier.verify(row)));
  return { verdicts, alone, card, classifier, found: verdicts.map(({ suspicion }) => suspicion) };
}

function expectClose(found: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(found).toHaveLength(expected.length);
  const worst = found.reduce(
    (w, value, i) => Math.max(w, Math.abs(value - expected[i]!) / (1 + Math.abs(expected[i]!))),
    0,
  );
  expect(worst).toBeLessThan(tolerance);
}

const linear = (weights: readonly number[], inputs: number): Model =>
  modelOf(["N", inputs], (op, x) =>
    op.MatMul(x, op.initializer("w", float32([inputs, weights.length / inputs], weights))),
  );

describe("scores equal scikit-learn's and SciPy's", () => {
  const clouds = {
    fit: rowsFrom("fit", cut(peer["fit"]!, FEATURES), peer["labels"]!),
    validate: rowsFrom("validate", cut(peer["validate"]!, FEATURES), peer["validateLabels"]!),
    test: cut(peer["test"]!, FEATURES),
  };

  it.each<[DetectorName, number]>([
    ["mahalanobis", 1e-4],
    ["energy", 1e-5],
  ])("%s, by the file that would be deployed", async (detector, tolerance) => {
    const model = linear(peer["weights"]!, FEATURES);
    const { found, verdicts, alone, card } = await suspicions(model, detector, clouds, { dims: [FEATURES] });
    expectClose(found, peer[detector]!, tolerance);
    verdicts.forEach((verdict, i) => {
      expect(verdict.scores).toEqual(alone[i]);
      expect(verdict.rejected).toBe(verdict.suspicion > card.threshold);
    });
    // Both verdicts occur, or the comparison above would say little.
    expect(new Set(verdicts.map(({ rejected }) => rejected)).size).toBe(2);
  });

  it("feature squeezing of gray images", async () => {
    const images = cut(peer["images"]!, 42);
    const model = modelOf(["N", 1, 7, 6], (op, x) =>
      op.MatMul(
        op.Reshape(x, int64Vector([-1, 42])),
        op.initializer("w", float32([42, CLASSES], peer["imageWeights"]!)),
      ),
    );
    const rng = Rng.of(1);
    const other = Array.from({ length: 20 }, () => Float32Array.from({ length: 42 }, () => rng.uniform()));
    const labels = other.map(() => 0);
    const data = {
      fit: rowsFrom("fit", images, [0, 0, 0, 0, 0]),
      validate: rowsFrom("v", other, labels),
      test: images,
    };
    const { found, card } = await suspicions(model, "squeezing", data, { dims: [7, 6, 1] });
    expect(card.describes).toBe("feature squeezing (bit depth 1, median 2x2)");
    expectClose(found, peer["squeezing"]!, 1e-5);
  });

  it.each(["2", "3", "4", "5"])("median of a window of %s", async (size) => {
    const model = modelOf(["N", 7, 6, 1], (op, x) => appendMedian(op, x, Number(size), [7, 6]));
    const session = await runtime.load(writeModel(model));
    const { logits } = await session.run({ x: float32([5, 7, 6, 1], peer["images"]!) });
    expect(Array.from(logits!.data as Float32Array)).toEqual(peer["medians"]![size as never]);
  });

  it("logistic regression", () => {
    const { weights, bias } = fitLogistic(
      Float64Array.from(peer["fit"]!),
      FEATURES,
      peer["labels"]!.map((y) => y === 0),
    );
    expectClose([...weights, bias], [...peer.logistic.weights, peer.logistic.bias], 1e-6);
  });

  it("area under the ROC curve, with ties", () => {
    const { positives, negatives, auroc: expected } = peer.ranking;
    expect(auroc(positives, negatives)).toBeCloseTo(expected, 12);
    expect(auroc(negatives, positives)).toBeCloseTo(1 - expected, 12);
  });
});

describe("squeezing sees what the model is fed", () => {
  const color = { dims: [4, 4, 3] } as const;
  it.each<[string, (number | string)[], LoadClassifierOptions]>([
    [
      "channels first, reversed, normalized",
      ["N", 3, 4, 4],
      { ...color, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4], channels: "bgr" },
    ],
    ["channels last, -1..1", ["N", 4, 4, 3], { ...color, inputRange: [-1, 1] }],
    ["flattened, a batch of one", [1, 48], { ...color, layout: "nchw" }],
  ])("%s", async (_, shape, reading) => {
    const rng = Rng.of(3);
    const model = modelOf(shape, (op, x) => {
      const weights = float32(
        [48, CLASSES],
        Float32Array.from({ length: 48 * CLASSES }, () => rng.normal()),
      );
      return op.MatMul(op.Reshape(x, int64Vector([-1, 48])), op.initializer("w", weights));
    });
    const draw = (count: number) =>
      Array.from({ length: count }, () => Float32Array.from({ length: 48 }, () => rng.uniform()));
    const [test, other] = [draw(4), draw(20)];
    const fit = rowsFrom("f", test, [0, 0, 0, 0]);
    const validate = rowsFrom("v", other, new Array<number>(20).fill(0));
    const data = { fit, validate, test };
    const squeezers = { bits: 2, median: 0 };
    const { found, classifier } = await suspicions(model, "squeezing", data, reading, { squeezers });
    const softmax = (z: Float32Array) => {
      const e = Array.from(z, (v) => Math.exp(v - Math.max(...z)));
      const sum = e.reduce((a, b) => a + b, 0);
      return e.map((v) => v / sum);
    };
    const expected = await Promise.all(
      test.map(async (row) => {
        const clean = softmax(await classifier.verify(row));
        const squeezed = softmax(await classifier.verify(row.map((v) => Math.round(v * 3) / 3)));
        return clean.reduce((sum, p, c) => sum + Math.abs(p - squeezed[c]!), 0);
      }),
    );
    expectClose(found, expected, 1e-4);
  });
});

describe("thresholds", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => (i * 37) % 100);

  it.each([
    [0.05, 94],
    [0.01, 98],
    [0.5, 49],
    [0.07, 92],
  ])("a budget of %s leaves just that share above", (budget, expected) => {
    const threshold = thresholdFor(hundred, budget);
    expect(threshold).toBe(expected);
    expect(hundred.filter((score) => score > threshold).length / 100).toBeCloseTo(budget, 12);
  });

  it.each<[string, number[], number]>([
    ["E_DETECTOR_BUDGET", hundred.slice(0, 19), 0.05],
    ["E_DETECTOR_SCORES", [...hundred, Number.NaN], 0.05],
    ["E_DETECTOR_SCORES", [...hundred, Number.POSITIVE_INFINITY], 0.05],
  ])("%s", (code, scores, budget) => {
    expect(() => thresholdFor(scores, budget)).toThrow(expect.objectContaining({ code }));
  });

  it("no area where one side is empty", () => {
    expect(auroc([], [1])).toBeNull();
    expect(auroc([1], [])).toBeNull();
  });
});

describe("squeezers as typed", () => {
  it.each([
    ["bit-depth=1", { bits: 1, median: 0 }],
    ["bit-depth=5,median=3", { bits: 5, median: 3 }],
    ["median=2", { bits: 0, median: 2 }],
  ])("%s", (text, expected) => {
    expect(parseSqueezers(text)).toEqual(expected);
  });

  it.each(["", "bits=1", "bit-depth=0", "bit-depth=8", "median=1", "median=2,median=3", "median=2,"])(
    "%s is refused",
    (text) => {
      expect(() => parseSqueezers(text)).toThrow(BlindspotError);
    },
  );
});
