/**
 * Boosting adversarial attacks with momentum (Dong et al. 2017), arXiv:1710.06081, algorithm 1 (MI-FGSM); without momentum and with a random start it is PGD on
 * the surrogate.
 * Reference settings: mu 1, 10 steps of eps / 10.
 *
 * Differences from the paper: the target is asked about every iterate, not only the last (`ask: "last"` asks once); a zero gradient adds nothing to the
 * momentum (the paper divides by its norm).
 */

import { internalError } from "../../base/errors.ts";
import { aimOf, LOSS_CHOICES, type LossChoice } from "../aim.ts";
import { type AttackDefinition, defineAttack, type Sample } from "../attack.ts";

export type MomentumSettings = {
  readonly steps: number;
  /** In 0..1 units of the norm; 0: eps / steps, from a random start 2.5 eps / steps. */
  readonly stepSize: number;
  /** mu: what is kept of the accumulated gradient. */
  readonly decay: number;
  readonly restarts: number;
  readonly loss: LossChoice;
  readonly randomStart: boolean;
  /** Which iterates the target is asked about. */
  readonly ask: "every" | "last";
};

async function runMomentum(sample: Sample, settings: MomentumSettings): Promise<void> {
  const { x0, threat, rng, surrogate } = sample;
  if (surrogate === null) throw internalError("a transfer attack without a surrogate");
  const aim = aimOf(sample, settings.loss);
  const reach = (settings.randomStart ? 2.5 : 1) * threat.effectiveEpsilon;
  const alpha = settings.stepSize > 0 ? settings.stepSize : reach / settings.steps;
  for (let restart = 0; restart < settings.restarts; restart++) {
    const x = settings.randomStart ? threat.randomPoint(x0, rng) : Float32Array.from(x0);
    const g = new Float32Array(x0.length);
    for (let i = 0; i < settings.steps; i++) {
      const { gradient } = await surrogate.gradient(x, aim.loss, aim);
      // g_{t+1} = mu g_t + grad / |grad|_1
      const length = gradient.reduce((sum, value) => sum + Math.abs(value), 0);
      const scale = length > 0 && Number.isFinite(length) ? 1 / length : 0;
      for (let j = 0; j < g.length; j++) g[j] = settings.decay * g[j]! + (scale === 0 ? 0 : scale * gradient[j]!);
      // x_{t+1} = Pi( x_t + alpha sign(g_{t+1}) )
      threat.ascend(x, g, alpha, x0, x);
      if (settings.ask === "every" || i === settings.steps - 1) await sample.scores(x);
    }
    if (!settings.randomStart) return; // every restart would be the same
  }
}

function defineMomentum(
  name: string,
  summary: string,
  source: string,
  defaults: MomentumSettings,
): AttackDefinition<MomentumSettings> {
  return defineAttack<MomentumSettings>({
    name,
    knowledge: "transfer",
    summary,
    source,
    defaults,
    norms: ["linf", "l2"],
    choices: { loss: LOSS_CHOICES, ask: ["every", "last"] },
    cost: ({ steps, restarts, randomStart, ask }) => ({
      queries: (randomStart ? restarts : 1) * (ask === "every" ? steps : 1),
      gradients: 0,
    }),
    run: runMomentum,
  });
}

const DEFAULTS: MomentumSettings = {
  steps: 10,
  stepSize: 0,
  decay: 1,
  restarts: 1,
  loss: "cross-entropy",
  randomStart: false,
  ask: "every",
};

export const miFgsm = defineMomentum(
  "mi-fgsm",
  "gradient ascent with momentum on the surrogate, asked of the target",
  "Boosting adversarial attacks with momentum, arXiv:1710.06081",
  DEFAULTS,
);

export const transferPgd = defineMomentum(
  "transfer-pgd",
  "PGD on the surrogate with the margin loss, asked of the target",
  "Towards deep learning models resistant to adversarial attacks, arXiv:1706.06083",
  { ...DEFAULTS, steps: 20, decay: 0, randomStart: true, loss: "margin" },
);
