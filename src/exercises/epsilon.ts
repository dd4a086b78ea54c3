import { censoredQuantile } from "../assess/statistics.ts";
import type { AttemptRecord } from "../attacks/record.ts";
import type { DataSample } from "../data/dataset.ts";
import { epsilonText, percent, plural } from "../report/format.ts";
import { threatName } from "../report/words.ts";
import type { Threat } from "../threats/threat.ts";
import type { Exercise } from "./exercise.ts";
import { lossGradient, walkStep } from "./fgsm-by-hand.ts";
import type { Lesson, LessonTable, LinesChart } from "./lesson.ts";
import { answered, conditionsOf, confidence, figure, picturesOf, subjectFact } from "./words.ts";
import {
  ask,
  attackSamples,
  type ExercisePlan,
  firstCorrect,
  planFor,
  type Subject,
  samplesOf,
  type Workbench,
} from "./workbench.ts";

const SAMPLES = 20;
/** The search goes up to this multiple of the threat's epsilon. */
const REACH = 4;
/** Steps of epsilon where inputs are not 8-bit: this many make up the threat's epsilon. */
const PARTS = 16;
/** Rows of the table of one sample. */
const ROWS = 4;

export const epsilon: Exercise = {
  name: "epsilon",
  summary: "epsilon, and the moment the label flips: by bisection, for each of a few samples",
  needsSurrogate: false,
  takesGoal: false,
  run: runEpsilon,
};

/** The grid of a search: epsilon is a whole number of units, one gray level for 8-bit inputs. */
interface Grid {
  readonly unit: number;
  readonly last: number;
}

export function gridOf({ norm, effectiveEpsilon, quantize }: Threat): Grid {
  const levels = norm === "linf" && quantize === "uint8";
  const unit = levels ? 1 / 255 : effectiveEpsilon / PARTS;
  const last = REACH * Math.round(effectiveEpsilon / unit);
  return { unit, last: levels ? Math.min(255, last) : last };
}

/** Where the label of one sample flips: the smallest unit at which the attack succeeds, while it fails one unit below. */
export interface Flip {
  readonly sample: DataSample;
  /** Null: it stands up to the end of the grid. 0: wrong without any attack. */
  readonly unit: number | null;
  readonly attempt: AttemptRecord | null;
  /** The units that were tried, in order, and whether the attack succeeded. */
  readonly tried: readonly (readonly [number, boolean])[];
}

/**
 * Bisection of epsilon for each sample, those that want the same epsilon in one run. It finds a flip, and the attack fails one unit below; a
 * stronger attack may flip the label earlier.
 */
export async function findFlips(
  bench: Workbench,
  plan: ExercisePlan,
  samples: readonly DataSample[],
  { unit, last }: Grid,
): Promise<Flip[]> {
  const searches = samples.map((sample) => ({
    sample,
    low: 0,
    high: last + 1,
    attempt: null as AttemptRecord | null,
    tried: [] as [number, boolean][],
  }));
  for (;;) {
    const open = searches.filter(({ low, high }) => high - low > 1);
    if (open.length === 0) break;
    bench.onProgress?.(`${plural(open.length, "sample")} still searched`);
    // The largest epsilon first: what stands there needs no search.
    const next = open.map(({ low, high }) => (high > last ? last : Math.floor((low + high) / 2)));
    for (const at of new Set(next)) {
      const group = open.filter((_, i) => next[i] === at);
      const threat = plan.threat.withEpsilon(at * unit);
      const records = await attackSamples(
        bench,
        { ...plan, threat },
        group.map(({ sample }) => sample),
      );
      for (const [i, search] of group.entries()) {
        const { status, profiles } = records[i]!;
        const won = profiles.flatMap(({ attempts }) => attempts).find(({ found }) => found !== null) ?? null;
        if (status === "misclassified") Object.assign(search, { low: -1, high: 0 });
        else {
          search.tried.push([at, won !== null]);
          if (won !== null) Object.assign(search, { high: at, attempt: won });
          else Object.assign(search, at === last ? { low: last, high: last + 1 } : { low: at });
        }
      }
    }
  }
  return searches.map(({ sample, high, attempt, tried }) => ({
    sample,
    unit: high > last ? null : high,
    attempt,
    tried,
  }));
}

async function runEpsilon(bench: Workbench): Promise<Lesson> {
  const { model } = bench;
  const white = model.capabilities.gradient;
  const plan = planFor(bench, {
    attacks: [white ? "pgd" : "square"],
    samples: SAMPLES,
    overrides: white ? { steps: 20, set: ["pgd.loss=margin"] } : { queries: 200 },
  });
  const { threat } = plan;
  const subject = await firstCorrect(bench, plan);
  const grid = gridOf(threat);
  const flips = await findFlips(bench, plan, await samplesOf(bench, plan.indices), grid);
  const own = flips.find(({ sample }) => sample.index === subject.sample.index)!;
  const right = flips.filter(({ unit }) => unit !== 0);
  const text = (unit: number) => epsilonText(unit * grid.unit);
  const median = censoredQuantile(
    right.map(({ unit }) => unit),
    0.5,
  );
  const curve = accuracyCurve(flips, grid);
  const atThreat = accuracyAt(flips, Math.round(threat.effectiveEpsilon / grid.unit));
  const attack = plan.profiles[0]!.attacks[0]!;
  const rows = white ? await oneStep(bench, threat, subject, grid, own) : null;
  const flipped = own.attempt?.found ?? null;
  const after = flipped === null ? null : await ask(model, flipped.point);
  const moment =
    own.unit === null
      ? `Sample ${own.sample.index} stands up to epsilon ${text(grid.last)}, the end of the search`
      : `Sample ${own.sample.index} flips at epsilon ${text(own.unit)}: at ${text(own.unit - 1)} the attack fails, at ${text(own.unit)} the model says ${answered(model, after!)}`;
  return {
    exercise: "epsilon",
    title: "Epsilon, and the moment the label flips",
    question: "How much must an input change before the answer changes, and is that the same for every input?",
    concepts: [
      { term: "epsilon", meaning: "the largest change that the attacker is allowed" },
      { term: "robust accuracy", meaning: "the share of all samples that are right and stay right under attack" },
      {
        term: "decision boundary",
        meaning: "where the model's answer changes from one class to another; the flip shows how near it is",
      },
      {
        term: "bisection",
        meaning: "try the middle; where the attack fails look above it, where it succeeds look below",
      },
    ],
    conditions: [
      ...conditionsOf(bench, plan, attack.definition.knowledge),
      subjectFact(bench, subject),
      { name: "samples", value: `${plural(flips.length, "sample")}, ${right.length} of them right without any attack` },
    ],
    actions: [
      `Attack each sample with ${attack.definition.name} at epsilon ${text(grid.last)}, ${REACH} times the limit`,
      `Halve the range again and again, down to steps of ${text(1)}, as one looks up a word in a dictionary`,
      `For sample ${own.sample.index} that took ${plural(own.tried.length, "attack")}: ${own.tried.map(([unit, won]) => `${text(unit)} ${won ? "flips" : "stands"}`).join(", ")}`,
    ],
    outcomes: [
      moment,
      median === null
        ? `More than half of the samples stand up to epsilon ${text(grid.last)}`
        : `Half of the samples that are right flip at epsilon ${text(median)} or below`,
      `Accuracy is ${percent(curve[0]![1])} without attack and ${percent(atThreat)} at the limit of ${epsilonText(threat.epsilon)}`,
    ],
    tables: [...(rows === null ? [] : [rows.table]), curveTable(flips, grid)],
    charts: [curveChart(curve, threat), ...(rows === null ? [] : [rows.chart])],
    pictures:
      flipped === null
        ? null
        : picturesOf(
            bench,
            { before: subject.sample.point, after: flipped.point },
            {
              before: `before: ${answered(model, subject.clean)}`,
              after: `epsilon ${text(own.unit!)}: ${answered(model, after!)}`,
            },
          ),
    next: [
      {
        text: "Compare the easiest sample with the hardest: what is different about them? A single number for the whole model hides it",
      },
      {
        text: "A flip says that this attack needs so much. A stronger attack may need less: compare",
        command: bench.command([
          "attack",
          white ? "apgd-margin" : "square",
          ...["--threat", threatName(threat.id), "--samples", `index:${own.sample.index}`],
        ]),
      },
      { text: "Choose the wrong answer yourself", command: bench.command(["exercise", "targeted"]) },
    ],
    figures: {
      flipEpsilon: own.unit === null ? null : own.unit * grid.unit,
      flipLabel: after === null ? null : model.classes[after.label]!,
      confidence: subject.clean.confidence,
      confidenceAfter: after?.confidence ?? null,
      medianEpsilon: median === null ? null : median * grid.unit,
      accuracy: curve[0]![1],
      accuracyAtLimit: atThreat,
      ...rows?.figures,
      ...Object.fromEntries(
        flips.map(({ sample, unit }) => [`flipOf${sample.index}`, unit === null ? null : unit * grid.unit]),
      ),
    },
  };
}

/** Share of all samples that are right and have not flipped at this epsilon. */
function accuracyAt(flips: readonly Flip[], at: number): number {
  return flips.filter(({ unit }) => unit === null || unit > at).length / flips.length;
}

/** Accuracy over epsilon: a point before and after each drop. */
function accuracyCurve(flips: readonly Flip[], { unit, last }: Grid): (readonly [number, number])[] {
  return Array.from({ length: last + 1 }, (_, at) => [at * unit, accuracyAt(flips, at)] as const);
}

function curveChart(curve: readonly (readonly [number, number])[], threat: Threat): LinesChart {
  const [start, end] = [curve[0]![1], curve.at(-1)![1]];
  return {
    kind: "lines",
    title: "Accuracy over epsilon",
    description: `From ${percent(start)} without attack to ${percent(end)} at epsilon ${epsilonText(curve.at(-1)![0])}; the limit of this run is ${epsilonText(threat.epsilon)}.`,
    x: "epsilon",
    y: "accuracy",
    series: [{ name: "accuracy under attack", points: curve }],
  };
}

function curveTable(flips: readonly Flip[], { unit, last }: Grid): LessonTable {
  const marks = [...new Set([0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1].map((share) => Math.round(share * last)))];
  return {
    caption: "Accuracy over epsilon",
    columns: ["epsilon", "still right", "accuracy"],
    rows: marks.map((at) => {
      const accuracy = accuracyAt(flips, at);
      return [epsilonText(at * unit), `${Math.round(accuracy * flips.length)} of ${flips.length}`, percent(accuracy)];
    }),
  };
}

/** One FGSM step of growing length for one sample: its loss need not grow all the way, and its label may flip back. */
async function oneStep(
  { model }: Workbench,
  threat: Threat,
  subject: Subject,
  { unit, last }: Grid,
  own: Flip,
): Promise<{ table: LessonTable; chart: LinesChart; figures: Record<string, number> }> {
  const { sample } = subject;
  const gradient = await lossGradient(model, sample.point, sample.label);
  const reach = threat.withEpsilon(last * unit);
  const shares = Array.from({ length: last + 1 }, (_, at) => at / last);
  const walk = await walkStep(model, reach, subject, gradient, shares);
  const first = walk.findIndex(({ answer }) => answer.label !== sample.label);
  const marks = new Set([
    0,
    first,
    own.unit ?? -1,
    ...Array.from({ length: ROWS }, (_, i) => Math.round((i * last) / ROWS)),
    last,
  ]);
  const shown = [...marks].filter((at) => at >= 0).sort((a, b) => a - b);
  return {
    table: {
      caption: `Sample ${sample.index}: one FGSM step of growing length`,
      columns: ["epsilon", "loss", "label", "confidence", "by search"],
      rows: shown.map((at) => [
        epsilonText(at * unit),
        figure(walk[at]!.loss),
        model.classes[walk[at]!.answer.label]!,
        confidence(walk[at]!.answer),
        own.unit !== null && at >= own.unit ? "flipped" : "stands",
      ]),
    },
    chart: {
      kind: "lines",
      title: "Loss over epsilon, one step",
      description: `The loss of sample ${sample.index} goes from ${figure(walk[0]!.loss)} to ${figure(walk.at(-1)!.loss)}; ${first < 0 ? "one step never flips the label" : `one step flips the label at epsilon ${epsilonText(first * unit)}`}.`,
      x: "epsilon",
      y: "loss",
      series: [{ name: "loss", points: walk.map(({ loss }, at) => [at * unit, loss] as const) }],
    },
    figures: Object.fromEntries(shown.map((at) => [`lossAt${at}`, walk[at]!.loss])),
  };
}
