/**
 * Rows by gradient: first the changes that gain most to first order, one to K of them; then projected gradient ascent in the scaled box, where
 * the gradient is taken at the nearest legal row (straight-through) and steps are kept beside it, so that small ones add up to a step that a field can make.
 */
import { aimOf, LOSS_CHOICES, type LossChoice } from "../aim.ts";
import { defineAttack, type Sample } from "../attack.ts";

export type RowGradientSettings = {
  readonly steps: number;
  readonly restarts: number;
  /** Of a step, as a share of each field's range. */
  readonly stepSize: number;
  readonly loss: LossChoice;
};

/** Numbers of fields that are changed at once by first order alone. */
const MOST_RANKED = 64;

async function runGradient(sample: Sample, { steps, restarts, stepSize, loss }: RowGradientSettings): Promise<void> {
  const { x0, threat, rng } = sample;
  const aim = aimOf(sample, loss);
  const gradientAt = async (x: Float32Array) => (await sample.gradient(x, aim.loss, aim)).gradient;
  const atClean = await gradientAt(x0);
  for (let count = 1; count <= Math.min(threat.effectiveEpsilon, MOST_RANKED); count++)
    await sample.scores(threat.ascend(x0, atClean, count, x0));
  for (let restart = 0; restart < restarts; restart++) {
    const z = Float32Array.from(restart === 0 ? x0 : threat.randomPoint(x0, rng));
    for (let step = 0; step < steps; step++) {
      const gradient = await gradientAt(threat.project(Float32Array.from(z), x0));
      for (let i = 0; i < z.length; i++) z[i] = Math.min(1, Math.max(0, z[i]! + stepSize * Math.sign(gradient[i]!)));
    }
    await sample.scores(threat.project(z, x0));
  }
}

export const rowGradient = defineAttack<RowGradientSettings>({
  name: "row-gradient",
  knowledge: "white-box",
  summary: "projected gradient ascent over the legal rows: steps in the scaled box, values and relations repaired",
  source:
    "A Unified Framework for Adversarial Attack and Defense in Constrained Feature Space, arXiv:2112.01156 (CPGD), with repair at each step",
  defaults: { steps: 40, restarts: 2, stepSize: 0.05, loss: "margin" },
  norms: ["fields"],
  choices: { loss: LOSS_CHOICES },
  cost: ({ steps, restarts }) => ({
    queries: MOST_RANKED + 1 + (steps + 1) * restarts,
    gradients: 1 + steps * restarts,
  }),
  run: runGradient,
});
