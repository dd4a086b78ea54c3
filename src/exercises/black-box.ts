import { BlindspotError } from "../base/errors.ts";
import { grouped, percent, plural } from "../report/format.ts";
import { threatName } from "../report/words.ts";
import type { Exercise } from "./exercise.ts";
import type { Lesson, LessonTable, LinesChart } from "./lesson.ts";
import { effortOf, medianQueries, type Race, racesOf, totalQueries, wonWithin } from "./race.ts";
import { watched } from "./watch.ts";
import { answered, conditionsOf, figure, picturesOf, subjectFact } from "./words.ts";
import {
  ask,
  attackSamples,
  type ExercisePlan,
  firstCorrect,
  planFor,
  samplesOf,
  type Wanted,
  type Workbench,
} from "./workbench.ts";

const SAMPLES = 30;
const BUDGET = 1000;
/** Shares of the budget at which successes are counted. */
const MARKS = [0.01, 0.03, 0.1, 0.3, 1] as const;
/** What is compared: scores alone, labels alone, and gradients beside them. What the model or the threat excludes stays out. */
const RIVALS = ["square", "sparse-rs", "rays", "pgd"] as const;

export const blackBox: Exercise = {
  name: "black-box",
  summary: "no gradients: success against a counted budget of queries, by scores and by labels alone",
  needsSurrogate: false,
  takesGoal: true,
  run: runBlackBox,
};

async function runBlackBox(bench: Workbench): Promise<Lesson> {
  const { model } = bench;
  const queries = bench.options.overrides?.queries ?? BUDGET;
  const plans = plansOf(bench, { samples: SAMPLES, overrides: { queries } });
  const [plan] = plans as [ExercisePlan, ...ExercisePlan[]];
  const { threat } = plan;
  const knowledge = plan.profiles[0]!.knowledge;
  const samples = await samplesOf(bench, plan.indices);
  const subject = await firstCorrect(bench, plan);
  const races: Race[] = [];
  for (const one of plans) {
    bench.onProgress?.(`${one.profiles[0]!.attacks[0]!.definition.name} on ${plural(samples.length, "sample")}`);
    races.push(...racesOf(await attackSamples(bench, one, samples, { queries })));
  }
  const [main] = races as [Race, ...Race[]];
  const { planned, trace } = watched(plan.profiles[0]!.attacks[0]!);
  const watch = { ...plan, profiles: [{ knowledge, attacks: [planned] }] };
  const [record] = await attackSamples(bench, watch, [subject.sample], { queries });
  const own = record!.profiles[0]!.attempts[0]!;
  const after = own.found === null ? null : await ask(model, own.found.point);
  const lead = trace.map((logits) => leadOf(logits, subject.sample.label));
  return {
    exercise: "black-box",
    title: "Black box: every question is counted",
    question:
      "What can an attacker do who only asks the model and reads its answer, and how many questions does it take?",
    concepts: [
      { term: "query", meaning: "one input shown to the model; each is counted, also those that fail" },
      { term: "budget", meaning: "the most queries that an attack may make for one sample: a hard limit" },
      {
        term: "score attack",
        meaning:
          "sees the scores of all classes (Square: random squares, kept where they help; Sparse-RS for a few pixels)",
      },
      { term: "label attack", meaning: "sees the winning class alone (RayS: searches for directions to the boundary)" },
      { term: "lead", meaning: "the score of the true class minus the best other score; below 0 the model is wrong" },
    ],
    conditions: [
      ...conditionsOf(bench, plan, knowledge),
      { name: "budget", value: `${plural(queries, "query", "queries")} for each sample and each attack` },
      {
        name: "samples",
        value: `${plural(samples.length, "sample")}, ${main.tries.length} of them right without any attack, and so attacked`,
      },
      subjectFact(bench, subject),
    ],
    actions: [
      `Attack each sample with ${races.map((race) => `${race.name} (${race.knowledge})`).join(", then with ")}, each from scratch`,
      "Count every query; stop a sample as soon as the original model, asked alone, is wrong, or its budget is spent",
      `Watch ${main.name} on sample ${subject.sample.index}: write down the lead of '${model.classes[subject.sample.label]}' at each query`,
    ],
    outcomes: [
      ...races.map((race) => {
        const won = wonWithin(race, queries);
        const of = race.tries.length;
        const median = medianQueries(race);
        return `${race.name} (${race.knowledge}) fools ${won} of ${of} (${percent(won / Math.max(1, of))}) within the budget; ${median === null ? "the median is above it" : `half of the samples need at most ${plural(median, "query", "queries")}`}`;
      }),
      after === null
        ? `Sample ${subject.sample.index} stands after ${plural(own.queries, "query", "queries")} of ${main.name}`
        : `Sample ${subject.sample.index} falls after ${plural(own.queries, "query", "queries")} of ${main.name}: ${answered(model, subject.clean)} becomes ${answered(model, after)}`,
    ],
    tables: [budgetTable(races, queries)],
    charts: [effortOf(races), leadChart(lead, main.name, subject.sample.index)],
    pictures:
      own.found === null || after === null
        ? null
        : picturesOf(
            bench,
            { before: subject.sample.point, after: own.found.point },
            {
              before: `before: ${answered(model, subject.clean)}`,
              after: `after ${own.queries} queries: ${answered(model, after)}`,
            },
          ),
    next: [
      {
        text: "What would the budget cost at your service: price, time, a limit per customer? Try a smaller one",
        command: bench.command(["exercise", "black-box", "--queries", String(Math.max(1, Math.round(queries / 10)))]),
      },
      {
        text: "Does a larger epsilon or more queries help the attacker more?",
        command: bench.command([
          ...["attack", main.name, "--threat", threatName(threat.id), "--samples", "50"],
          ...["--queries", String(queries * 5)],
        ]),
      },
      {
        text: "Make the attack on another model, where questions are free",
        command: bench.command(["exercise", "transfer"]),
      },
    ],
    figures: {
      budget: queries,
      queriesOfSample: own.queries,
      confidence: subject.clean.confidence,
      confidenceAfter: after?.confidence ?? null,
      labelAfter: after === null ? null : model.classes[after.label]!,
      leadAtStart: lead[0]!,
      ...Object.fromEntries(
        races.flatMap((race) => [
          [`${race.name}Fooled`, wonWithin(race, queries)],
          [`${race.name}Of`, race.tries.length],
          [`${race.name}MedianQueries`, medianQueries(race)],
          [`${race.name}TotalQueries`, totalQueries(race)],
        ]),
      ),
    },
  };
}

/** A plan for each rival that fits threat and model; if none does, why the first does not. */
function plansOf(bench: Workbench, wanted: Omit<Wanted, "attacks">): ExercisePlan[] {
  const { capabilities } = bench.model;
  const plans: ExercisePlan[] = [];
  let misfit: BlindspotError | null = null;
  for (const name of RIVALS.filter((one) => one !== "pgd" || capabilities.gradient))
    try {
      plans.push(planFor(bench, { ...wanted, attacks: [name] }));
    } catch (error) {
      if (!(error instanceof BlindspotError && error.problems.every(({ code }) => code === "E_ATTACK_UNSUITABLE")))
        throw error;
      misfit ??= error;
    }
  if (misfit !== null && !plans.some(({ profiles }) => profiles[0]!.knowledge !== "white-box")) throw misfit;
  return plans;
}

/** z_y - max of the others. */
function leadOf(logits: Float32Array, label: number): number {
  let other = -Infinity;
  for (const [i, value] of logits.entries()) if (i !== label) other = Math.max(other, value);
  return logits[label]! - other;
}

function budgetTable(races: readonly Race[], queries: number): LessonTable {
  const marks = [...new Set(MARKS.map((share) => Math.max(1, Math.round(share * queries))))];
  return {
    caption: "Fooled within a budget",
    columns: ["queries", ...races.map(({ name }) => name)],
    rows: marks.map((at) => [grouped(at), ...races.map((race) => `${wonWithin(race, at)} of ${race.tries.length}`)]),
  };
}

function leadChart(lead: readonly number[], attack: string, index: number): LinesChart {
  return {
    kind: "lines",
    title: `Sample ${index} under ${attack}`,
    description: `The lead of the true class is ${figure(lead[0]!)} at the first query and ${figure(lead.reduce((least, value) => Math.min(least, value), Infinity))} at its lowest.`,
    x: "query",
    y: "lead of the true class",
    series: [{ name: "lead", points: lead.map((value, i) => [i + 1, value] as const) }],
  };
}
