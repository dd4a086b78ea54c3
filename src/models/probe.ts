import type { Problem } from "../base/errors.ts";
import { type Arrangement, toModelOrder } from "./arrangement.ts";
import type { Classifier } from "./classifier.ts";
import { withJoinedColumns } from "./joined-columns.ts";
import { describeInput, type LoadClassifierOptions, loadClassifier } from "./load-classifier.ts";
import { type ModelSource, openModel } from "./open-model.ts";
import { type PreprocessingOptions, resolvePreprocessing, toModelUnits } from "./preprocessing.ts";

export interface ProbeSamples {
  /** Rows in attack space; at most 100 are used. */
  readonly points: readonly Float32Array[];
  readonly labels: readonly number[] | Int32Array;
}

export interface ProbeCandidate {
  /** What to type for it: `--input-range 0..255 --channels bgr`. */
  readonly flags: string;
  readonly correct: number;
  /** Samples tried: candidates that are far behind are dropped early. */
  readonly of: number;
}

export interface ProbeResult {
  readonly current: ProbeCandidate;
  /** All candidates, the current one among them, best first. */
  readonly ranked: readonly ProbeCandidate[];
  readonly clearlyBetter: ProbeCandidate | null;
  readonly nearChance: boolean;
  /** Why one should stop here, or null: `E_PREPROCESSING_WRONG` or `E_NEAR_CHANCE`. */
  readonly problem: Problem | null;
}

const MOST_SAMPLES = 100;
/** All candidates are tried on these; the best few, and the current one, on the rest. */
const FIRST_SAMPLES = 40;
const FINALISTS = 4;
/** Another preprocessing must be right on this many more samples in 100, ... */
const POINTS_AHEAD = 10;
/** ... and so by a sign test whose level allows for the two dozen candidates. */
const SIGNIFICANCE = 0.001;

type Choice = PreprocessingOptions & { readonly order?: Arrangement["order"] };

const NORMALIZATIONS: Readonly<Record<1 | 3, readonly PreprocessingOptions[]>> = {
  // MNIST and Fashion-MNIST, as PyTorch tutorials normalize them.
  1: [
    { mean: 0.1307, std: 0.3081 },
    { mean: 0.286, std: 0.353 },
  ],
  // ImageNet (torchvision), CIFAR-10, and Caffe's mean in 0..255 without a standard deviation.
  3: [
    { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
    { mean: [0.485, 0.458, 0.408], std: 0.00392157 },
  ],
};
const RANGES: readonly PreprocessingOptions[] = [
  { inputRange: [0, 1] },
  { inputRange: [0, 255] },
  { inputRange: [-1, 1] },
];

/** Whether nothing but the user can say in which order the model takes an image's elements. */
function orderIsOpen({ dims, shape }: Arrangement): boolean {
  if (dims.length !== 3 || dims[2] === 1) return false;
  const [h, w, c] = dims as [number, number, number];
  const first = shape.join() === [c, h, w].join();
  const last = shape.join() === [h, w, c].join();
  return first === last;
}

function choicesFor(arrangement: Arrangement): Choice[] {
  const channels = arrangement.dims.length === 3 ? arrangement.dims[2] : undefined;
  const normalizations = channels === 1 || channels === 3 ? NORMALIZATIONS[channels] : [];
  const orders = orderIsOpen(arrangement) ? (["chw", "hwc"] as const) : [arrangement.order];
  const reversals = channels === 3 ? ([{}, { channels: "bgr" }] as const) : [{}];
  return [...RANGES, ...normalizations].flatMap((units) =>
    reversals.flatMap((reversal) => orders.map((order) => ({ ...units, ...reversal, order }))),
  );
}

function flagsOf(choice: Choice, orderOpen: boolean): string {
  const { inputRange, mean, std, channels, features, order } = choice;
  const list = (values: number | readonly number[]) => [values].flat().join(",");
  const normalized = mean !== undefined || std !== undefined;
  const [low, high] = inputRange ?? [0, 1];
  return [
    ...(features === undefined ? [] : ["a box for each feature"]),
    ...(normalized || features !== undefined ? [] : [`--input-range ${low}..${high}`]),
    ...(mean === undefined ? [] : [`--mean ${list(mean)}`]),
    ...(std === undefined ? [] : [`--std ${list(std)}`]),
    ...(channels === "bgr" ? ["--channels bgr"] : []),
    ...(orderOpen ? [`--layout ${order === "chw" ? "nchw" : "nhwc"}`] : []),
  ].join(" ");
}

/** Probability of at least `successes` in `trials` of probability `p`. */
function binomialTail(successes: number, trials: number, p: number): number {
  let term = (1 - p) ** trials;
  let below = 0;
  for (let k = 0; k < successes; k++) {
    below += term;
    term *= ((trials - k) / (k + 1)) * (p / (1 - p));
  }
  return Math.max(0, 1 - below);
}

/** McNemar's exact test, one-sided: is `better` right where `worse` is wrong more often than chance would have it? */
function significantlyBetter(better: readonly boolean[], worse: readonly boolean[]): boolean {
  const wins = better.filter((right, i) => right && !worse[i]).length;
  const losses = better.filter((right, i) => !right && worse[i]).length;
  const ahead = (100 * (wins - losses)) / better.length;
  return ahead > POINTS_AHEAD && binomialTail(wins, wins + losses, 0.5) < SIGNIFICANCE;
}

interface Trial {
  readonly flags: string;
  readonly choice: Choice;
  readonly right: boolean[];
}

const correctOf = (trial: Trial) => trial.right.filter(Boolean).length;
const rate = (trial: Trial) => correctOf(trial) / Math.max(1, trial.right.length);

/**
 * Wrong preprocessing is the first thing that goes wrong with a model that somebody else trained: tries the usual ranges, means, channel orders and
 * layouts on labelled samples, and says whether another one is clearly better than what `options` says.
 */
export async function probePreprocessing(
  source: ModelSource,
  samples: ProbeSamples,
  options: LoadClassifierOptions = {},
): Promise<ProbeResult> {
  const { opened } = withJoinedColumns(await openModel(source, options.label), options.rows);
  const { arrangement } = describeInput(opened, options);
  // One model without any preprocessing of its own; every candidate's is done here, on its rows.
  const { mean: _mean, std: _std, channels: _channels, features: _features, ...plain } = options;
  const classifier = await loadClassifier(source, { ...plain, inputRange: [0, 1] });
  try {
    const orderOpen = orderIsOpen(arrangement);
    const trialOf = (choice: Choice): Trial => ({ flags: flagsOf(choice, orderOpen), choice, right: [] });
    const integers = opened.model.graph.inputs[0]!.dtype === "uint8";
    const range = options.inputRange ?? (integers ? ([0, 255] as const) : ([0, 1] as const));
    const current = trialOf({ ...options, inputRange: range, order: arrangement.order });
    const others = choicesFor(arrangement).map(trialOf);
    const trials = [current, ...others.filter((trial) => trial.flags !== current.flags)];
    const count = Math.min(MOST_SAMPLES, samples.points.length);
    const first = Math.min(FIRST_SAMPLES, count);
    for (const trial of trials) await extend(trial, samples, first, classifier, arrangement);
    const best = [...trials].sort((a, b) => rate(b) - rate(a)).slice(0, FINALISTS);
    for (const trial of new Set([current, ...best])) await extend(trial, samples, count, classifier, arrangement);
    return judge(current, trials, classifier.classes.length, opened.label);
  } finally {
    await classifier.close();
  }
}

/** Runs a trial on further samples, up to `count` in all. */
async function extend(
  trial: Trial,
  samples: ProbeSamples,
  count: number,
  classifier: Classifier,
  arrangement: Arrangement,
): Promise<void> {
  const from = trial.right.length;
  if (from >= count) return;
  const { dims } = arrangement;
  const { units, reverseChannels } = resolvePreprocessing(trial.choice, dims, false, []);
  const size = samples.points[0]!.length;
  const data = new Float32Array((count - from) * size);
  for (let i = from; i < count; i++) {
    const inUnits = toModelUnits(samples.points[i]!, units, dims.at(-1)!);
    // In the row's own order, to which the graph applies the arrangement of the model as it is loaded.
    const wanted = toModelOrder(inUnits, { ...arrangement, order: trial.choice.order! }, reverseChannels);
    data.set(fromModelOrder(wanted, arrangement), (i - from) * size);
  }
  const scores = await classifier.scores({ data, count: count - from });
  const classes = classifier.classes.length;
  for (let i = from; i < count; i++) {
    const row = scores.subarray((i - from) * classes, (i - from + 1) * classes);
    trial.right.push(row.indexOf(Math.max(...row)) === samples.labels[i]);
  }
}

/** Undoes `toModelOrder` of an arrangement without channel reversal. */
function fromModelOrder(row: Float32Array, { dims, order }: Arrangement): Float32Array {
  if (order === "hwc") return row;
  const channels = dims.at(-1)!;
  const pixels = row.length / channels;
  return row.map((_, i) => row[(i % channels) * pixels + Math.floor(i / channels)]!);
}

function judge(current: Trial, trials: readonly Trial[], classes: number, label: string): ProbeResult {
  const report = (trial: Trial): ProbeCandidate => ({
    flags: trial.flags,
    correct: correctOf(trial),
    of: trial.right.length,
  });
  // Complete trials first: a rate on few samples is not to be compared.
  const ranked = [...trials].sort((a, b) => b.right.length - a.right.length || rate(b) - rate(a));
  const rival = ranked.find(
    (trial) =>
      trial !== current &&
      trial.right.length === current.right.length &&
      significantlyBetter(trial.right, current.right),
  );
  const { correct, of } = report(current);
  const nearChance = of > 0 && binomialTail(correct, of, 1 / classes) > 0.01;
  const share = (trial: Trial) => `${correctOf(trial)} of ${trial.right.length} right`;
  let problem: Problem | null = null;
  if (rival !== undefined)
    problem = {
      code: "E_PREPROCESSING_WRONG",
      subject: label,
      expected: "the preprocessing that the model was trained with",
      got: `${share(current)} with ${current.flags}, ${share(rival)} with ${rival.flags}`,
      hint: `Type ${rival.flags} in place of ${current.flags}, or --no-probe to go on as it is.`,
    };
  else if (nearChance)
    problem = {
      code: "E_NEAR_CHANCE",
      subject: label,
      expected: `more than chance, which is 1 in ${classes}`,
      got: `${share(current)} with ${current.flags}, and no usual preprocessing is clearly better (best: ${share(ranked[0]!)} with ${ranked[0]!.flags})`,
      hint: "Check that the labels follow the order of the model's outputs, and give its preprocessing: --input-range, --mean, --std, --channels, --layout.",
    };
  return {
    current: report(current),
    ranked: ranked.map(report),
    clearlyBetter: rival === undefined ? null : report(rival),
    nearChance,
    problem,
  };
}
