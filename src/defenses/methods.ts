import type { Rng } from "../base/rng.ts";
import type { Threat } from "../threats/threat.ts";
import { type Ascent, type Batch, randomStarts } from "./inner-attacks.ts";

export const METHOD_NAMES = ["fgsm-rs", "n-fgsm", "pgd", "trades", "corpus", "none"] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

export interface MethodSettings {
  /** Steps of the inner attack, where the method has a choice. */
  readonly steps: number;
}

export interface Method {
  readonly name: MethodName;
  /** One line for whoever starts it. */
  readonly summary: string;
  /** Title, arXiv id and place; null for what no paper proposes. */
  readonly paper: string | null;
  readonly defaults: MethodSettings;
  /** Share of the training in which epsilon grows from 0 to its full size, unless said otherwise. */
  readonly ramp: number;
  /**
   * `adversarial`: the loss is the cross-entropy of the crafted points. `consistency`: cross-entropy of the clean points plus beta times the
   * divergence between both. `clean`: nothing is crafted.
   */
  readonly trains: "adversarial" | "consistency" | "clean";
  /** Where crafting starts: does not depend on the weights. */
  start(batch: Batch, threat: Threat, rng: Rng): Float32Array;
  /** What moves the starts to the points that are trained on; null: nothing does. */
  attack(threat: Threat, settings: MethodSettings): Ascent | null;
}

/** Both steps of N-FGSM together reach this far: noise of twice epsilon and a step of epsilon. */
const NOISE = 2;

const METHODS: Readonly<Record<MethodName, Omit<Method, "name">>> = {
  "fgsm-rs": {
    summary: "one step of 1.25 epsilon from a random start: cheap, and prone to collapse",
    paper: "Fast is better than free, arXiv:2001.03994, algorithm 3",
    defaults: { steps: 1 },
    ramp: 0,
    trains: "adversarial",
    start: randomStarts,
    attack: (threat) => ({ loss: "cross-entropy", threat, steps: 1, stepSize: 1.25 * threat.effectiveEpsilon }),
  },
  "n-fgsm": {
    summary: "one step of epsilon from noise twice as large, not clipped to the ball: collapses later than fgsm-rs",
    paper: "Make some noise, arXiv:2202.01181, algorithm 1 with k = 2",
    defaults: { steps: 1 },
    ramp: 0,
    trains: "adversarial",
    start: (batch, threat, rng) => randomStarts(batch, threat.withEpsilon(NOISE * threat.effectiveEpsilon), rng),
    attack: (threat) => ({
      loss: "cross-entropy",
      // Wide enough that only the box and the mask ever cut: the paper clips neither noise nor step to the ball.
      threat: threat.withEpsilon((NOISE + 1) * threat.effectiveEpsilon),
      steps: 1,
      stepSize: threat.effectiveEpsilon,
    }),
  },
  pgd: {
    summary: "several steps of projected gradient ascent: the reference",
    paper: "Towards deep learning models resistant to adversarial attacks, arXiv:1706.06083, equation 2.1",
    defaults: { steps: 7 },
    // Without it small networks may stay at the accuracy of guessing.
    ramp: 0.3,
    trains: "adversarial",
    start: randomStarts,
    attack: (threat, { steps }) => ({
      loss: "cross-entropy",
      threat,
      steps,
      stepSize: (2.5 * threat.effectiveEpsilon) / steps,
    }),
  },
  trades: {
    summary:
      "clean loss plus beta times how far the answer moves inside the ball: beta sets the price in clean accuracy",
    paper: "Theoretically principled trade-off between robustness and accuracy, arXiv:1901.08573, algorithm 1",
    defaults: { steps: 10 },
    ramp: 0.3,
    trains: "consistency",
    // The paper starts at noise of 0.001, whatever epsilon is: next to nothing for a large ball, much for a small one.
    start: randomStarts,
    attack: (threat, { steps }) => ({
      loss: "divergence",
      threat,
      steps,
      stepSize: (2.5 * threat.effectiveEpsilon) / steps,
    }),
  },
  corpus: {
    summary: "half of each batch are stored boundary samples: repairs these, and little else",
    paper: "Explaining and harnessing adversarial examples, arXiv:1412.6572, section 6, with examples that do not move",
    defaults: { steps: 0 },
    ramp: 0,
    trains: "clean",
    start: ({ x0 }) => x0,
    attack: () => null,
  },
  none: {
    summary: "no inner attack: the control, and what a regularizer does alone",
    paper: null,
    defaults: { steps: 0 },
    ramp: 0,
    trains: "clean",
    start: ({ x0 }) => x0,
    attack: () => null,
  },
};

export function methodNamed(name: MethodName): Method {
  return { name, ...METHODS[name] };
}
