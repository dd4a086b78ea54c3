/**
 * sigma-zero: gradient-based optimization of l0-norm adversarial examples (Cina et al. 2024), arXiv:2402.01879, algorithm 1.
 * Reference settings: 1,000 steps, eta0 1, sigma 0.001, tau0 0.3, t 0.01; Adam 0.9, 0.999.
 *
 * Differences from the paper: where the threat counts pixels, so does the approximation of the norm (sum over pixels of |d|^2 / (|d|^2 + sigma)) and a pixel is
 * dropped as a whole, by its largest channel; a targeted goal has the targeted margin. The runner keeps the best point, and ends the search at the
 * first one with no more pixels than the threat allows.
 */
import { aimOf } from "../aim.ts";
import { defineAttack, type Sample } from "../attack.ts";

export type SigmaZeroSettings = {
  readonly steps: number;
  /** eta0: the step at first; it falls along half a cosine to a tenth. */
  readonly stepSize: number;
  /** sigma: how sharply the approximation tells zero from nonzero. */
  readonly sigma: number;
  /** tau0: changes below it are dropped, at first. */
  readonly threshold: number;
  /** t: by which share of the step the threshold moves. */
  readonly adaptation: number;
};

const BETA1 = 0.9;
const BETA2 = 0.999;

async function runSigmaZero(sample: Sample, settings: SigmaZeroSettings): Promise<void> {
  const { x0, threat } = sample;
  const { steps, stepSize, sigma, adaptation } = settings;
  const size = x0.length;
  const aim = aimOf(sample, "margin");
  const x = Float32Array.from(x0);
  const delta = new Float32Array(size);
  const slope = new Float64Array(size);
  const first = new Float64Array(size); // Adam's moments
  const second = new Float64Array(size);
  let eta = stepSize;
  let tau = settings.threshold;
  for (let i = 0; i < steps; i++) {
    const { loss, gradient, scores } = await sample.gradient(x, aim.loss, aim);
    const adversarial = sample.reached(scores);

    // grad of max(z_y - max other, 0) + l0(delta) / d, scaled to a largest coordinate of 1
    const attacking = loss <= 0 ? 1 : 0;
    sparsitySlope(slope, delta, threat.unit, sigma);
    let largest = 1e-12;
    for (let j = 0; j < size; j++) {
      const total = slope[j]! - (attacking === 0 ? 0 : gradient[j]!);
      slope[j] = threat.mask?.[j] === 0 || !Number.isFinite(total) ? 0 : total;
      largest = Math.max(largest, Math.abs(slope[j]!));
    }

    // Adam, then the box
    const correction1 = 1 - BETA1 ** (i + 1);
    const correction2 = Math.sqrt(1 - BETA2 ** (i + 1));
    for (let j = 0; j < size; j++) {
      const g = slope[j]! / largest;
      first[j] = BETA1 * first[j]! + (1 - BETA1) * g;
      second[j] = BETA2 * second[j]! + (1 - BETA2) * g * g;
      const step = ((eta / correction1) * first[j]!) / (Math.sqrt(second[j]!) / correction2 + 1e-8);
      delta[j] = Math.min(1, Math.max(0, x0[j]! + delta[j]! - step)) - x0[j]!;
    }

    eta = stepSize * (0.1 + 0.45 * (1 + Math.cos((Math.PI * i) / steps)));
    tau = Math.min(1, Math.max(0, tau + (adversarial ? 1 : -1) * adaptation * eta));
    dropSmall(delta, threat.unit, tau);
    for (let j = 0; j < size; j++) x[j] = x0[j]! + delta[j]!;
  }
}

/** Writes the gradient of mean over units of s / (s + sigma), s = |delta of the unit|^2: 2 delta sigma / (s + sigma)^2 for each coordinate. */
function sparsitySlope(slope: Float64Array, delta: Float32Array, unit: number, sigma: number): void {
  const units = delta.length / unit;
  for (let start = 0; start < delta.length; start += unit) {
    let squares = 0;
    for (let j = start; j < start + unit; j++) squares += delta[j]! * delta[j]!;
    const factor = (2 * sigma) / ((squares + sigma) ** 2 * units);
    for (let j = start; j < start + unit; j++) slope[j] = factor * delta[j]!;
  }
}

/** Takes units back whose largest change is below tau. */
function dropSmall(delta: Float32Array, unit: number, tau: number): void {
  for (let start = 0; start < delta.length; start += unit) {
    let largest = 0;
    for (let j = start; j < start + unit; j++) largest = Math.max(largest, Math.abs(delta[j]!));
    if (largest < tau) delta.fill(0, start, start + unit);
  }
}

export const sigmaZero = defineAttack<SigmaZeroSettings>({
  name: "sigma-zero",
  knowledge: "white-box",
  summary: "descends a smooth count of the changed pixels, and drops small changes: few pixels",
  source: "Sigma-zero: gradient-based optimization of l0-norm adversarial examples, arXiv:2402.01879",
  defaults: { steps: 1000, stepSize: 1, sigma: 0.001, threshold: 0.3, adaptation: 0.01 },
  norms: ["l0"],
  cost: ({ steps }) => ({ queries: steps, gradients: steps }),
  run: runSigmaZero,
});
