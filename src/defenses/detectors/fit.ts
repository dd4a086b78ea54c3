import { BlindspotError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { pooled } from "../../base/pooled.ts";
import { Rng } from "../../base/rng.ts";
import { median } from "../../base/statistics.ts";
import { opBuilder } from "../../graph/builder.ts";
import { cloneModel, prepareForGradient, readModel, removeDeadCode, writeModel } from "../../graph/index.ts";
import type { LoadClassifierOptions, OnnxClassifier, OpenedModel } from "../../models/index.ts";
import { describeInput } from "../../models/load-classifier.ts";
import { packRows } from "../../models/row-batches.ts";
import type { OpTable } from "../../ops/define.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { tensor } from "../../tensor/tensor.ts";
import { predictedClass, type Threat } from "../../threats/index.ts";
import { trainedOnText } from "../harden.ts";
import { type Overlap, overlapOf, overlapText, type TrainingRows } from "../training-rows.ts";
import { type DetectorCard, writeCard } from "./card.ts";
import type { DetectorName, DetectorSettings, FitBench } from "./detector.ts";
import { GuardedFile } from "./guarded-file.ts";
import { attackAll, plainPgd, untargeted } from "./plain-attack.ts";
import { thresholdFor } from "./ranking.ts";
import { detectorNamed } from "./registry.ts";
import { appendFeatures } from "./site.ts";
import { withDetector } from "./with-detector.ts";

/** A detector that is trained on adversarial inputs gets so many, of so many steps. */
const ADVERSARIAL = { rows: 1000, steps: 10 };
const BATCH = 100;

export interface FitDetectorOptions {
  readonly source: OpenedModel;
  /** The same model, loaded with `reading`. */
  readonly classifier: OnnxClassifier;
  readonly reading: LoadClassifierOptions;
  readonly table: OpTable;
  readonly runtime: Runtime;
  /** Clean data to fit on. */
  readonly fit: TrainingRows;
  /** Clean data that the threshold is chosen on. */
  readonly validate: TrainingRows;
  readonly threat: Threat;
  readonly detector: DetectorName;
  readonly settings?: DetectorSettings;
  /** The share of clean inputs that may be rejected. */
  readonly falsePositives: number;
  readonly seed?: number;
  readonly allowOverlap?: boolean;
}

export interface FittedFile {
  /** The .onnx file: model and detector in one. */
  readonly bytes: Uint8Array;
  readonly card: DetectorCard;
  /** SHA-256 of the inputs that it has seen, sorted. */
  readonly seen: readonly string[];
  /** Of the validation data, by the file itself. */
  readonly rejected: { readonly count: number; readonly of: number };
}

/**
 * Fits a detector to a model and writes both into one file. Throws E_DATA_OVERLAP where fit and validation data share inputs or cut a group,
 * E_DETECTOR_DATA, E_DETECTOR_LAYER, E_SQUEEZERS, E_DETECTOR_BUDGET, E_DETECTOR_SCORES, E_DETECTOR_TWICE, and what loading throws.
 */
export async function fitDetector(options: FitDetectorOptions): Promise<FittedFile> {
  const { source, classifier, reading, table, runtime, fit, validate, falsePositives } = options;
  const overlap = overlapOf(fit, validate);
  if (overlap.inputs + overlap.groups > 0 && options.allowOverlap !== true) throw overlapping(options, overlap);
  const input = describeInput(source, reading);
  const bench = benchOf(options);
  const detector = await detectorNamed(options.detector).fit(bench);
  const build = (threshold: number) => withDetector(source.model, table, input, classifier.head, detector, threshold);
  const read = async (bytes: Uint8Array) => {
    const opened = { ...source, model: readModel(bytes), bytes, sha256: sha256(bytes) };
    return GuardedFile.open(opened, values, classifier.head, runtime, reading);
  };

  const { model: draft, values } = build(0);
  const rows = rowsOf(validate);
  const draftFile = await read(writeModel(draft));
  const verdicts = await pooled(rows, classifier.concurrency, (row) => draftFile.verdict(row));
  await draftFile.close();
  const suspicions = verdicts.map(({ suspicion }) => suspicion);
  const threshold = thresholdFor(suspicions, falsePositives);
  const seen = [...new Set([...fit.hashes, ...validate.hashes])].sort();
  const described = ({ spec, sha256, count }: TrainingRows) => ({ spec, sha256, samples: count });
  const card: DetectorCard = {
    schema: "blindspot-detector/1",
    kind: options.detector,
    describes: detector.describes,
    model: { name: source.label, sha256: source.sha256 },
    threat: options.threat.id,
    falsePositiveBudget: falsePositives,
    threshold,
    suspicionUnit: Math.max(threshold - median(suspicions), 1e-12),
    marginUnit: await typicalMargin(classifier, rows),
    values,
    seed: options.seed ?? 0,
    fitted: described(fit),
    calibrated: described(validate),
    seen: { inputs: seen.length, sha256: sha256(trainedOnText(seen)) },
    overlap: overlap.rows,
  };
  const { model } = build(threshold);
  writeCard(model, card);
  const count = suspicions.filter((suspicion) => suspicion > threshold).length;
  return { bytes: writeModel(model), card, seen, rejected: { count, of: rows.length } };
}

function overlapping({ fit, validate }: FitDetectorOptions, overlap: Overlap): BlindspotError {
  return new BlindspotError({
    code: "E_DATA_OVERLAP",
    subject: `${fit.spec} and ${validate.spec}`,
    expected: "data to fit on and data for the threshold that share no input and cut no group",
    got: overlapText(overlap),
    hint: "Split the data so that identical inputs, and groups, stay together; or accept it with --allow-overlap",
  });
}

function rowsOf(rows: TrainingRows): Float32Array[] {
  return Array.from({ length: rows.count }, (_, i) => {
    const row = new Float32Array(rows.size);
    rows.copy(i, row, 0);
    return row;
  });
}

function benchOf(options: FitDetectorOptions): FitBench {
  const { classifier, threat, fit, settings = {}, seed = 0 } = options;
  const rows = rowsOf(fit);
  return {
    settings,
    dims: classifier.dims,
    classes: classifier.classes,
    threat,
    seed,
    rows,
    labels: fit.labels,
    features: (wanted, layer) => featuresOf(options, wanted, layer),
    noise: (wanted) =>
      wanted.map((row, i) => {
        const x0 = threat.deployable(row, row);
        const point = threat.randomBoundaryPoint(x0, Rng.of(seed).fold("detector/noise").fold(i));
        return threat.deployable(point, x0);
      }),
    async adversarial(count = ADVERSARIAL.rows) {
      const few = rows.slice(0, count);
      const logits = await classifier.scores(packRows(few));
      const classes = classifier.classes.length;
      const stream = Rng.of(seed).fold("detector/adversarial");
      const right = few.flatMap((row, i) => {
        const scores = logits.slice(i * classes, (i + 1) * classes);
        const label = fit.labels[i]!;
        const subject = untargeted(threat.deployable(row, row), label, scores, classes);
        return predictedClass(scores) === label ? [{ subject, rng: stream.fold(i) }] : [];
      });
      const records = await attackAll(classifier, threat, plainPgd(ADVERSARIAL.steps), right);
      return records.map(({ found }) => found?.point ?? null);
    },
  };
}

/** [count, size]: the features that the detector will read in the file, here by the graph in attack space. */
async function featuresOf(
  { classifier, table, runtime, source }: FitDetectorOptions,
  rows: readonly Float32Array[],
  layer?: string,
): Promise<{ data: Float32Array; size: number }> {
  const { model: attacked, input } = classifier.attackGraph;
  const model = cloneModel(attacked);
  prepareForGradient(model, table);
  const op = opBuilder(model.graph, table);
  const output = op.Identity(appendFeatures(op, model.graph.outputs[0]!, layer));
  const size = output.shape![1] as number;
  model.graph.outputs = [output];
  removeDeadCode(model);
  const session = await runtime.load(writeModel(model), { label: `${source.label}, features` });
  try {
    const batch = classifier.fixedBatch ?? Math.min(BATCH, classifier.maxBatch);
    const data = new Float32Array(rows.length * size);
    for (let from = 0; from < rows.length; from += batch) {
      const some = rows.slice(from, from + batch);
      // A fixed batch is filled up with its last row.
      const filled =
        classifier.fixedBatch === null ? some : Array.from({ length: batch }, (_, i) => some[i] ?? some.at(-1)!);
      const fed = tensor("float32", [filled.length, ...classifier.dims], packRows(filled).data);
      const given = (await session.run({ [input]: fed }, [output.name]))[output.name]!.data as Float32Array;
      data.set(given.subarray(0, some.length * size), from * size);
    }
    return { data, size };
  } finally {
    await session.close();
  }
}

/** Median difference of the two largest logits. */
async function typicalMargin(classifier: OnnxClassifier, rows: readonly Float32Array[]): Promise<number> {
  const logits = await classifier.scores(packRows(rows));
  const classes = classifier.classes.length;
  const margins = rows.map((_, i) => {
    const [first, second] = logits.slice(i * classes, (i + 1) * classes).sort((a, b) => b - a);
    return first! - second!;
  });
  return Math.max(median(margins), 1e-6);
}
