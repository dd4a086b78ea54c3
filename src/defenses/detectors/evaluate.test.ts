import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlindspotError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Model, readModel, writeModel } from "../../graph/index.ts";
import { loadClassifier, type OnnxClassifier, type OpenedModel, openModel } from "../../models/index.ts";
import { describeInput } from "../../models/load-classifier.ts";
import { operators } from "../../ops/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { int64Vector, scalar } from "../../tensor/tensor.ts";
import { l0, l2, linf, predictedClass, type Threat } from "../../threats/index.ts";
import { EPSILON, FEATURES, hardenToyOn, toyNetwork, toyRows } from "../toy.test.fixture.ts";
import type { TrainingRows } from "../training-rows.ts";
import { ADAPTIVE } from "./adaptive-plan.ts";
import { attackerModel, attackerView, verdictScores } from "./attacker.ts";
import { type DetectorCard, readCard, writeCard } from "./card.ts";
import { DETECTOR_NAMES, type DetectorName, type FittedDetector } from "./detector.ts";
import { type EvaluateDetectorOptions, evaluateDetector } from "./evaluate.ts";
import { type FitDetectorOptions, type FittedFile, fitDetector } from "./fit.ts";
import { GuardedFile } from "./guarded-file.ts";
import { type DetectionResult, detectionResultSchema } from "./result.ts";
import { withDetector } from "./with-detector.ts";

const THREAT = linf(EPSILON);

let runtime: Runtime;
let source: OpenedModel;
let classifier: OnnxClassifier;
let rows: { fit: TrainingRows; validate: TrainingRows; test: TrainingRows };
let reading: { runtime: Runtime; dims: readonly number[] };

beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
  const { bytes } = await hardenToyOn(runtime, toyNetwork(), {
    method: "none",
    epochs: 10,
    learningRate: 0.02,
    patience: 0,
  });
  source = await openModel(bytes!, "toy.onnx");
  reading = { runtime, dims: [FEATURES] };
  classifier = await loadClassifier(source.bytes, reading);
  rows = { fit: await toyRows(11, 200), validate: await toyRows(12, 200), test: await toyRows(13, 60) };
});
afterAll(() => runtime.close());

const fitted = (detector: DetectorName, more: Partial<FitDetectorOptions> = {}): Promise<FittedFile> =>
  fitDetector({
    source,
    classifier,
    reading,
    table: operators,
    runtime,
    fit: rows.fit,
    validate: rows.validate,
    threat: THREAT,
    detector,
    falsePositives: 0.05,
    ...more,
  });

async function evaluate(bytes: Uint8Array, more: Partial<EvaluateDetectorOptions> = {}): Promise<DetectionResult> {
  const guarded = await openModel(bytes, "guarded.onnx");
  const common = { source, classifier, guarded, reading, table: operators, runtime };
  const seen = new Set([...rows.fit.hashes, ...rows.validate.hashes]);
  const result = await evaluateDetector({ ...common, rows: rows.test, seen, threat: THREAT, version: "0", ...more });
  return detectionResultSchema.parse(result);
}

/** A detector that says the same of every input: what it would take to be worthless either way. */
function planted(suspicion: number): Uint8Array {
  const detector: FittedDetector = {
    describes: "planted",
    append: ({ op, logits }) => {
      const nothing = op.ReduceSum(op.Mul(logits, scalar("float32", 0)), int64Vector([1]), { keepdims: 0 });
      return { total: op.Add(nothing, scalar("float32", suspicion)), guide: null };
    },
  };
  const input = describeInput(source, reading);
  const { model, values } = withDetector(source.model, operators, input, classifier.head, detector, 0.5);
  const data = { spec: "none", sha256: sha256(""), samples: 1 };
  writeCard(model, {
    schema: "blindspot-detector/1",
    kind: "energy",
    describes: "planted",
    model: { name: source.label, sha256: source.sha256 },
    threat: THREAT.id,
    falsePositiveBudget: 0.05,
    threshold: 0.5,
    suspicionUnit: 1,
    marginUnit: 1,
    values,
    seed: 0,
    fitted: data,
    calibrated: data,
    seen: { inputs: 1, sha256: sha256("") },
    overlap: 0,
  });
  return writeModel(model);
}

describe("planted detectors", () => {
  it("one that accepts everything is no defense: what the model alone loses is lost", async () => {
    const result = await evaluate(planted(0));
    expect(result.clean.falsePositives.count).toBe(0);
    expect(result.clean.correctAndAccepted).toEqual(result.clean.accuracy);
    expect(result.static.auroc).toEqual({ clean: 0.5, noise: 0.5 });
    expect(result.static.bypassed).toEqual(result.static.fooled);
    expect(result.static.fooled.count).toBeGreaterThan(0);
    expect(result.bypass.count).toBeGreaterThanOrEqual(result.static.fooled.count);
    expect(result.accuracyWithRejection.count).toBe(result.clean.accuracy.count - result.bypass.count);
  });

  it("one that rejects everything is never bypassed, and nothing is left to accept", async () => {
    const result = await evaluate(planted(1));
    expect(result.bypass.count).toBe(0);
    expect(result.clean.falsePositives.value).toBe(1);
    expect(result.static.noiseRejected.value).toBe(1);
    expect(result.accuracyWithRejection).toMatchObject({ count: 0, of: 60, value: 0 });
    // Each attack ran on each sample that the model gets right, to its end.
    for (const { attempted } of result.adaptive.attacks) expect(attempted).toBe(result.clean.accuracy.count);
  });
});

describe("an attacker who knows the detector", () => {
  it("passes more often than one who doesn't; figures add up", async () => {
    const { bytes } = await fitted("mahalanobis");
    const result = await evaluate(bytes);
    const found = result.adaptive.attacks.reduce((sum, { succeeded }) => sum + succeeded, 0);
    expect(result.bypass.count).toBe(result.static.bypassed.count + found);
    expect(result.bypass.of).toBe(result.clean.accuracy.count);
    expect(result.bypass.count).toBeGreaterThan(result.static.bypassed.count);
    expect(result.accuracyWithRejection.of).toBe(60);
    // Each attack sees what the ones before it left.
    let standing = result.clean.accuracy.count - result.static.bypassed.count;
    for (const { attempted, succeeded } of result.adaptive.attacks) {
      expect(attempted).toBe(standing);
      standing -= succeeded;
    }
  });

  // Each alone: a way that leads nowhere would hide behind the others.
  it.each(ADAPTIVE.map((plan) => [plan.name, plan] as const).filter(([name]) => name !== "queries"))(
    "%s alone passes most samples",
    async (_, plan) => {
      const { bytes } = await fitted("mahalanobis");
      const result = await evaluate(bytes, { adaptive: [plan] });
      expect(result.adaptive.attacks[0]!.succeeded).toBeGreaterThan(0.5 * result.adaptive.attacks[0]!.attempted);
    },
  );

  it.each<DetectorName>(["squeezing", "binary", "energy"])("%s: every part runs", async (detector) => {
    const { bytes, card, rejected } = await fitted(detector);
    expect(rejected.count).toBeLessThanOrEqual(rejected.of * card.falsePositiveBudget);
    const result = await evaluate(bytes);
    expect(result.adaptive.notRun).toEqual([]);
    expect(result.detector.kind).toBe(detector);
    expect(result.bypass.count).toBeGreaterThanOrEqual(result.static.bypassed.count);
  });

  it.each<[string, Threat]>([
    ["L2", l2(0.4)],
    ["L0", l0(2)],
  ])("works for %s; attacks that don't fit are named", async (_, threat) => {
    const { bytes } = await fitted("mahalanobis", { threat });
    const result = await evaluate(bytes, { threat });
    expect(result.threat.id).toBe(threat.id);
    expect(result.static.fooled.count).toBeGreaterThan(0);
    const ran = result.adaptive.attacks.map(({ name }) => name);
    const left = result.adaptive.notRun.map((line) => line.split(":")[0]);
    expect(ran.filter((name) => left.includes(name))).toEqual([]);
    expect(left).toEqual(threat.norm === "l0" ? ["selective", "guided-1", "guided-3"] : []);
  });

  it("gives the same figures again, whatever else is in the draw", async () => {
    const { bytes } = await fitted("mahalanobis");
    const [one, two] = [await evaluate(bytes), await evaluate(bytes)];
    const figures = ({ adaptive, static: plain, bypass, clean }: DetectionResult) => ({
      attacks: adaptive.attacks.map(({ seconds, ...rest }) => rest),
      plain,
      bypass,
      clean,
    });
    expect(figures(one)).toEqual(figures(two));
  });
});

describe("the file with the detector", () => {
  it("keeps the model's outputs to the bit, and says what it is", async () => {
    const { bytes, card } = await fitted("mahalanobis");
    const model = readModel(bytes);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["logits", "label", "suspicion", "rejected"]);
    expect(readCard(model, "file")).toEqual(card);
    expect(card.model.sha256).toBe(source.sha256);
    const guarded = await loadClassifier(bytes, { ...reading, output: "logits" });
    const row = new Float32Array(FEATURES);
    for (let i = 0; i < 20; i++) {
      rows.test.copy(i, row, 0);
      expect(await guarded.verify(row)).toEqual(await classifier.verify(row));
    }
  });
});

describe("mahalanobis on several layers", () => {
  const hidden = () => source.model.graph.nodes.find(({ op }) => op === "Relu")!.outputs[0]!.name;
  const suspicionsOf = async ({ bytes }: FittedFile): Promise<number[]> => {
    const guarded = await openModel(bytes);
    const { values } = readCard(guarded.model, "file");
    const file = await GuardedFile.open(guarded, values, classifier.head, runtime, reading);
    const verdicts = await Promise.all(
      Array.from({ length: rows.test.count }, (_, i) => {
        const row = new Float32Array(FEATURES);
        rows.test.copy(i, row, 0);
        return file.verdict(row);
      }),
    );
    await file.close();
    return verdicts.map(({ suspicion }) => suspicion);
  };

  it("is the sum of the layers' own distances, by weights learned on rows that the Gaussians have not seen", async () => {
    const layers = [hidden(), "logits"];
    const both = await fitted("mahalanobis", { settings: { layers } });
    const [, ...found] = /layers weighed (\S+), (\S+)$/.exec(both.card.describes)!;
    const weights = found.map(Number);
    expect(weights.some((weight) => weight > 0)).toBe(true);
    const { fit } = rows;
    const apart = fit.count / 4;
    const rest: TrainingRows = {
      ...fit,
      count: fit.count - apart,
      labels: fit.labels.subarray(apart),
      hashes: fit.hashes.slice(apart),
      copy: (row, target, offset) => fit.copy(row + apart, target, offset),
    };
    const alone: number[][] = [];
    for (const layer of layers)
      alone.push(await suspicionsOf(await fitted("mahalanobis", { fit: rest, settings: { layers: [layer] } })));
    (await suspicionsOf(both)).forEach((suspicion, i) => {
      const expected = weights[0]! * alone[0]![i]! + weights[1]! * alone[1]![i]!;
      // The weights were read from three digits.
      expect(Math.abs(suspicion - expected)).toBeLessThan(
        0.01 * (1 + Math.abs(weights[0]! * alone[0]![i]!) + Math.abs(weights[1]! * alone[1]![i]!)),
      );
    });
  });

  it("is attacked like any other", async () => {
    const { bytes } = await fitted("mahalanobis", { settings: { layers: [hidden(), "logits"] } });
    const { bypass, static: careless } = await evaluate(bytes);
    expect(bypass.value).toBeGreaterThan(0.9);
    expect(bypass.count).toBeGreaterThan(careless.bypassed.count);
  });

  it("binary takes one", async () => {
    const refused = fitted("binary", { settings: { layers: [hidden(), "logits"] } });
    await expect(refused).rejects.toThrow(/E_DETECTOR_LAYER .*mahalanobis takes several/);
  });
});

describe("what attacks see", () => {
  it.each(DETECTOR_NAMES)("%s: the same verdicts and scores as the file gives", async (detector) => {
    const guarded = await openModel((await fitted(detector)).bytes);
    const card = readCard(guarded.model, "file");
    const inner = await loadClassifier(attackerModel(guarded.model, card), { ...reading, output: "logits" });
    const file = await GuardedFile.open(guarded, card.values, inner.head, runtime, reading);
    const view = await attackerView(inner, file, card, operators, { kind: "class" });
    const count = 40;
    const data = new Float32Array(count * FEATURES);
    for (let i = 0; i < count; i++) rows.test.copy(i, data, i * FEATURES);
    const seen = await view.scores({ data: data.slice(), count });
    for (let i = 0; i < count; i++) {
      const told = await view.verify(data.slice(i * FEATURES, (i + 1) * FEATURES));
      told.forEach((score, c) => {
        expect(seen[i * told.length + c]).toBeCloseTo(score, 3);
      });
    }
    await Promise.all([view.close(), inner.close(), file.close()]);
  });

  it("the file's own word decides, however near the threshold", () => {
    const card = { threshold: 0.5, suspicionUnit: 1 } as DetectorCard;
    const said = (suspicion: number, rejected: boolean) =>
      predictedClass(verdictScores({ scores: Float32Array.of(1, 3), suspicion, rejected }, card));
    expect([said(0.5, true), said(0.5, false), said(9, true), said(0, false)]).toEqual([2, 1, 2, 1]);
  });
});

describe("what does not fit is refused", () => {
  const codeOf = async (work: Promise<unknown>): Promise<string[]> =>
    work.then(
      () => [],
      (error) => (error instanceof BlindspotError ? error.problems.map(({ code }) => code) : [String(error)]),
    );
  const changed = (bytes: Uint8Array, change: (card: DetectorCard) => object | null): Uint8Array => {
    const model: Model = readModel(bytes);
    const card = change(readCard(model, "file"));
    if (card === null) model.metadata.set("blindspot.detector", "{");
    else writeCard(model, card as DetectorCard);
    return writeModel(model);
  };
  let bytes: Uint8Array;
  beforeAll(async () => {
    ({ bytes } = await fitted("energy"));
  });

  it("another model and another threat, both said at once", async () => {
    const other = await openModel(toyNetwork(), "other.onnx");
    const threat: Threat = linf(2 * EPSILON);
    expect(await codeOf(evaluate(bytes, { source: other }))).toEqual(["E_DETECTOR_MODEL"]);
    expect(await codeOf(evaluate(bytes, { threat }))).toEqual(["E_DETECTOR_THREAT"]);
    expect(await codeOf(evaluate(bytes, { source: other, threat }))).toEqual(["E_DETECTOR_MODEL", "E_DETECTOR_THREAT"]);
  });

  it("a file without a detector, or with a card that can't be read", async () => {
    expect(await codeOf(evaluate(source.bytes))).toEqual(["E_DETECTOR_FILE"]);
    expect(await codeOf(evaluate(changed(bytes, () => null)))).toEqual(["E_DETECTOR_FILE"]);
    expect(await codeOf(evaluate(changed(bytes, (card) => ({ ...card, threshold: "high" }))))).toEqual([
      "E_DETECTOR_FILE",
    ]);
  });

  it("samples that the detector has seen, unless that is accepted: then it is said", async () => {
    expect(await codeOf(evaluate(bytes, { rows: rows.validate }))).toEqual(["E_DATA_OVERLAP"]);
    const seen = new Set(rows.test.hashes.slice(0, 3));
    expect((await evaluate(bytes, { seen, allowOverlap: true })).overlap).toBe(3);
  });

  it("data to fit on that overlaps the data for the threshold", async () => {
    expect(await codeOf(fitted("energy", { validate: rows.fit }))).toEqual(["E_DATA_OVERLAP"]);
    const allowed = await fitted("energy", { validate: rows.fit, allowOverlap: true });
    expect(allowed.card.overlap).toBe(200);
  });

  it.each<[string, string, () => Partial<FitDetectorOptions> & { detector: DetectorName }]>([
    ["a budget too small for the data", "E_DETECTOR_BUDGET", () => ({ detector: "energy", falsePositives: 0.001 })],
    [
      "a layer that does not exist",
      "E_DETECTOR_LAYER",
      () => ({ detector: "mahalanobis", settings: { layers: ["no"] } }),
    ],
    [
      "a median of a vector",
      "E_SQUEEZERS",
      () => ({ detector: "squeezing", settings: { squeezers: { bits: 0, median: 2 } } }),
    ],
    [
      "a class without samples",
      "E_DETECTOR_DATA",
      () => ({ detector: "mahalanobis", fit: { ...rows.fit, labels: rows.fit.labels.map(() => 0) } }),
    ],
    [
      "a model that withstands the attack that the detector would learn from",
      "E_DETECTOR_DATA",
      () => ({ detector: "binary", threat: linf(1e-4) }),
    ],
  ])("%s", async (_, code, more) => {
    const { detector, ...rest } = more();
    expect(await codeOf(fitted(detector, rest))).toEqual([code]);
  });

  it("a detector on a file that has one", async () => {
    const guarded = await openModel(bytes, "guarded.onnx");
    expect(await codeOf(fitted("energy", { source: guarded }))).toEqual(["E_DETECTOR_TWICE"]);
  });
});
