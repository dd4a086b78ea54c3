import { cleanMetrics, threatMetrics } from "../assess/metrics.ts";
import { bestAttempt, sampleLine } from "../assess/sample-line.ts";
import type { AttemptRecord, SampleRecord } from "../attacks/record.ts";
import { epsilonText, grouped, interval, percent, plural } from "../report/format.ts";
import { KNOWS, threatName } from "../report/words.ts";
import type { Exercise } from "./exercise.ts";
import type { Lesson } from "./lesson.ts";
import { effortOf, racesOf } from "./race.ts";
import { answered, answersTable, conditionsOf, distanceText, picturesOf } from "./words.ts";
import { type Answer, ask, attackSamples, planFor, samplesOf, type Workbench } from "./workbench.ts";

const SAMPLES = 40;

export const explainItBack: Exercise = {
  name: "explain-it-back",
  summary: "your own model and data: the same page, and questions for you to answer from it",
  needsSurrogate: false,
  takesGoal: true,
  run: runExplainItBack,
};

/** The finding that the learner takes apart: the nearest of all. */
interface Case {
  readonly record: SampleRecord;
  readonly attempt: AttemptRecord;
  readonly point: Float32Array;
  readonly distance: number;
  readonly before: Answer;
  readonly after: Answer;
}

async function runExplainItBack(bench: Workbench): Promise<Lesson> {
  const { model } = bench;
  const plan = planFor(bench, { attacks: ["quick"], samples: SAMPLES, surrogate: bench.surrogate });
  const { threat } = plan;
  const samples = await samplesOf(bench, plan.indices);
  bench.onProgress?.(`the quick suite on ${plural(samples.length, "sample")}`);
  const records = await attackSamples(bench, plan, samples, { surrogate: bench.surrogate });
  const lines = records.map((record) => sampleLine(threat.id, record));
  const { clean, naturalErrors } = cleanMetrics(lines);
  const { robustAccuracy: robust, attackSuccess, profiles } = threatMetrics(plan.profiles, lines, new Set());
  const found = await nearestCase(bench, records, samples);
  const races = racesOf(records);
  const name = (label: number) => `'${model.classes[label]}'`;
  const limit = epsilonText(threat.epsilon);
  return {
    exercise: "explain-it-back",
    title: `Explain it back: ${bench.names.model}`,
    question:
      "Can you tell somebody else what happened here: the conditions, the actions, the outcome, and what follows?",
    concepts: [
      { term: "clean accuracy", meaning: "the share of samples that are right without any attack" },
      {
        term: "robust accuracy",
        meaning: "the share of all samples that are right and stay right under every attack that ran",
      },
      { term: "attack success rate", meaning: "the share of the samples that were right and are fooled" },
      { term: "95 % interval", meaning: "where the true share lies, as so few samples can tell (Wilson)" },
    ],
    conditions: [
      ...conditionsOf(bench, plan, plan.profiles[0]!.knowledge).filter(({ name: fact }) => fact !== "attacker"),
      {
        name: "attackers",
        value: plan.profiles.map(({ knowledge }) => `${knowledge} (knows ${KNOWS[knowledge]})`).join("; "),
      },
      { name: "samples", value: plural(samples.length, "sample") },
    ],
    actions: [
      `Ask the model about each sample; ${naturalErrors.length === 0 ? "it gets all of them right" : `leave out the ${naturalErrors.length} that it gets wrong by itself`}`,
      ...plan.profiles.map(
        ({ knowledge, attacks }) =>
          `As ${knowledge} attacker: ${attacks.map(({ definition }) => definition.name).join(", then, on what still stands, ")}`,
      ),
      "Count as fooled only what the original model, asked alone about the rounded sample, gets wrong",
      ...(found === null
        ? []
        : [`Take the nearest finding apart: sample ${found.record.index}, by ${found.attempt.attack}`]),
    ],
    outcomes: [
      `Without attack ${percent(clean.accuracy)} are right: ${clean.correct} of ${clean.of}, interval ${interval(clean.sampling95)} %`,
      `Under ${threatName(threat.id)} ${percent(robust.value)} stand: ${robust.unbroken} of ${robust.of}, interval ${interval(robust.sampling95)} %`,
      found === null
        ? `No sample was fooled within ${limit}. The quick suite is a first look: absence of a finding is no proof`
        : `The nearest finding: sample ${found.record.index}, ${answered(model, found.before)}, becomes ${answered(model, found.after)} at a distance of ${distanceText(threat, found.distance)}, after ${plural(found.attempt.queries, "query", "queries")}`,
    ],
    tables: [
      {
        caption: `Each kind of attacker, under ${threatName(threat.id)}`,
        columns: ["attacker", "attacks", "stand", "robust accuracy", "queries"],
        rows: profiles.map(({ knowledge, attacks, robustAccuracy }) => [
          knowledge,
          attacks.map((attack) => attack.name).join(", "),
          `${robustAccuracy.unbroken} of ${robustAccuracy.of}`,
          percent(robustAccuracy.value),
          grouped(attacks.reduce((sum, { queries }) => sum + queries.total, 0)),
        ]),
      },
      ...(found === null ? [] : [answersTable(bench, found.before, found.after)]),
    ],
    charts: races.length === 0 ? [] : [effortOf(races)],
    pictures:
      found === null
        ? null
        : picturesOf(
            bench,
            { before: samples.find(({ index }) => index === found.record.index)!.point, after: found.point },
            { before: `before: ${answered(model, found.before)}`, after: `after: ${answered(model, found.after)}` },
          ),
    next: [
      {
        text: "Say in one sentence each: what was given, what was done, what was observed. Check it against INPUT, ACTION and OUTCOME above",
      },
      {
        text:
          found === null
            ? "Would you trust this model now? Name two attacks that did not run"
            : `Would a person notice the difference between the pictures of sample ${found.record.index}? Who is harmed when ${name(found.record.label)} is read as ${name(found.after.label)}, and who is not?`,
      },
      {
        text: `Why is the interval ${interval(robust.sampling95)} % so wide, and what would make it narrower? Then measure it`,
        command: assessCommand(bench, threatName(threat.id)),
      },
      { text: "What would you do about it? The report of an assessment says what helps and how to try it" },
    ],
    figures: {
      cleanAccuracy: clean.accuracy,
      robustAccuracy: robust.value,
      attackSuccess: attackSuccess.value,
      naturalErrors: naturalErrors.length,
      ...Object.fromEntries(
        profiles.flatMap(({ knowledge, attacks, robustAccuracy }) => [
          [`${knowledge}RobustAccuracy`, robustAccuracy.value],
          [`${knowledge}Queries`, attacks.reduce((sum, { queries }) => sum + queries.total, 0)],
        ]),
      ),
      sample: found?.record.index ?? null,
      distance: found?.distance ?? null,
      queries: found?.attempt.queries ?? null,
      confidence: found?.before.confidence ?? null,
      confidenceAfter: found?.after.confidence ?? null,
      labelAfter: found === null ? null : name(found.after.label),
    },
  };
}

async function nearestCase(
  { model }: Workbench,
  records: readonly SampleRecord[],
  samples: readonly { readonly index: number; readonly point: Float32Array }[],
): Promise<Case | null> {
  const cases = records.flatMap((record) => {
    const attempt = bestAttempt(record);
    return attempt?.found == null
      ? []
      : [{ record, attempt, point: attempt.found.point, distance: attempt.found.distance }];
  });
  if (cases.length === 0) return null;
  const nearest = cases.reduce((best, one) => (one.distance < best.distance ? one : best));
  const clean = samples.find(({ index }) => index === nearest.record.index)!.point;
  return { ...nearest, before: await ask(model, clean), after: await ask(model, nearest.point) };
}

function assessCommand(bench: Workbench, threat: string): string {
  return bench.command(["assess", "--threat", threat, "--samples", "500"], ["goal", "surrogate"]);
}
