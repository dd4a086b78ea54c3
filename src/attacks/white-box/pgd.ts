/**
 * Towards deep learning models resistant to adversarial attacks (Madry et al. 2017), arXiv:1706.06083, equation 2 of section 2.1; without random start it
 * is the basic iterative method (Kurakin, Goodfellow, Bengio 2016, arXiv:1607.02533).
 * Reference settings: MNIST eps 0.3: 40 steps of 0.01; CIFAR-10 eps 8/255: 20 steps of 2/255; random start; the last iterate counts.
 *
 * Differences from the paper: any iterate may succeed (`keep: "last"` counts the last one only); a step size of 0 means 2.5 eps / steps; a start
 * is uniform in the ball, also for L2. A zero gradient leaves the point where it is, and that restart ends.
 */
import { aimOf, LOSS_CHOICES, type LossChoice } from "../aim.ts";
import { type AttackDefinition, defineAttack, type Sample } from "../attack.ts";

export type PgdSettings = {
  readonly steps: number;
  /** In 0..1 units of the norm; 0: 2.5 eps / steps. */
  readonly stepSize: number;
  readonly restarts: number;
  readonly loss: LossChoice;
  readonly randomStart: boolean;
  /** Which iterates may succeed: any, or the last of each restart. */
  readonly keep: "any" | "last";
};

async function runPgd(sample: Sample, settings: PgdSettings): Promise<void> {
  const { x0, threat, rng } = sample;
  const { steps, restarts, keep } = settings;
  const aim = aimOf(sample, settings.loss);
  const alpha = settings.stepSize > 0 ? settings.stepSize : (2.5 * threat.effectiveEpsilon) / steps;
  for (let restart = 0; restart < restarts; restart++) {
    const x = settings.randomStart ? threat.randomPoint(x0, rng) : Float32Array.from(x0);
    for (let i = 0; i < steps; i++) {
      const { gradient } = await sample.gradient(x, aim.loss, { ...aim, judge: keep === "any" });
      if (gradient.every((value) => value === 0)) break;
      // x_{i+1} = Pi( x_i + alpha sign(grad L) )
      threat.ascend(x, gradient, alpha, x0, x);
    }
    await sample.scores(x);
    if (!settings.randomStart) return; // every restart would be the same
  }
}

function definePgd(
  name: string,
  summary: string,
  source: string,
  defaults: PgdSettings,
): AttackDefinition<PgdSettings> {
  return defineAttack<PgdSettings>({
    name,
    knowledge: "white-box",
    summary,
    source,
    defaults,
    norms: ["linf", "l2"],
    choices: { loss: LOSS_CHOICES, keep: ["any", "last"] },
    cost: ({ steps, restarts, randomStart }) => {
      const runs = randomStart ? restarts : 1;
      return { queries: runs * (steps + 1), gradients: runs * steps };
    },
    run: runPgd,
  });
}

const DEFAULTS: PgdSettings = {
  steps: 40,
  stepSize: 0,
  restarts: 1,
  loss: "cross-entropy",
  randomStart: true,
  keep: "any",
};

export const pgd = definePgd(
  "pgd",
  "projected gradient ascent from a random start",
  "Towards deep learning models resistant to adversarial attacks, arXiv:1706.06083",
  DEFAULTS,
);

/** PGD without random start. */
export const bim = definePgd(
  "bim",
  "the basic iterative method: PGD from the clean input",
  "Adversarial examples in the physical world, arXiv:1607.02533",
  { ...DEFAULTS, randomStart: false },
);
