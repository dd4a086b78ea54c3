/**
 * Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks (Croce, Hein 2020), arXiv:2003.01690, algorithm 1 and
 * section 4; the margin loss as in arXiv:1608.04644.
 * Reference settings: 100 steps, rho 0.75, momentum 0.75, first step 2 eps; targeted: the nine likeliest wrong classes.
 *
 * Differences from the authors' code: the first comparison of the first window is with f(x^0), as in the paper (their history starts with an empty row, so with a
 * positive loss it always counts as an increase); the last step asks for scores only (its gradient would never be used).
 * A zero gradient contributes no step; momentum, and from the next checkpoint the smaller step from the best point, still move.
 */
import { type Aim, aimOf, type LossChoice } from "../aim.ts";
import { type AttackDefinition, defineAttack, type Sample } from "../attack.ts";

export type ApgdSettings = { readonly steps: number; readonly restarts: number; readonly rho: number };
export type TargetedApgdSettings = ApgdSettings & { readonly targets: number };

/** Numbers of steps after which the step size is examined: 22, 41, 57, 70, 80, 87, 93, 99 of 100. */
export function checkpoints(steps: number): number[] {
  const shrink = Math.max(Math.floor(0.03 * steps), 1);
  const shortest = Math.max(Math.floor(0.06 * steps), 1);
  const result: number[] = [];
  let window = Math.max(Math.floor(0.22 * steps), 1);
  for (let at = window; at <= steps; at += window) {
    result.push(at);
    window = Math.max(window - shrink, shortest);
  }
  return result;
}

interface Begin {
  readonly from: Float32Array;
  /** Length of the first step, in epsilons. */
  readonly step: number;
}

/** One run, from a random start unless said otherwise. */
async function ascend(
  sample: Sample,
  aim: Aim,
  { steps, rho }: Pick<ApgdSettings, "steps" | "rho">,
  begin: Begin = { from: sample.threat.randomBoundaryPoint(sample.x0, sample.rng), step: 2 },
): Promise<void> {
  const { x0, threat } = sample;
  const size = x0.length;
  const examine = new Set(checkpoints(steps));
  let eta = begin.step * threat.effectiveEpsilon;

  let x: Float32Array = threat.project(Float32Array.from(begin.from), x0);
  let xPrevious: Float32Array = Float32Array.from(x);
  let xNext: Float32Array = new Float32Array(size);
  const z = new Float32Array(size);
  const start = await sample.gradient(x, aim.loss, aim);
  let f = start.loss;
  // Copied, because the array that comes with an evaluation may be a part of a whole batch.
  const g = Float32Array.from(start.gradient);
  const xBest = Float32Array.from(x);
  const gBest = Float32Array.from(g);
  let fBest = f;

  let increases = 0;
  let lastCheck = 0;
  let fBestAtLastCheck = fBest;
  let reducedAtLastCheck = true; // condition 2 can't hold at the first checkpoint

  for (let i = 0; i < steps; i++) {
    // z = Pi( x + eta dir(g) );  x' = Pi( x + a (z - x) + (1 - a)(x - x_prev) )
    const a = i === 0 ? 1 : 0.75;
    threat.ascend(x, g, eta, x0, z);
    for (let j = 0; j < size; j++) xNext[j] = x[j]! + a * (z[j]! - x[j]!) + (1 - a) * (x[j]! - xPrevious[j]!);
    threat.project(xNext, x0);
    [xPrevious, x, xNext] = [x, xNext, xPrevious];

    if (i === steps - 1) {
      await sample.scores(x);
      return;
    }
    const fPrevious = f;
    const evaluation = await sample.gradient(x, aim.loss, aim);
    f = evaluation.loss;
    g.set(evaluation.gradient);
    if (f > fPrevious) increases++;
    if (f > fBest) {
      fBest = f;
      xBest.set(x);
      gBest.set(g);
    }

    if (!examine.has(i + 1)) continue;
    const rarelyIncreased = increases <= rho * (i + 1 - lastCheck); // condition 1
    const stuck: boolean = !reducedAtLastCheck && fBestAtLastCheck >= fBest; // condition 2
    reducedAtLastCheck = rarelyIncreased || stuck;
    if (reducedAtLastCheck) {
      eta /= 2;
      x.set(xBest);
      g.set(gBest);
    }
    fBestAtLastCheck = fBest;
    increases = 0;
    lastCheck = i + 1;
  }
}

function cost(settings: ApgdSettings, runs: number): { queries: number; gradients: number } {
  const total = runs * settings.restarts;
  return { queries: total * (settings.steps + 1), gradients: total * settings.steps };
}

const SOURCE =
  "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks, arXiv:2003.01690";

function untargetedApgd(name: string, loss: LossChoice, summary: string): AttackDefinition<ApgdSettings> {
  return defineAttack<ApgdSettings>({
    name,
    knowledge: "white-box",
    summary,
    source: SOURCE,
    defaults: { steps: 100, restarts: 1, rho: 0.75 },
    norms: ["linf", "l2"],
    cost: (settings) => cost(settings, 1),
    async run(sample, settings) {
      for (let restart = 0; restart < settings.restarts; restart++) await ascend(sample, aimOf(sample, loss), settings);
    },
  });
}

/** APGD toward each of the likeliest wrong classes in turn. Any success counts, not only that class (unless the goal says so). */
function apgdPerClass(
  name: string,
  loss: "targeted-dlr" | "other",
  summary: string,
  defaults: TargetedApgdSettings,
): AttackDefinition<TargetedApgdSettings> {
  return defineAttack<TargetedApgdSettings>({
    name,
    knowledge: "white-box",
    summary,
    source: SOURCE,
    defaults,
    norms: ["linf", "l2"],
    cost: (settings, { classes }) => cost(settings, Math.min(settings.targets, classes - 1)),
    async run(sample, settings) {
      for (const target of sample.goalClasses.slice(0, settings.targets))
        for (let restart = 0; restart < settings.restarts; restart++) await ascend(sample, { loss, target }, settings);
    },
  });
}

export const apgdCe = untargetedApgd("apgd-ce", "cross-entropy", "AutoPGD with cross-entropy: step sizes that adapt");
export const apgdMargin = untargetedApgd("apgd-margin", "margin", "AutoPGD on the difference to the best wrong logit");
export const apgdDlr = untargetedApgd("apgd-dlr", "dlr", "AutoPGD on the difference of logits ratio");
export const apgdT = apgdPerClass("apgd-t", "targeted-dlr", "AutoPGD toward each of the likeliest wrong classes", {
  steps: 100,
  restarts: 1,
  rho: 0.75,
  targets: 9,
});
export const raiseOneLogit = apgdPerClass(
  "raise-one-logit",
  "other",
  "AutoPGD raising one wrong logit against the true one",
  {
    steps: 50,
    restarts: 1,
    rho: 0.75,
    targets: 3,
  },
);

export type WarmApgdSettings = {
  /** Of each run. */
  readonly steps: number;
  readonly rho: number;
  /** First steps in epsilons: a short one stays near the start, a long one leaves it. */
  readonly near: number;
  readonly far: number;
};

/**
 * AutoPGD from inputs that fooled another version of the model. Where a version only moved its boundary, the old input lies beside a new one: a
 * short first step finds it. Two runs from each start: on the margin, and up the wrong class that is likeliest there.
 */
export const apgdWarm = defineAttack<WarmApgdSettings>({
  name: "apgd-warm",
  knowledge: "white-box",
  summary: "AutoPGD from inputs that fooled another version of the model",
  source: SOURCE,
  defaults: { steps: 50, rho: 0.75, near: 0.25, far: 1 },
  norms: ["linf", "l2"],
  warm: true,
  // For one start: more of them cost as much each.
  cost: ({ steps }) => ({ queries: 2 * steps + 3, gradients: 2 * steps }),
  async run(sample, settings) {
    for (const start of sample.starts) {
      const from = sample.threat.project(Float32Array.from(start), sample.x0);
      const { scores } = await sample.scores(from);
      const [likeliest] = [...sample.goalClasses].sort((a, b) => scores[b]! - scores[a]!);
      await ascend(sample, aimOf(sample, "margin"), settings, { from, step: settings.near });
      await ascend(sample, { loss: "other", target: likeliest! }, settings, { from, step: settings.far });
    }
  },
});
