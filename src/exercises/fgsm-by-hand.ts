import { BlindspotError } from "../base/errors.ts";
import type { Classifier } from "../models/classifier.ts";
import { grouped, percent, plural } from "../report/format.ts";
import { threatName } from "../report/words.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import type { Exercise } from "./exercise.ts";
import type { Lesson, LessonTable, LinesChart } from "./lesson.ts";
import { answered, answersTable, conditionsOf, confidence, figure, picturesOf, subjectFact } from "./words.ts";
import {
  type Answer,
  ask,
  askAll,
  crossEntropy,
  firstCorrect,
  planFor,
  type Subject,
  type Workbench,
} from "./workbench.ts";

/** Shares of epsilon at which the walk along the step is watched. */
const WALK = [0, 0.25, 0.5, 0.75, 1] as const;
/** How many of the samples are tried until the model gets one right. */
const CANDIDATES = 100;

/** Fast gradient sign method, step by step and without the attack runner: Goodfellow et al. 2014, arXiv:1412.6572, section 4. */
export const fgsmByHand: Exercise = {
  name: "fgsm-by-hand",
  summary: "FGSM on one sample: the loss, the sign of its gradient, one step, the label",
  needsSurrogate: false,
  takesGoal: false,
  run: runFgsmByHand,
};

/** The gradient of the cross-entropy at one point, from a pass of two rows as every gradient of an attack. */
export async function lossGradient(model: Classifier, point: Float32Array, label: number): Promise<Float32Array> {
  const data = new Float32Array(2 * point.length);
  data.set(point);
  data.set(point, point.length);
  const { gradients } = await model.gradient({ data, count: 2 }, "cross-entropy", Int32Array.of(label, label));
  return gradients.slice(0, point.length);
}

interface WalkPoint {
  readonly share: number;
  readonly loss: number;
  /** loss(x0) + <gradient, x - x0>: what the loss would be if the model were linear. */
  readonly line: number;
  readonly answer: Answer;
}

/** The points on the way of the one step, and what the model says there. */
export async function walkStep(
  model: Classifier,
  threat: Threat,
  { sample }: Pick<Subject, "sample">,
  gradient: Float32Array,
  shares: readonly number[],
): Promise<WalkPoint[]> {
  const x0 = sample.point;
  const points = shares.map((share) => threat.ascend(x0, gradient, share * threat.effectiveEpsilon, x0));
  const answers = await askAll(model, points);
  const start = crossEntropy(answers[0]!.logits, sample.label);
  return points.map((x, i) => ({
    share: shares[i]!,
    loss: crossEntropy(answers[i]!.logits, sample.label),
    line: start + x.reduce((sum, value, j) => sum + gradient[j]! * (value - x0[j]!), 0),
    answer: answers[i]!,
  }));
}

async function runFgsmByHand(bench: Workbench): Promise<Lesson> {
  const { model } = bench;
  const plan = planFor(bench, { attacks: ["fgsm"], samples: CANDIDATES });
  const { threat } = plan;
  if (threat.norm === "l0")
    throw new BlindspotError({
      code: "E_EXERCISE_THREAT",
      subject: "exercise 'fgsm-by-hand'",
      expected: "a threat of which every value moves a little, such as linf:8/255 or l2:0.5",
      got: threat.id,
    });
  const subject = await firstCorrect(bench, plan);
  const { sample, clean } = subject;
  const x0 = sample.point;
  const gradient = await lossGradient(model, x0, sample.label);
  const loss = crossEntropy(clean.logits, sample.label);
  const signs = countSigns(gradient);
  const walk = await walkStep(model, threat, subject, gradient, WALK);
  const deployed = threat.deployable(threat.ascend(x0, gradient, threat.effectiveEpsilon, x0), x0);
  const after = await ask(model, deployed);
  const verdict = predictedClass(await model.verify(deployed));
  const fooled = verdict !== sample.label && threat.violation(deployed, x0) === null;
  const lossAfter = crossEntropy(after.logits, sample.label);
  const end = walk.at(-1)!;
  const name = (label: number) => model.classes[label]!;
  const norm = threat.norm === "linf" ? "the sign of each number (+1, -1 or 0)" : "the gradient, scaled to length 1";
  return {
    exercise: "fgsm-by-hand",
    title: "FGSM by hand: one gradient, one step",
    question: "Which way must each value move to make the model's answer worse, and is one step that way enough?",
    concepts: [
      {
        term: "loss",
        meaning:
          "one number for how wrong the answer is: cross-entropy, minus the logarithm of the probability of the true class",
      },
      { term: "gradient", meaning: "for each input value, how fast the loss grows when that value grows" },
      { term: "epsilon", meaning: "how far each value may move: the limit of the attacker" },
      {
        term: "FGSM",
        meaning: "the fast gradient sign method: x + epsilon * sign(gradient of the loss), clipped to 0..1",
      },
    ],
    conditions: [...conditionsOf(bench, plan, "white-box"), subjectFact(bench, subject)],
    actions: [
      `Ask the model about the unchanged sample: ${answered(model, clean)}, loss ${figure(loss)}`,
      `Compute the gradient of the loss by the ${plural(x0.length, "input value")}: ${grouped(signs.positive)} are positive, ${grouped(signs.negative)} negative, ${grouped(signs.zero)} zero; the largest is ${figure(signs.largest)}`,
      `Take ${norm}${signText(gradient, model.dims)}`,
      `Move by epsilon = ${figure(threat.effectiveEpsilon)} that way, clip to 0..1${threat.quantize === "uint8" ? ", round to 8-bit values" : ""}`,
      "Ask the original model again, with this sample alone",
    ],
    outcomes: [
      `The loss goes from ${figure(loss)} to ${figure(lossAfter)}; a straight line along the gradient promised ${figure(end.line)}`,
      `The label goes from ${answered(model, clean)} to ${answered(model, after)}`,
      fooled
        ? `FOOLED: the original model says '${name(verdict)}' for a sample of '${name(sample.label)}'`
        : `NOT FOOLED: the original model still says '${name(verdict)}'. One step is a weak attack, so this proves nothing yet`,
      ...lostGradient(gradient, clean),
    ],
    tables: [walkTable(walk, model), answersTable(bench, clean, after)],
    charts: [walkChart(walk, threat.effectiveEpsilon)],
    pictures: picturesOf(
      bench,
      { before: x0, after: deployed },
      { before: `before: ${answered(model, clean)}`, after: `after: ${answered(model, after)}` },
    ),
    next: [
      {
        text: "Compare the loss with its straight line in the table: where they part, the gradient at the start no longer tells the truth. PGD takes many small steps for that reason",
        command: bench.command([
          "attack",
          "pgd",
          "--threat",
          threatName(threat.id),
          "--samples",
          `index:${sample.index}`,
        ]),
      },
      {
        text: fooled ? "Find the smallest epsilon that is enough" : "Find the epsilon at which the label flips",
        command: bench.command(["exercise", "epsilon", "--samples", `index:${sample.index}`]),
      },
    ],
    figures: {
      loss,
      lossAfter,
      lossOfLine: end.line,
      confidence: clean.confidence,
      confidenceAfter: after.confidence,
      label: name(clean.label),
      labelAfter: name(verdict),
      positive: signs.positive,
      negative: signs.negative,
      zero: signs.zero,
      largestGradient: signs.largest,
      ...Object.fromEntries(walk.map((point) => [`lossAt${point.share}`, point.loss])),
    },
  };
}

/** Why the gradient may say less than it seems to; nothing where it is sound. */
function lostGradient(gradient: Float32Array, clean: Answer): string[] {
  if (gradient.every((value) => value === 0))
    return ["The gradient is zero everywhere, so the step moved nothing: use an attack that needs no gradient"];
  return Math.fround(clean.confidence) === 1
    ? [
        "The model is so sure that its probability is exactly 1 in float32: rounding has taken a part of the gradient. The margin loss (pgd.loss=margin) keeps it",
      ]
    : [];
}

function countSigns(gradient: Float32Array): { positive: number; negative: number; zero: number; largest: number } {
  let positive = 0;
  let negative = 0;
  let largest = 0;
  for (const value of gradient) {
    if (value > 0) positive++;
    else if (value < 0) negative++;
    largest = Math.max(largest, Math.abs(value));
  }
  return { positive, negative, zero: gradient.length - positive - negative, largest };
}

/** How many signs one line of a terminal shows. */
const SIGNS = 32;

/** The signs of the middle row, first channel; of a vector, those of the first features. */
function signText(gradient: Float32Array, dims: readonly number[]): string {
  const [height, width = 0, channels = 0] = dims;
  const image = dims.length === 3;
  const row = Math.floor(height! / 2);
  const at = (i: number) => (image ? (row * width + i) * channels : i);
  const count = Math.min(SIGNS, image ? width : height!);
  const signs = Array.from({ length: count }, (_, i) => {
    const value = gradient[at(i)]!;
    return value > 0 ? "+" : value < 0 ? "-" : "0";
  }).join("");
  return image ? `; in the first channel, row ${row} begins ${signs}` : `; it begins ${signs}`;
}

function walkTable(walk: readonly WalkPoint[], { classes }: Classifier): LessonTable {
  return {
    caption: "Along the step, in shares of epsilon, before rounding",
    columns: ["step", "loss", "line", "label", "confidence"],
    rows: walk.map(({ share, loss, line, answer }) => [
      percent(share),
      figure(loss),
      figure(line),
      classes[answer.label]!,
      confidence(answer),
    ]),
  };
}

function walkChart(walk: readonly WalkPoint[], epsilon: number): LinesChart {
  const first = walk[0]!;
  const last = walk.at(-1)!;
  return {
    kind: "lines",
    title: "Loss along the step",
    description: `The loss goes from ${figure(first.loss)} to ${figure(last.loss)}; a linear model's would go to ${figure(last.line)}.`,
    x: "epsilon",
    y: "loss",
    series: [
      { name: "loss", points: walk.map(({ share, loss }) => [share * epsilon, loss] as const) },
      { name: "straight line", points: walk.map(({ share, line }) => [share * epsilon, line] as const) },
    ],
  };
}
