import { proportion } from "../assess/statistics.ts";
import type { SampleRecord } from "../attacks/record.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Classifier } from "../models/classifier.ts";
import { epsilonText, interval, percent, plural } from "../report/format.ts";
import { threatName } from "../report/words.ts";
import type { Threat } from "../threats/threat.ts";
import type { Exercise } from "./exercise.ts";
import type { Lesson } from "./lesson.ts";
import { answered, conditionsOf, picturesOf } from "./words.ts";
import { ask, attackSamples, planFor, samplesOf, type Workbench } from "./workbench.ts";

const SAMPLES = 50;
const MULTIPLES = [0.25, 0.5, 1, 2] as const;

export const transfer: Exercise = {
  name: "transfer",
  summary: "inputs made against one model, tried on another: what carries over",
  needsSurrogate: true,
  takesGoal: true,
  run: runTransfer,
};

/** Inputs made against `from`, each tried once on `to`. */
interface Crossing {
  readonly from: string;
  readonly to: string;
  readonly records: readonly SampleRecord[];
  readonly fooled: number;
  /** Samples that `to` gets right without any attack. */
  readonly of: number;
}

interface Party {
  readonly name: string;
  readonly model: Classifier;
}

async function runTransfer(bench: Workbench): Promise<Lesson> {
  const target: Party = { name: bench.names.model, model: bench.model };
  const surrogate: Party = { name: bench.names.surrogate!, model: bench.surrogate! };
  const plan = planCrossing(bench, surrogate, target);
  const samples = await samplesOf(bench, plan.indices);
  const cells: Crossing[] = [];
  for (const from of [target, surrogate])
    for (const to of [target, surrogate]) cells.push(await cross(bench, from, to, samples));
  const cell = (from: Party, to: Party) => cells[(from === target ? 0 : 2) + (to === target ? 0 : 1)]!;
  const carried = cell(surrogate, target);
  const direct = cell(target, target);
  const back = cell(target, surrogate);
  const curve: { epsilon: number; carried: number; direct: number }[] = [];
  for (const multiple of MULTIPLES) {
    const threat = plan.threat.withEpsilon(multiple * plan.threat.epsilon);
    bench.onProgress?.(`epsilon ${epsilonText(threat.epsilon)}`);
    const rate = async (from: Party) =>
      shareOf(multiple === 1 ? cell(from, target) : await cross(bench, from, target, samples, threat));
    curve.push({ epsilon: threat.epsilon, carried: await rate(surrogate), direct: await rate(target) });
  }
  const shown = carried.records.find(({ status }) => status === "fooled") ?? null;
  const said = (one: Crossing) => `${one.fooled} of ${one.of} (${percent(shareOf(one))})`;
  return {
    exercise: "transfer",
    title: "Transfer: made on one model, used on another",
    question: "Is a model safe when nobody can see it?",
    concepts: [
      {
        term: "surrogate",
        meaning: "the attacker's own model for the same task: trained on other data, of another architecture",
      },
      { term: "transferability", meaning: "inputs that fool one model often fool another one that was never asked" },
      {
        term: "MI-FGSM",
        meaning: "gradient steps with momentum on the surrogate: momentum makes what it finds less particular to it",
      },
    ],
    conditions: [
      ...conditionsOf(bench, plan, "transfer"),
      { name: "surrogate", value: surrogate.name },
      { name: "samples", value: plural(samples.length, "sample") },
    ],
    actions: [
      `On each sample run mi-fgsm with the gradients of ${surrogate.name}: the model under attack is not asked`,
      `Show the last point to ${target.name}, once: one query`,
      "Do the same the other way round, and with each model against itself, to compare",
      `Repeat at ${MULTIPLES.map((multiple) => epsilonText(multiple * plan.threat.epsilon)).join(", ")}`,
    ],
    outcomes: [
      `Made on ${surrogate.name}, tried on ${target.name}: ${said(carried)} are fooled, with one query each`,
      `Made on ${target.name} itself: ${said(direct)}. What the attacker gains from seeing the model is the difference`,
      `The other way, made on ${target.name}, tried on ${surrogate.name}: ${said(back)}`,
    ],
    tables: [
      {
        caption: "Fooled, of those that the attacked model gets right (95 % intervals)",
        columns: ["made on", `on ${target.name}`, `on ${surrogate.name}`],
        rows: [target, surrogate].map((from) => [
          from.name,
          ...[target, surrogate].map((to) => {
            const one = cell(from, to);
            return `${percent(shareOf(one))} ${interval(proportion(one.fooled, one.of).sampling95)}`;
          }),
        ]),
      },
      {
        caption: `Fooled on ${target.name}, over epsilon`,
        columns: ["epsilon", `made on ${surrogate.name}`, `made on ${target.name}`],
        rows: curve.map((point) => [epsilonText(point.epsilon), percent(point.carried), percent(point.direct)]),
      },
    ],
    charts: [
      {
        kind: "lines",
        title: `Fooled on ${target.name}, over epsilon`,
        description: `At epsilon ${epsilonText(curve.at(-1)!.epsilon)}, ${percent(curve.at(-1)!.carried)} of the inputs made on ${surrogate.name} carry over, and ${percent(curve.at(-1)!.direct)} of those made on ${target.name} itself succeed.`,
        x: "epsilon",
        y: "fooled",
        series: [
          { name: `made on ${surrogate.name}`, points: curve.map((point) => [point.epsilon, point.carried] as const) },
          { name: `made on ${target.name}`, points: curve.map((point) => [point.epsilon, point.direct] as const) },
        ],
      },
    ],
    pictures: shown === null ? null : await picturesOfTransfer(bench, shown, samples),
    next: [
      {
        text: "A surrogate costs nothing per question, so a limit of queries does not stop it. What would?",
      },
      {
        text: "The whole matrix, with another attack or threat",
        command: bench.command(
          ["attack", "transfer-pgd", "--threat", threatName(plan.threat.id), "--samples", "100"],
          ["surrogate"],
        ),
      },
      { text: "Take your own model and explain what you see", command: bench.command(["exercise", "explain-it-back"]) },
    ],
    figures: {
      carriedOver: carried.fooled,
      carriedOverOf: carried.of,
      direct: direct.fooled,
      directOf: direct.of,
      back: back.fooled,
      backOf: back.of,
      surrogateOnItself: cell(surrogate, surrogate).fooled,
      ...Object.fromEntries(
        curve.flatMap((point, i) => [
          [`carriedAt${MULTIPLES[i]}`, point.carried],
          [`directAt${MULTIPLES[i]}`, point.direct],
        ]),
      ),
    },
  };
}

function planCrossing(bench: Workbench, from: Party, to: Party) {
  const overrides = { set: ["mi-fgsm.ask=last"] };
  return planFor(bench, { attacks: ["mi-fgsm"], samples: SAMPLES, overrides, model: to.model, surrogate: from.model });
}

async function cross(
  bench: Workbench,
  from: Party,
  to: Party,
  samples: readonly DataSample[],
  threat?: Threat,
): Promise<Crossing> {
  const plan = planCrossing(bench, from, to);
  const records = await attackSamples(bench, { ...plan, threat: threat ?? plan.threat }, samples, {
    model: to.model,
    surrogate: from.model,
  });
  const of = records.filter(({ status }) => status !== "misclassified").length;
  const fooled = records.filter(({ status }) => status === "fooled").length;
  return { from: from.name, to: to.name, records, fooled, of };
}

function shareOf({ fooled, of }: Crossing): number {
  return proportion(fooled, of).value;
}

async function picturesOfTransfer(bench: Workbench, record: SampleRecord, samples: readonly DataSample[]) {
  const { point } = samples.find(({ index }) => index === record.index)!;
  const after = record.profiles[0]!.attempts.find(({ found }) => found !== null)!.found!.point;
  const [before, now] = [await ask(bench.model, point), await ask(bench.model, after)];
  return picturesOf(
    bench,
    { before: point, after },
    {
      before: `sample ${record.index}, before: ${answered(bench.model, before)}`,
      after: `made on ${bench.names.surrogate}: ${answered(bench.model, now)}`,
    },
  );
}
