import type { AttemptRecord } from "../attacks/record.ts";
import { BlindspotError } from "../base/errors.ts";
import { grouped, plural, sure } from "../report/format.ts";
import { threatName } from "../report/words.ts";
import { goalClasses } from "../threats/goal.ts";
import type { Exercise } from "./exercise.ts";
import type { Lesson, LinesChart } from "./lesson.ts";
import { type Trace, watched } from "./watch.ts";
import { answered, answersTable, conditionsOf, picturesOf, subjectFact } from "./words.ts";
import {
  type Answer,
  answerOf,
  ask,
  attackSamples,
  firstCorrect,
  planFor,
  probabilitiesOf,
  type Subject,
  type Wanted,
  type Workbench,
} from "./workbench.ts";

const CANDIDATES = 100;
const SETTINGS = { steps: 100, restarts: 5 };
/** With the bundled signs: a sign that says stop is read as one that says go fast. */
const BUNDLED = { from: "stop", goal: "targeted:speed limit 100" } as const;

/** The classic of the field: a cat that becomes a car. Carlini and Wagner 2017 (arXiv:1608.04644) on targets; PGD as in arXiv:1706.06083. */
export const targeted: Exercise = {
  name: "targeted",
  summary: "a targeted attack: the wrong answer is chosen beforehand (a stop sign that becomes a speed limit)",
  needsSurrogate: false,
  takesGoal: true,
  run: runTargeted,
};

async function runTargeted(given: Workbench): Promise<Lesson> {
  const bench = withDefaults(given);
  const { model } = bench;
  const wanted = { attacks: ["pgd"], samples: CANDIDATES, overrides: SETTINGS, goal: "targeted:next" };
  const plan = planFor(bench, wanted);
  const { threat } = plan;
  if (threat.goal.kind !== "targeted")
    throw new BlindspotError({
      code: "E_EXERCISE_GOAL",
      subject: "--goal",
      expected: "targeted:CLASS, targeted:next or targeted:least-likely",
      got: `'${bench.options.goal}'`,
    });
  const subject = await firstCorrect(
    bench,
    plan,
    (label, { logits }) => goalClasses(threat.goal, label, logits).length > 0,
  );
  const { sample, clean } = subject;
  const target = goalClasses(threat.goal, sample.label, clean.logits)[0]!;
  const name = (label: number) => model.classes[label]!;
  const { planned, trace } = watched(plan.profiles[0]!.attacks[0]!);
  const [record] = await attackSamples(bench, { ...plan, profiles: [{ knowledge: "white-box", attacks: [planned] }] }, [
    sample,
  ]);
  const attempt = record!.profiles[0]!.attempts[0]!;
  const free = await untargetedEffort(bench, wanted, subject);
  const end = attempt.found === null ? nearest(trace, target) : null;
  const after = attempt.found === null ? null : await ask(model, attempt.found.point);
  const reached = after ?? end!;
  return {
    exercise: "targeted",
    title: `Targeted: '${name(sample.label)}' must become '${name(target)}'`,
    question: "Can an attacker choose the wrong answer, and what does the choice cost?",
    concepts: [
      { term: "untargeted attack", meaning: "any wrong answer is a success" },
      { term: "targeted attack", meaning: "only one wrong answer, chosen beforehand, is a success" },
      { term: "PGD", meaning: "projected gradient descent: many small steps, each put back inside the limit" },
      {
        term: "impact",
        meaning: "how bad a certain mistake is: a stop sign read as a speed limit costs more than the reverse",
      },
    ],
    conditions: [
      ...conditionsOf(bench, plan, "white-box"),
      subjectFact(bench, subject),
      { name: "target", value: `'${name(target)}', which the model now gives ${sure(clean.probabilities[target]!)}` },
    ],
    actions: [
      `Ask the model about the unchanged sample: ${answered(model, clean)}`,
      "Take the gradient of the target's cross-entropy, and step so that it falls; after each step go back inside the limit",
      `Stop when the original model says '${name(target)}' for the rounded sample, alone: ${plural(attempt.queries, "query", "queries")}, ${grouped(attempt.gradients)} of them with gradients`,
      "Do the same again with any wrong answer allowed",
    ],
    outcomes: [
      attempt.found === null
        ? `NOT REACHED: the best that the attack saw gives '${name(target)}' ${sure(reached.probabilities[target]!)}; the label was then ${answered(model, reached)}`
        : `REACHED: the original model says ${answered(model, reached)} for a sample of '${name(sample.label)}'`,
      `The probability of '${name(target)}' goes from ${sure(clean.probabilities[target]!)} to ${sure(reached.probabilities[target]!)}`,
      free.found === null
        ? `With any wrong answer allowed the attack fails as well, after ${plural(free.queries, "query", "queries")}`
        : `Any wrong answer takes ${plural(free.queries, "query", "queries")} and gives '${name(free.found.predicted)}'; the chosen one ${attempt.found === null ? "was not reached in" : "takes"} ${grouped(attempt.queries)}`,
    ],
    tables: [answersTable(bench, clean, reached)],
    charts: [traceChart(trace, after, { label: sample.label, target, name })],
    pictures:
      attempt.found === null
        ? null
        : picturesOf(
            bench,
            { before: sample.point, after: attempt.found.point },
            { before: `before: ${answered(model, clean)}`, after: `after: ${answered(model, reached)}` },
          ),
    next: [
      {
        text: "Choose another target. Some are near and some are far: which classes share shapes or colors?",
        command: bench.command([
          ...["exercise", "targeted", "--samples", `index:${sample.index}`],
          ...["--goal", "targeted:least-likely"],
        ]),
      },
      {
        text: "How often does this target work over many samples?",
        command: bench.command([
          "attack",
          "pgd",
          "--threat",
          threatName(threat.id),
          "--samples",
          "50",
          "--goal",
          `targeted:${name(target)}`,
        ]),
      },
      { text: "Now without gradients", command: bench.command(["exercise", "black-box"]) },
    ],
    figures: {
      label: name(clean.label),
      labelAfter: name(reached.label),
      confidence: clean.confidence,
      confidenceAfter: reached.confidence,
      targetBefore: clean.probabilities[target]!,
      targetAfter: reached.probabilities[target]!,
      queries: attempt.queries,
      gradients: attempt.gradients,
      queriesUntargeted: free.queries,
    },
  };
}

/** The bundled pair of classes, where the learner has chosen nothing. */
function withDefaults(bench: Workbench): Workbench {
  const { options } = bench;
  const { goal, from, samples } = options;
  const open = goal === undefined && from === undefined && samples === undefined;
  return bench.bundled && open ? { ...bench, options: { ...options, ...BUNDLED } } : bench;
}

/** The same attack on the same sample, any wrong answer allowed. */
async function untargetedEffort(bench: Workbench, wanted: Wanted, { sample }: Subject): Promise<AttemptRecord> {
  const plan = planFor({ ...bench, options: { ...bench.options, goal: "untargeted" } }, wanted);
  const [record] = await attackSamples(bench, plan, [sample]);
  return record!.profiles[0]!.attempts[0]!;
}

/** The answer of the attack's queries that came nearest to the target. */
function nearest(trace: Trace, target: number): Answer {
  const answers = trace.map(answerOf);
  return answers.reduce((best, one) => (one.probabilities[target]! > best.probabilities[target]! ? one : best));
}

function traceChart(
  trace: Trace,
  after: Answer | null,
  { label, target, name }: { label: number; target: number; name: (label: number) => string },
): LinesChart {
  const rows = [...trace.map((logits) => probabilitiesOf(logits)), ...(after === null ? [] : [after.probabilities])];
  const line = (index: number) => rows.map((row, i) => [i + 1, row[index]!] as const);
  return {
    kind: "lines",
    title: "Who wins, query by query",
    description: `The probability of '${name(target)}' goes from ${sure(rows[0]![target]!)} to ${sure(rows.at(-1)![target]!)} in ${plural(rows.length, "query", "queries")}, that of '${name(label)}' from ${sure(rows[0]![label]!)} to ${sure(rows.at(-1)![label]!)}.`,
    x: "query",
    y: "probability",
    series: [
      { name: `'${name(label)}', the truth`, points: line(label) },
      { name: `'${name(target)}', the target`, points: line(target) },
    ],
  };
}
