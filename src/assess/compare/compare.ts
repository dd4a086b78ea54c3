import type { Knowledge } from "../../attacks/attack.ts";
import { BlindspotError } from "../../base/errors.ts";
import { drawAudit } from "../audit.ts";
import { NOT_TRAINED_ON } from "../checks/training-data.ts";
import { isCorrect, standsUnder } from "../metrics.ts";
import {
  COMPARISON_SCHEMA,
  type Comparison,
  type CostFacts,
  type DetectionFacts,
  type Result,
  type SampleLine,
  type ThreatComparison,
  type TrainingFacts,
} from "../schema.ts";
import type { StoredRun } from "../store.ts";
import { type CommonThreat, commonOf, lineKey } from "./comparable.ts";
import { type Pair, pairedRate, type Split, unitsOf } from "./pairs.ts";

export interface CompareOptions {
  /** How the second model came from the first. */
  readonly training?: TrainingFacts;
  /** SHA-256 of the canonical bytes of every input that was trained on. */
  readonly trainedOn?: ReadonlySet<string>;
  /** Compare although samples were trained on: they are set aside, and the headline says so. */
  readonly allowOverlap?: boolean;
  readonly cost?: CostFacts;
  /** Detectors in front of either version, as `detect evaluate` measured them. */
  readonly detections?: readonly DetectionFacts[];
  /** What the headline must say that the runs don't know. */
  readonly notes?: readonly string[];
  readonly toolVersion?: string;
}

/**
 * Two versions of a model, sample by sample: a pure function of two stored runs. Throws E_INCOMPARABLE (exit code 3) where the runs differ in
 * anything but the model, E_DATA_OVERLAP where samples were trained on (unless `allowOverlap`), E_TRAINING_LOG where the log is of other models.
 */
export function compareRuns(before: StoredRun, after: StoredRun, options: CompareOptions = {}): Comparison {
  const { training, toolVersion = "0" } = options;
  const { threats, notCompared } = commonOf(before, after);
  if (training !== undefined) requireItsOwn(training, after.result);
  const lines = new Map(after.samples.map((line) => [lineKey(line), line]));
  const pairsOf = (id: string): Pair[] =>
    before.samples
      .filter(({ threat }) => threat === id)
      .map((line) => ({ before: line, after: lines.get(lineKey(line))! }));
  const first = pairsOf(threats[0]!.before.id);
  const once = first.map((pair) => pair.before);
  const units = unitsOf(once);
  const trainedOn = new Set(
    once
      .filter(({ input }) => input !== undefined && options.trainedOn?.has(input))
      .map(({ index }) => units.of.get(index)!),
  );
  const split = (pairs: readonly Pair[]): Split => ({ pairs, units, trainedOn });
  const aside = once.filter(({ index }) => trainedOn.has(units.of.get(index)!)).length;
  const headlineNotes = overlapNotes(aside, once, options, before.result);
  const compared = once.length - aside;
  if (compared === 0)
    throw new BlindspotError(
      {
        code: "E_NOT_EVALUATED",
        subject: before.result.data.spec,
        got: once.length === 0 ? "no sample was evaluated" : "no sample that was not trained on",
        hint: "Measure on data that took no part in the training",
      },
      { exitCode: 3 },
    );
  const { result } = before;
  return {
    schema: COMPARISON_SCHEMA,
    tool: { name: "blindspot", version: toolVersion },
    before: version(before.result),
    after: version(after.result),
    data: { spec: result.data.spec, sha256: result.data.sha256, draw: result.data.draw },
    seed: result.seed,
    classes: [...result.model.classes],
    modality: result.model.dims.length === 3 ? "image" : "vector",
    samples: { compared, units: units.count - trainedOn.size, trainedOn: aside },
    intervals: units.count === once.length ? "newcombe-paired" : "group-bootstrap",
    clean: { ...pairedRate(split(first), isCorrect), changes: changesOf(split(first), isCorrect, []) },
    threats: threats.map((threat) =>
      compareThreat(threat, split(pairsOf(threat.before.id)), [before.result, after.result], training),
    ),
    training: training ?? null,
    cost: options.cost ?? null,
    detections: [...(options.detections ?? [])],
    headlineNotes: [...(options.notes ?? []), ...headlineNotes, ...problemNotes(before, after)],
    notCompared: [...notCompared],
    notTested: [...new Set([...before.result.notTested, ...after.result.notTested])],
  };
}

function version({ model, startedAt, seconds, badge }: Result): Comparison["before"] {
  const { name, sha256, fingerprint } = model;
  return {
    model: { name, ...(sha256 === undefined ? {} : { sha256 }), ...(fingerprint === undefined ? {} : { fingerprint }) },
    run: { startedAt, seconds, badge },
  };
}

/** A log says nothing of a model that it did not make. */
function requireItsOwn({ hardened }: TrainingFacts, { model }: Result): void {
  if (hardened === model.sha256) return;
  throw new BlindspotError({
    code: "E_TRAINING_LOG",
    subject: model.name,
    expected: `the log of the training that wrote it (SHA-256 ${model.sha256?.slice(0, 12) ?? "unknown"})`,
    got: `one that wrote ${hardened.slice(0, 12)}`,
    hint: "Give the .training.json that stands beside the hardened file with --training",
  });
}

/** Refuses overlap that was not allowed; else what the headline must say of it. */
function overlapNotes(
  aside: number,
  lines: readonly SampleLine[],
  { training, trainedOn, allowOverlap }: CompareOptions,
  { data, model }: Result,
): string[] {
  const chosenBy = training?.validate.sha256 === data.sha256;
  const found = [
    ...(aside > 0
      ? [
          `samples that were trained on, or belong to a group that was: ${aside} of ${lines.length}; they are in no rate`,
        ]
      : []),
    ...(chosenBy ? ["the epoch was chosen on this same data: the figures after flatter"] : []),
  ];
  if (found.length > 0 && !allowOverlap)
    throw new BlindspotError({
      code: "E_DATA_OVERLAP",
      subject: data.spec,
      expected: "data that took no part in the training",
      got: found.join("; "),
      hint: "Measure on held-out data; or say --allow-overlap, and the headline says so",
    });
  if (training === undefined)
    return [
      ...found,
      `No training log was given: whether ${model.name} or its successor saw these samples is not known`,
    ];
  const known = trainedOn !== undefined && lines.every(({ input }) => input !== undefined);
  const unknown = known
    ? []
    : ["Whether samples were trained on can't be told: their inputs, or the list, are missing"];
  const trainedFrom =
    training.model === model.sha256 ? [] : ["The training did not start from the model that stands here as before"];
  return [...found.map((text) => `Overlap: ${text}`), ...unknown, ...trainedFrom];
}

function problemNotes(before: StoredRun, after: StoredRun): string[] {
  const named = (which: string, { problems }: StoredRun) => problems.map((problem) => `The run ${which}: ${problem}`);
  return [...named("before", before), ...named("after", after)];
}

function compareThreat(
  { before, profiles }: CommonThreat,
  split: Split,
  results: readonly [Result, Result],
  training: TrainingFacts | undefined,
): ThreatComparison {
  const { id, norm, epsilon, quantize, goal } = before;
  const knowledges = profiles.map(({ knowledge }) => knowledge);
  const standsAll = (line: SampleLine) => knowledges.every((knowledge) => standsUnder(line, knowledge));
  const audit = drawAudit(
    split.pairs.map((pair) => pair.before.index),
    results[0].seed,
  );
  const audited = { ...split, pairs: split.pairs.filter((pair) => audit.has(pair.before.index)) };
  return {
    id,
    norm,
    epsilon,
    quantize,
    goal,
    // Training resists a norm and a size; rounding and goal are the evaluation's.
    usedInTraining: training === undefined ? null : training.threat.split(";")[0] === id.split(";")[0],
    overall: pairedRate(split, standsAll),
    changes: changesOf(split, standsAll, knowledges),
    profiles: profiles.map(({ knowledge, attacks }) => ({
      knowledge,
      attacks: attacks.map(({ name }) => name),
      ...pairedRate(split, (line) => standsUnder(line, knowledge)),
    })),
    attacks: profiles.flatMap(({ knowledge, attacks }) =>
      attacks.map(({ name, settings }) => ({
        knowledge,
        name,
        settings,
        usedInTraining: training === undefined ? null : training.crafting.includes(name),
        ...pairedRate(audited, (line) => standsAlone(line, knowledge, name)),
      })),
    ),
    withdrawn: results.flatMap(({ checks }, i) =>
      checks
        .filter((check) => check.status === "fail" && (check.threat === undefined || check.threat === id))
        // Samples that were trained on are in no rate here.
        .filter((check) => check.id !== NOT_TRAINED_ON)
        .map((check) => ({
          version: i === 0 ? ("before" as const) : ("after" as const),
          check: check.id,
          detail: check.detail,
        })),
    ),
  };
}

/** Right, and this attack from scratch did not break it. */
function standsAlone(line: SampleLine, knowledge: Knowledge, attack: string): boolean {
  const attempt = line.audit?.find((one) => one.knowledge === knowledge && one.attack === attack);
  return isCorrect(line) && (attempt?.outcome === "resisted" || attempt?.outcome === "skipped");
}

function changesOf(
  { pairs, units, trainedOn }: Split,
  right: (line: SampleLine) => boolean,
  knowledges: readonly Knowledge[],
): ThreatComparison["changes"] {
  const told = ({ sample, index, label }: SampleLine, fallen: SampleLine) => {
    const knowledge = knowledges.find((one) => fallen.profiles[one]?.status === "fooled");
    const attack = knowledge && fallen.profiles[knowledge]?.attack;
    return { sample, index, label, broken: knowledge && attack ? { knowledge, attack } : null };
  };
  const kept = pairs.filter(({ before }) => !trainedOn.has(units.of.get(before.index)!));
  return {
    gained: kept
      .filter((pair) => !right(pair.before) && right(pair.after))
      .map((pair) => told(pair.after, pair.before)),
    lost: kept.filter((pair) => right(pair.before) && !right(pair.after)).map((pair) => told(pair.before, pair.after)),
  };
}
