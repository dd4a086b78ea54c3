import { type Objective, type Optimizer, type TrainingStep, withTrainingStep, withWeights } from "../autodiff/index.ts";
import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { Rng } from "../base/rng.ts";
import { writeModel } from "../graph/index.ts";
import { l2, linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import { copyState, initialWeights, SCHEDULES, type State, train } from "../train/index.ts";
import { type Progress, readProgress, writeProgress } from "./checkpoint.ts";
import { EpochMeter } from "./epoch-meter.ts";
import { bestEpoch, type Choice, type EpochRecord, guessing, isBlind, judge, type Stop } from "./guards.ts";
import { type Hardened, type HardenOptions, type HardenSettings, requireFitting } from "./harden-options.ts";
import { methodNamed } from "./methods.ts";
import { OpenModel, type Weights } from "./open-model.ts";
import { type Trainable, trainableWeights } from "./trainable.ts";
import { TrainingBatches } from "./training-batches.ts";
import type { TrainingLog } from "./training-log.ts";
import { overlapOf, type TrainingRows } from "./training-rows.ts";
import { WATCH_STEPS, watch } from "./watch.ts";

const DEFAULT_BETA = 6;
const DEFAULT_PATIENCE = 5;

/**
 * Adversarial training of an ONNX classifier. Weights are inputs of the graphs that craft and that train, so no session is made anew; of all
 * epochs the one is kept that stands best on validation data under a PGD that the training does not use.
 *
 * Throws E_UNTRAINABLE (all nodes at once), E_HARDEN_..., E_DATA_OVERLAP, E_CHECKPOINT..., E_RESUME, E_TRAIN_INTERRUPTED. A loss that is no number ends the
 * training honestly: the best epoch before it is kept.
 */
export async function harden(options: HardenOptions): Promise<Hardened> {
  requireFitting(options);
  const workshop = setUp(options);
  try {
    const begun = await begin(options, workshop);
    const { progress, stop } = await trainOn(options, workshop, begun);
    if (stop !== null) options.onEvent?.({ kind: "stop", stop });
    return finish(options, workshop, progress, stop);
  } finally {
    await workshop.model.close();
  }
}

/** What does not change while a model is hardened. */
interface Workshop {
  readonly step: TrainingStep;
  readonly trainable: Trainable;
  /** The model for crafting and watching. */
  readonly model: OpenModel;
  readonly batches: TrainingBatches;
  /** In float32, whatever the deployed input is stored in: rounding comes last, and only where a success is judged. */
  readonly threat: Threat;
  epsilonAt(progress: number): number;
  readonly identity: Progress["identity"];
  readonly trainedOn: readonly string[];
}

function setUp(options: HardenOptions): Workshop {
  const { source, classifier, table, runtime, settings } = options;
  const graph = classifier.attackGraph;
  const trainable = trainableWeights(source.model, graph, {
    label: source.label,
    problems: classifier.capabilities.gradient ? [] : classifier.problems,
    freeze: settings.freeze ?? [],
  });
  const method = methodNamed(settings.method);
  const { clipGradient, average, regularizers = {} } = settings;
  const step = withTrainingStep(graph.model, {
    table,
    loss: objectiveOf(settings),
    logits: graph.output,
    trainable: trainable.names,
    optimizer: withDecay(settings.optimizer, regularizers.weightDecay),
    ...(clipGradient === undefined ? {} : { clipGradient }),
    ...(average === undefined ? {} : { average }),
  });
  const open = step.state.filter(({ kept }) => kept).map(({ input }) => input);
  const shape = { dims: classifier.dims, classes: classifier.classes.length };
  const model = new OpenModel(graph, table, runtime, open, shape);
  const threat = inFloat32(options.threat);
  const ramp = settings.epsilonRamp ?? method.ramp;
  const epsilonAt = (progress: number) => threat.effectiveEpsilon * (ramp > 0 ? Math.min(1, progress / ramp) : 1);
  const batches = new TrainingBatches({
    model,
    method,
    steps: settings.steps ?? method.defaults.steps,
    beta: settings.beta ?? DEFAULT_BETA,
    regularizers,
    augmentation: settings.augmentation ?? {},
    rows: options.train,
    boundary: options.boundary ?? null,
    dims: classifier.dims,
    input: graph.input,
    threatAt: (progress) => (ramp > 0 && progress < ramp ? threat.withEpsilon(epsilonAt(progress)) : threat),
  });
  const trainedOn = [...new Set([...options.train.hashes, ...(options.boundary?.hashes ?? [])])].sort();
  return { step, trainable, model, batches, threat, epsilonAt, identity: identityOf(options), trainedOn };
}

function objectiveOf({ method, regularizers = {} }: HardenSettings): Objective {
  const { labelSmoothing } = regularizers;
  const consistency = methodNamed(method).trains === "consistency";
  return { kind: "weighted", consistency, ...(labelSmoothing === undefined ? {} : { labelSmoothing }) };
}

/** Epochs of natural training, with label smoothing or without, are chosen by clean accuracy. */
function choiceOf({ method, regularizers = {} }: HardenSettings): Choice {
  return method === "none" && regularizers.inputGradient === undefined ? "clean" : "robust";
}

function withDecay(optimizer: Optimizer, weightDecay: number | undefined): Optimizer {
  return weightDecay === undefined ? optimizer : { ...optimizer, weightDecay };
}

function inFloat32({ norm, effectiveEpsilon, mask }: Threat): Threat {
  return (norm === "l2" ? l2 : linf)(effectiveEpsilon, { mask });
}

function identityOf({
  source,
  train: rows,
  validate,
  boundary,
  threat,
  settings,
  runtime,
}: HardenOptions): Progress["identity"] {
  const { name, version, threads, workers } = runtime;
  const of = (data: TrainingRows | undefined) => data && sha256(data.hashes.join("\n") + data.labels.join());
  const identity = {
    model: source.sha256,
    train: of(rows),
    validate: of(validate),
    boundary: of(boundary),
    threat: threat.id,
    settings,
    // Bits differ between runtimes, and between numbers of threads and of lanes.
    runtime: { name, version, threads, workers },
  };
  // Through JSON, as what it is compared with.
  return JSON.parse(JSON.stringify(identity)) as Progress["identity"];
}

/** From the checkpoint if there is one, else from the model as it is (or from fresh weights), watched once. */
async function begin(options: HardenOptions, workshop: Workshop): Promise<Progress> {
  const { step, identity, threat } = workshop;
  const saved = (await options.store?.read()) ?? null;
  if (saved !== null) return readProgress(saved, identity, options.store!.checkpoint);
  const started = performance.now();
  const state = {
    ...Object.fromEntries(step.state.map(({ input, initial }) => [input, initial])),
    ...freshState(options, workshop),
  };
  const best = finishedWeights(step, state);
  const seconds = () => (performance.now() - started) / 1000;
  const found = await watchOnce(options, workshop, best);
  const record: EpochRecord = {
    epoch: 0,
    loss: null,
    trainLoss: null,
    trainAccuracy: null,
    epsilon: threat.effectiveEpsilon,
    learningRate: null,
    clean: found.clean,
    robust: found.robust,
    seconds: seconds(),
  };
  return { identity, state, best, history: [record], seconds: seconds(), samplesPerSecond: null };
}

function freshState({ settings, classifier }: HardenOptions, { step }: Workshop): State {
  if (!settings.reinitialize) return {};
  const kept = step.state.filter(({ kept }) => kept).map(({ input }) => input);
  const fresh = initialWeights(classifier.attackGraph.model, kept, Rng.of(settings.seed).fold("weights"));
  const averages = step.state.flatMap(({ input, averageOf }) =>
    averageOf === undefined ? [] : [[input, fresh[averageOf]!]],
  );
  return { ...fresh, ...Object.fromEntries(averages) };
}

/** What the finished model would hold: weights, or their averages where these are kept, and running statistics. */
function finishedWeights({ state: tensors }: TrainingStep, state: State): Weights {
  const kept = tensors.filter(({ kept }) => kept).map(({ input }) => [input, state[input]!]);
  const averaged = tensors.flatMap(({ input, averageOf }) =>
    averageOf === undefined ? [] : [[averageOf, state[input]!]],
  );
  return copyState(Object.fromEntries([...kept, ...averaged]));
}

function watchOnce({ settings, validate, signal }: HardenOptions, { model, threat }: Workshop, weights: Weights) {
  const { seed, batch } = settings;
  return watch(model, weights, validate, { threat, seed, batch, ...(signal === undefined ? {} : { signal }) });
}

interface Trained {
  readonly progress: Progress;
  readonly stop: Stop | null;
}

async function trainOn(options: HardenOptions, workshop: Workshop, begun: Progress): Promise<Trained> {
  const { settings, runtime, store, signal, onEvent } = options;
  const { step, batches, threat, identity, epsilonAt } = workshop;
  const by = choiceOf(settings);
  const crafts = methodNamed(settings.method).trains !== "clean";
  const guard = {
    by,
    crafts,
    patience: settings.patience ?? DEFAULT_PATIENCE,
    guessing: guessing(options.train.labels),
  };
  const verdict = (history: readonly EpochRecord[]) => judge(history, threat.effectiveEpsilon, guard);
  const history = [...begun.history];
  let progress = begun;
  onEvent?.({ kind: "start", log: logOf(options, workshop, progress, "running", null, null) });
  let stop = verdict(history);
  const done = history.at(-1)!.epoch;
  if (stop !== null || done >= settings.epochs) return { progress, stop };

  const logits = options.classifier.attackGraph.output;
  const meter = new EpochMeter({
    logits,
    classes: workshop.model.classes,
    epochs: settings.epochs,
    trainedOn: (feeds) => batches.trainedOn(feeds),
  });
  let epochStart = performance.now();
  try {
    await train({
      step,
      runtime,
      data: batches,
      epochs: settings.epochs,
      batch: settings.batch,
      schedule: SCHEDULES[settings.schedule](settings.learningRate),
      seed: settings.seed,
      start: { epoch: done, state: begun.state },
      observe: [logits, "loss"],
      ...(signal === undefined ? {} : { signal }),
      onStep: (report) => {
        if (report.step === 1) meter.begin();
        const speed = meter.add(report);
        onEvent?.({ kind: "step", epoch: report.epoch, ...speed });
      },
      onEpoch: async (report) => {
        const { state } = report.checkpoint();
        const weights = finishedWeights(step, state);
        const met = meter.end();
        const found = await watchOnce(options, workshop, weights);
        const now = performance.now();
        const seconds = (now - epochStart) / 1000;
        epochStart = now;
        const epsilon = epsilonAt(report.epoch / report.epochs);
        const { epoch, loss, learningRate } = report;
        const record = {
          epoch,
          loss,
          ...met,
          epsilon,
          learningRate,
          clean: found.clean,
          robust: found.robust,
          ...(isBlind(found, options.validate.labels) ? { blind: true } : {}),
          seconds,
        };
        history.push(record);
        const best = bestEpoch(history, by);
        progress = {
          identity,
          state,
          best: best === record ? weights : progress.best,
          history: [...history],
          seconds: progress.seconds + seconds,
          samplesPerSecond: meter.samplesPerSecond,
        };
        await store?.write(writeProgress(progress), logOf(options, workshop, progress, "running", null, null));
        onEvent?.({ kind: "epoch", record, best });
        stop = verdict(history);
        return stop === null ? undefined : "stop";
      },
    });
  } catch (error) {
    if (!(error instanceof BlindspotError) || error.code !== "E_TRAIN_DIVERGED") throw error;
    const [problem] = error.problems;
    stop = {
      reason: "diverged",
      detail: `${problem!.got} in ${problem!.where}. A lower --lr or --clip-gradient helps`,
    };
  }
  return { progress, stop };
}

function finish(options: HardenOptions, workshop: Workshop, progress: Progress, stop: Stop | null): Hardened {
  const { source } = options;
  const { trainedOn } = workshop;
  const improved = bestEpoch(progress.history, choiceOf(options.settings)).epoch > 0;
  if (!improved) return { bytes: null, log: logOf(options, workshop, progress, "complete", stop, null), trainedOn };
  const model = withWeights(source.model, progress.best);
  model.metadata.set("blindspot.hardened-from", source.sha256);
  model.metadata.set("blindspot.trained-on", sha256(trainedOnText(trainedOn)));
  const bytes = writeModel(model);
  return { bytes, log: logOf(options, workshop, progress, "complete", stop, sha256(bytes)), trainedOn };
}

/** The list of hashes as it is written beside the model: one a line. */
export function trainedOnText(hashes: readonly string[]): string {
  return hashes.map((hash) => `${hash}\n`).join("");
}

function logOf(
  { source, train: rows, validate, boundary, threat, settings, runtime }: HardenOptions,
  { step, trainable, trainedOn }: Workshop,
  { history, seconds, samplesPerSecond }: Progress,
  status: TrainingLog["status"],
  stop: Stop | null,
  hardened: string | null,
): TrainingLog {
  const best = bestEpoch(history, choiceOf(settings));
  const described = (data: TrainingRows) => ({ spec: data.spec, sha256: data.sha256, rows: data.count });
  const { name, version, threads } = runtime;
  return {
    schema: "blindspot-training/1",
    status,
    stopped: stop && { ...stop, epoch: history.at(-1)!.epoch },
    model: { name: source.label, sha256: source.sha256 },
    hardened:
      hardened === null ? null : { sha256: hardened, epoch: best.epoch, clean: best.clean, robust: best.robust },
    method: settings.method,
    paper: methodNamed(settings.method).paper,
    threat: threat.id,
    settings: { ...settings },
    data: { train: described(rows), validate: described(validate), boundary: boundary ? described(boundary) : null },
    overlap: overlapOf(rows, validate).rows,
    trainedOn: { inputs: trainedOn.length, sha256: sha256(trainedOnText(trainedOn)) },
    weights: {
      trained: trainable.names.length - step.unreached.length,
      parameters: trainable.parameters,
      frozen: [...trainable.frozen],
      unreached: [...step.unreached],
    },
    watch: `PGD-${WATCH_STEPS} on the margin, float32, random start, ${validate.count} validation rows`,
    epochs: [...history],
    seconds,
    samplesPerSecond,
    runtime: { name, version, threads },
  };
}
