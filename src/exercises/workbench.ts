import { makePlan, type Plan, type PlanOptions, readSamples, type ThreatPlan } from "../assess/plan.ts";
import type { PlanOverrides } from "../attacks/plan.ts";
import type { SampleRecord } from "../attacks/record.ts";
import { runSamples } from "../attacks/runner.ts";
import { BlindspotError } from "../base/errors.ts";
import type { DataSample } from "../data/dataset.ts";
import type { SampleCount } from "../data/draw.ts";
import type { Classifier } from "../models/classifier.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";

/** What the learner brought, or the bundled example. */
export interface Workbench {
  readonly model: Classifier;
  readonly surrogate: Classifier | null;
  /** Data, threat, goal, seed and samples as asked for; an exercise adds its attacks, and its defaults for what is open. */
  readonly options: Omit<PlanOptions, "model" | "surrogate" | "threats" | "attacks"> & {
    readonly threat?: string;
    /** Only samples of this true class. */
    readonly from?: string;
  };
  /** Whether data and classes are those of the bundled road signs, so that an exercise may name them. */
  readonly bundled: boolean;
  /** Names for the texts: file names. */
  readonly names: { readonly model: string; readonly surrogate: string | null; readonly data: string };
  /** A command (`["exercise", "epsilon"]`) with the options that name this model and data, and those to keep, as one types it. */
  command(words: readonly string[], keep?: readonly ("goal" | "surrogate")[]): string;
  readonly signal?: AbortSignal;
  onProgress?(text: string): void;
}

export interface ExercisePlan extends ThreatPlan {
  readonly indices: readonly number[];
  readonly seed: number;
}

/** What a plan needs beside what the learner asked for. `samples` and `goal` are defaults. */
export interface Wanted {
  readonly attacks: readonly string[];
  readonly samples: SampleCount;
  readonly overrides?: PlanOverrides;
  readonly goal?: string;
  /** Default: the workbench's own. */
  readonly model?: Classifier;
  readonly surrogate?: Classifier | null;
  /** Default: what the learner asked for, else 8/255 for images and 0.1 for vectors. */
  readonly threat?: Threat;
}

/** Plans these attacks under the learner's threat; throws all that is wrong with data, goal, threat and attacks at once. */
export function planFor(bench: Workbench, wanted: Wanted): ExercisePlan {
  const { threat: asked, from, overrides, ...options } = bench.options;
  const fallback = options.data.modality === "image" ? "linf:8/255" : "linf:0.1";
  const surrogate = wanted.surrogate ?? null;
  const plan: Plan = makePlan({
    ...options,
    model: wanted.model ?? bench.model,
    threats: [wanted.threat ?? asked ?? fallback],
    goal: options.goal ?? wanted.goal ?? "untargeted",
    attacks: wanted.attacks,
    samples: options.samples ?? (from === undefined ? wanted.samples : options.data.length),
    overrides: { ...wanted.overrides, ...overrides },
    ...(surrogate === null ? {} : { surrogate }),
  });
  const indices = from === undefined ? plan.indices : ofClass(bench, from, plan.indices);
  const limit = typeof wanted.samples === "number" ? wanted.samples : indices.length;
  return {
    ...plan.threats[0]!,
    indices: options.samples === undefined ? indices.slice(0, limit) : indices,
    seed: plan.seed,
  };
}

/** Those of one true class, by name or index. */
function ofClass({ model, options: { data } }: Workbench, from: string, indices: readonly number[]): number[] {
  const present = [...new Set(data.labels)].sort((a, b) => a - b);
  const byName = model.classes.indexOf(from);
  const label = byName >= 0 ? byName : /^\d+$/.test(from) ? Number(from) : -1;
  if (!present.includes(label))
    throw new BlindspotError({
      code: "E_EXERCISE_CLASS",
      subject: `--from ${from}`,
      expected: `a class of ${data.spec}`,
      got: label >= 0 && label < model.classes.length ? "a class without samples" : "no such class",
      hint: `It has ${present.map((index) => model.classes[index] ?? String(index)).join(", ")}`,
    });
  const found = indices.filter((index) => data.labels[index] === label);
  if (found.length > 0) return found;
  throw new BlindspotError({
    code: "E_EXERCISE_CLASS",
    subject: `--from ${from}`,
    expected: "samples of this class among those drawn",
    got: "none",
    hint: "Leave out --samples",
  });
}

/** What the model says of one point. */
export interface Answer {
  readonly logits: Float32Array;
  readonly probabilities: Float64Array;
  readonly label: number;
  /** Probability of `label`. */
  readonly confidence: number;
}

/** softmax(z), in float64. */
export function probabilitiesOf(logits: ArrayLike<number>): Float64Array {
  const z = Float64Array.from(logits);
  const largest = z.reduce((max, value) => Math.max(max, value), -Infinity);
  const exponentials = z.map((value) => Math.exp(value - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** -log softmax(z)_y: cross-entropy, in float64. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  const z = Float64Array.from(logits);
  const largest = z.reduce((max, value) => Math.max(max, value), -Infinity);
  return Math.log(z.reduce((sum, value) => sum + Math.exp(value - largest), 0)) + largest - z[label]!;
}

export function answerOf(logits: Float32Array): Answer {
  const probabilities = probabilitiesOf(logits);
  const label = predictedClass(logits);
  return { logits, probabilities, label, confidence: probabilities[label]! };
}

/** The model's answers to these points, in one call of at least two rows. */
export async function askAll(model: Classifier, points: readonly Float32Array[]): Promise<Answer[]> {
  const rows = points.length === 1 ? [points[0]!, points[0]!] : points;
  const size = rows[0]!.length;
  const data = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) data.set(row, i * size);
  const scores = await model.scores({ data, count: rows.length });
  const classes = model.classes.length;
  return points.map((_, i) => answerOf(scores.slice(i * classes, (i + 1) * classes)));
}

export async function ask(model: Classifier, point: Float32Array): Promise<Answer> {
  return (await askAll(model, [point]))[0]!;
}

export interface Subject {
  readonly sample: DataSample;
  readonly clean: Answer;
  /** How many before it the model got wrong without any attack. */
  readonly wrongBefore: number;
}

/** The first of these samples that the model gets right (only such a sample can be fooled) and that `fits`. */
export async function firstCorrect(
  { model, options, signal }: Workbench,
  plan: ExercisePlan,
  fits: (label: number, clean: Answer) => boolean = () => true,
): Promise<Subject> {
  const name = (label: number) => `'${model.classes[label]}'`;
  let wrongBefore = 0;
  let reason = "none";
  for (const index of plan.indices) {
    signal?.throwIfAborted();
    const sample = await options.data.sample(index);
    const clean = await ask(model, sample.point);
    const right = clean.label === sample.label;
    if (right && fits(sample.label, clean)) return { sample, clean, wrongBefore };
    if (!right) wrongBefore++;
    reason = right
      ? `index ${index} is ${name(sample.label)} already`
      : `index ${index} is ${name(sample.label)}, and the model says ${name(clean.label)}`;
  }
  throw new BlindspotError(
    {
      code: "E_EXERCISE_SAMPLE",
      subject: options.data.spec,
      expected: "a sample that the model gets right without any attack, and whose class is not the goal",
      got: plan.indices.length === 1 ? reason : `${plan.indices.length} samples, none that fits; ${reason}`,
      hint: "Choose another with --samples; if many are wrong, check the preprocessing with blindspot inspect",
    },
    { exitCode: 3 },
  );
}

/** Runs the plan's attacks on these samples through the runner: what it calls fooled is verified. In the order of the samples. */
export async function attackSamples(
  bench: Workbench,
  { threat, profiles, seed }: Pick<ExercisePlan, "threat" | "profiles" | "seed">,
  samples: readonly DataSample[],
  under: { readonly model?: Classifier; readonly surrogate?: Classifier | null; readonly queries?: number } = {},
): Promise<SampleRecord[]> {
  const { signal, options } = bench;
  const queries = under.queries ?? options.overrides?.queries;
  const records = new Map<number, SampleRecord>();
  const run = runSamples(each(samples), {
    classifier: under.model ?? bench.model,
    surrogate: under.surrogate ?? null,
    threat,
    profiles,
    seed,
    ...(queries === undefined ? {} : { budget: { queries } }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const record of run) records.set(record.index, record);
  signal?.throwIfAborted();
  return samples.map(({ index }) => records.get(index)!);
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

export async function samplesOf(bench: Workbench, indices: readonly number[]): Promise<DataSample[]> {
  const samples: DataSample[] = [];
  for await (const sample of readSamples(bench.options.data, indices)) samples.push(sample);
  return samples;
}
