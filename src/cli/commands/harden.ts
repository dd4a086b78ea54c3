import { resolve } from "node:path";
import type { Optimizer } from "../../autodiff/index.ts";
import { BlindspotError } from "../../base/errors.ts";
import { type Dataset, drawSamples } from "../../data/index.ts";
import {
  type HardenEvent,
  type Hardened,
  type HardenSettings,
  harden,
  INSTEAD,
  methodNamed,
  parseAugmentation,
  parseRegularizers,
  readRows,
  type TrainingLog,
  type TrainingRows,
} from "../../defenses/index.ts";
import { loadClassifier } from "../../models/index.ts";
import { operators } from "../../ops/index.ts";
import { comparisonText } from "../../report/comparison/console.ts";
import { duration, percent } from "../../report/format.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { parseThreat } from "../../threats/index.ts";
import { type HeldOut, measureBeforeAfter, openHeldOut } from "../before-after.ts";
import { HardenFiles } from "../harden-files.ts";
import { onInterrupt } from "../interrupt.ts";
import { isQueried } from "../models/is-queried.ts";
import { requireSurrogateFile } from "../models/surrogate-file.ts";
import { codecFor, loadOptions, openData, openModelFile, readMask } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined } from "../plan-options.ts";
import { probe } from "../preprocessing.ts";
import { Progress } from "../progress.ts";

type HardenGiven = Given & {
  readonly model: string;
  readonly data: string;
  readonly validate: string;
  readonly threat: readonly string[];
  readonly out: string;
};

const DEFAULTS = { epochs: 10, batch: 100, validateSamples: 500, rate: { adamw: 1e-3, sgd: 1e-2 } } as const;

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "data", "validate", "threat", "out"], "harden");
  // What the measurement needs is asked for before the training.
  requireSurrogateFile(given.surrogate);
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  try {
    const settings = settingsOf(given);
    const files = new HardenFiles(given.out);
    const { hardened, fileAccuracy, heldOut } = await hardenFile(given, settings, files, progress, interrupt.signal);
    progress.clear();
    const measures = heldOut !== null && hardened.bytes !== null;
    if (!given.json) process.stdout.write(summary(hardened.log, files, fileAccuracy, measures));
    else if (!measures) process.stdout.write(`${JSON.stringify(hardened.log, null, 2)}\n`);
    if (hardened.bytes === null) throw nothingGained(hardened.log);
    return measures ? await measure(given, heldOut, files, progress, interrupt.signal) : 0;
  } catch (error) {
    if (!(error instanceof BlindspotError) || error.code !== "E_TRAIN_INTERRUPTED") throw error;
    progress.clear();
    process.stderr.write("Interrupted. The same command resumes after the last finished epoch.\n");
    return 130;
  } finally {
    progress.clear();
    interrupt.dispose();
  }
}

/** Before and after, on held-out data. */
async function measure(
  given: HardenGiven,
  heldOut: HeldOut,
  files: HardenFiles,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const measured = await measureBeforeAfter(given, heldOut, files, progress, signal);
  if (measured === null) {
    process.stderr.write("Interrupted. The same command goes on with the measurement.\n");
    return 130;
  }
  const { comparison, page } = measured;
  process.stdout.write(
    given.json ? `${JSON.stringify(comparison, null, 2)}\n` : `\n${comparisonText(comparison)}Page       ${page}\n`,
  );
  return 0;
}

/** The options as settings; all that is wrong is said at once. */
function settingsOf(given: HardenGiven): HardenSettings {
  const { regularize, augment } = given;
  const regularizers = regularize === undefined ? undefined : parseRegularizers(regularize);
  const method = given.method ?? (regularizers === undefined ? undefined : "none");
  if (method === undefined)
    throw new BlindspotError({
      code: "E_OPTION_MISSING",
      subject: "blindspot harden",
      expected: "--method <name>, or --regularize <weights> alone",
      hint: "pgd is the reference; fgsm-rs is several times cheaper",
    });
  if (given.threat.length > 1)
    throw new BlindspotError({
      code: "E_OPTION",
      subject: "--threat",
      expected: "one",
      got: String(given.threat.length),
    });
  const kind = given.optimizer ?? "adamw";
  const optimizer: Optimizer = kind === "sgd" ? { kind, momentum: 0.9 } : { kind };
  const { steps, beta, epsilonRamp, clipGradient, average, freeze, reinitialize, patience } = given;
  return {
    method,
    epochs: given.epochs ?? DEFAULTS.epochs,
    batch: given.batch ?? DEFAULTS.batch,
    optimizer,
    learningRate: given.learningRate ?? DEFAULTS.rate[kind],
    schedule: given.schedule ?? "cosine",
    seed: given.seed ?? 0,
    ...defined({ steps, beta, epsilonRamp, clipGradient, average, freeze, reinitialize, patience, regularizers }),
    ...(augment === undefined ? {} : { augmentation: parseAugmentation(augment) }),
  };
}

interface Outcome {
  readonly hardened: Hardened;
  /** On the watched validation rows, by the file that was written, a row at a time; null where none was. */
  readonly fileAccuracy: number | null;
  /** Null without --test. */
  readonly heldOut: HeldOut | null;
}

async function hardenFile(
  given: HardenGiven,
  settings: HardenSettings,
  files: HardenFiles,
  progress: Progress,
  signal: AbortSignal,
): Promise<Outcome> {
  if (isQueried(given.model))
    throw new BlindspotError({
      code: "E_UNTRAINABLE",
      subject: given.model,
      expected: "an .onnx file, whose weights can be changed",
      got: "a model that can only be asked",
      hint: INSTEAD,
    });
  if (resolve(given.out) === resolve(given.model))
    throw new BlindspotError({
      code: "E_OUT",
      subject: `--out ${given.out}`,
      expected: "another file than the model itself",
    });
  const source = await openModelFile(given.model);
  const data = await openData(given);
  // Meanwhile our own thread draws the next batch: no core may spin.
  const runtime = await nodeRuntime({ spinning: false });
  try {
    const reading = { ...(await loadOptions(data, given)), runtime };
    if (given.probe !== false) {
      const { problem } = await probe(source, data, reading, runtime, given.seed);
      if (problem !== null) throw new BlindspotError(problem);
    }
    const classifier = await loadClassifier(source.model, { ...reading, label: source.label });
    const quantize = given.quantize ?? data.naturalQuantize;
    const rows = await readAll(given, data, classifier.classes);
    const mask = given.mask === undefined ? null : await readMask(given.mask, data.dims);
    const heldOut =
      given.test === undefined
        ? null
        : await openHeldOut(given, given.test, classifier.classes.length, { data, ...rows });
    const hardened = await harden({
      source,
      classifier,
      table: operators,
      runtime,
      ...rows,
      threat: parseThreat(given.threat[0]!, { quantize, mask }),
      settings,
      store: files,
      signal,
      onEvent: narrator(progress, settings),
      ...defined({ allowOverlap: given.allowOverlap }),
    });
    await classifier.close();
    await files.finish(hardened);
    if (hardened.bytes === null) return { hardened, fileAccuracy: null, heldOut };
    const written = await loadClassifier(hardened.bytes, { ...reading, label: given.out });
    const fileAccuracy = await accuracyOf((row) => written.verify(row), rows.validate);
    return { hardened, fileAccuracy, heldOut };
  } finally {
    await runtime.close();
  }
}

/** All that is trained on and chosen by, in memory. Hashes are those of the inputs as they are stored, whatever the threat says of 8 bits. */
async function readAll(given: HardenGiven, data: Dataset, classes: readonly string[]) {
  const open = async (spec: string): Promise<Dataset> => {
    const opened = await openData({ ...given, data: spec });
    const expected = `rows of ${data.dims.join("x")}, as ${data.spec}`;
    if (opened.dims.join() === data.dims.join()) return opened;
    throw new BlindspotError({ code: "E_DATA_SHAPE", subject: spec, expected, got: opened.dims.join("x") });
  };
  const rows = (source: Dataset, indices?: readonly number[]) =>
    readRows(source, codecFor(source)(source.naturalQuantize), classes.length, indices);
  const validate = await open(given.validate);
  // A float and a byte are never the same bytes: what stands in both could not be found.
  if (validate.naturalQuantize !== data.naturalQuantize)
    throw new BlindspotError({
      code: "E_DATA_TYPE",
      subject: given.validate,
      expected: `${data.naturalQuantize === "uint8" ? "8-bit" : "float"} data, as ${data.spec}`,
      got: validate.naturalQuantize,
    });
  const samples = given.validateSamples ?? DEFAULTS.validateSamples;
  const watched = drawSamples(validate, { samples, seed: given.seed ?? 0 });
  return {
    train: await rows(data),
    validate: await rows(validate, watched),
    ...(given.boundary === undefined ? {} : { boundary: await rows(await open(given.boundary)) }),
  };
}

/** Turns the events of a training into lines. */
function narrator(progress: Progress, { epochs, method }: HardenSettings): (event: HardenEvent) => void {
  return (event) => {
    if (event.kind === "start") {
      const { epochs: history, weights } = event.log;
      progress.line(`${method}: ${methodNamed(method).summary}`);
      const last = history.at(-1)!;
      progress.line(
        `${method}: ${weights.parameters} weights, ${last.epoch > 0 ? `resumed after epoch ${last.epoch}` : "start"}: ${figures(last)}`,
      );
    } else if (event.kind === "step") {
      const { epoch, samplesPerSecond, secondsLeft } = event;
      progress.update(
        () =>
          `epoch ${epoch} of ${epochs}, ${Math.round(samplesPerSecond)} samples/s, about ${duration(secondsLeft)} left`,
      );
    } else if (event.kind === "epoch") {
      const { record, best } = event;
      const trained = `loss ${record.loss!.toFixed(3)}, training accuracy ${percent(record.trainAccuracy!)}`;
      progress.line(
        `epoch ${record.epoch} of ${epochs}: ${trained}; ${figures(record)}${best === record ? ", best so far" : ""}`,
      );
    } else progress.line(`Stopped (${event.stop.reason}): ${event.stop.detail}`);
  };
}

function figures({ clean, robust }: { clean: number; robust: number }): string {
  return `on validation ${percent(clean)} without attack, ${percent(robust)} under the watch`;
}

async function accuracyOf(scores: (row: Float32Array) => Promise<Float32Array>, rows: TrainingRows): Promise<number> {
  let correct = 0;
  for (let i = 0; i < rows.count; i++) {
    const row = new Float32Array(rows.size);
    rows.copy(i, row, 0);
    const given = await scores(row);
    if (given.indexOf(Math.max(...given)) === rows.labels[i]) correct++;
  }
  return correct / rows.count;
}

function summary(log: TrainingLog, files: HardenFiles, fileAccuracy: number | null, measured: boolean): string {
  const [start] = log.epochs;
  const lines = [
    `${log.method} under ${log.threat}, ${log.epochs.length - 1} epochs in ${duration(log.seconds)}` +
      (log.samplesPerSecond === null ? "" : ` (${Math.round(log.samplesPerSecond)} samples/s)`),
  ];
  if (log.stopped !== null) lines.push(`  stopped  ${log.stopped.reason}: ${log.stopped.detail}`);
  if (log.overlap > 0)
    lines.push(
      `  OVERLAP  ${log.overlap} validation inputs were trained on, or belong to a group that was: these figures flatter`,
    );
  lines.push(`  before   ${figures(start!)}`);
  if (log.hardened !== null) {
    lines.push(
      `  after    ${figures(log.hardened)} (epoch ${log.hardened.epoch})`,
      `  written  ${files.model}: the file itself gets ${percent(fileAccuracy!)} of them right without attack`,
      `           ${files.log}, ${files.hashes}`,
      measured
        ? "These figures chose the epoch. What counts comes now, on held-out data."
        : "These figures chose the epoch. Measure the file with --test, or with `blindspot assess` and `diff`, on data that took no part in it.",
    );
  }
  return `${lines.join("\n")}\n`;
}

function nothingGained(log: TrainingLog): BlindspotError {
  return new BlindspotError(
    {
      code: "E_HARDEN_NOTHING",
      subject: log.model.name,
      got: `no epoch that stands better under the watch than the model before the training (${percent(log.epochs[0]!.robust)})`,
      hint: log.stopped?.detail ?? "Train longer, or with another --method, --lr or --epsilon-ramp",
    },
    { exitCode: 3 },
  );
}
