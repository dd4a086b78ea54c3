/**
 * Explaining and harnessing adversarial examples (Goodfellow, Shlens, Szegedy 2014), arXiv:1412.6572, section 4.
 * Reference settings: one step of length epsilon with cross-entropy.
 *
 * Differences from the paper: the step is the threat's own (sign(g) for L-inf, g / |g|_2 for L2, for L0 the K pixels that gain most to first order), the point is clipped to the box, and a targeted
 * goal descends the cross-entropy to the target. A zero gradient moves nothing, and nothing is then asked of the model.
 */
import { aimOf, LOSS_CHOICES, type LossChoice } from "../aim.ts";
import { defineAttack, type Sample } from "../attack.ts";

export type FgsmSettings = { readonly loss: LossChoice };

async function runFgsm(sample: Sample, settings: FgsmSettings): Promise<void> {
  const { x0, threat } = sample;
  const aim = aimOf(sample, settings.loss);
  const { gradient } = await sample.gradient(x0, aim.loss, { ...aim, judge: false });
  if (gradient.every((value) => value === 0)) return;
  // x = x0 + eps sign(grad J(theta, x0, y))
  await sample.scores(threat.ascend(x0, gradient, threat.effectiveEpsilon, x0));
}

export const fgsm = defineAttack<FgsmSettings>({
  name: "fgsm",
  knowledge: "white-box",
  summary: "one step along the gradient: the seed of the field, and a baseline that anything else must beat",
  source: "Explaining and harnessing adversarial examples, arXiv:1412.6572",
  defaults: { loss: "cross-entropy" },
  norms: ["linf", "l2", "l0"],
  choices: { loss: LOSS_CHOICES },
  cost: () => ({ queries: 2, gradients: 1 }),
  run: runFgsm,
});
