/**
 * Random noise inside the threat, no published attack: what falls to it needs no attacker. Draws alternate between a uniform point of the ball and a corner of it
 * (every coordinate at x0 - eps or x0 + eps; for L2 a direction of equal parts; for L0 so many pixels at 0 or 1), where a linear model is weakest.
 */
import { defineAttack, type Sample } from "../attack.ts";

export type NoiseSettings = { readonly queries: number };

async function runNoise(sample: Sample, { queries }: NoiseSettings): Promise<void> {
  const { x0, threat, rng } = sample;
  const x = new Float32Array(x0.length);
  const direction = new Float32Array(x0.length);
  for (let draw = 0; draw < queries; draw++) {
    if (draw % 2 === 0) x.set(threat.randomPoint(x0, rng));
    else if (threat.norm === "l0") x.set(threat.randomBoundaryPoint(x0, rng));
    else {
      for (let i = 0; i < x.length; i++) direction[i] = rng.sign();
      threat.ascend(x0, direction, threat.effectiveEpsilon, x0, x);
    }
    await sample.scores(x);
  }
}

export const noise = defineAttack<NoiseSettings>({
  name: "noise",
  knowledge: "score",
  summary: "random points of the ball and its corners: what falls to it needs no attacker",
  source: "no paper: the baseline of random draws",
  defaults: { queries: 100 },
  norms: ["linf", "l2", "l0"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runNoise,
});
