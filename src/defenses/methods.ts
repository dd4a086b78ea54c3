import type { Rng } from "../base/rng.ts";
import type { Threat } from "../threats/threat.ts";
import { ascend, type Batch, randomStarts } from "./inner-attacks.ts";
import type { LiveWeights, OpenModel } from "./open-model.ts";

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
  /** Moves the starts, in place, to the points that are trained on. */
  craft(context: CraftContext): Promise<Float32Array>;
}

export interface CraftContext {
  readonly model: OpenModel;
  readonly weights: LiveWeights;
  readonly batch: Batch;
  /** From `start`. */
  readonly x: Float32Array;
  readonly threat: Threat;
  readonly settings: MethodSettings;
}

const labelled = ({ batch, threat }: CraftContext) =>
  ({ loss: "cross-entropy", towards: batch.labels, threat }) as const;

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
    craft: (context) =>
      ascend(context.model, context.weights, context.batch, context.x, {
        ...labelled(context),
        steps: 1,
        stepSize: 1.25 * context.threat.effectiveEpsilon,
      }),
  },
  "n-fgsm": {
    summary: "one step of epsilon from noise twice as large, not clipped to the ball: collapses later than fgsm-rs",
    paper: "Make some noise, arXiv:2202.01181, algorithm 1 with k = 2",
    defaults: { steps: 1 },
    ramp: 0,
    trains: "adversarial",
    start: (batch, threat, rng) => randomStarts(batch, threat.withEpsilon(NOISE * threat.effectiveEpsilon), rng),
    craft: (context) =>
      ascend(context.model, context.weights, context.batch, context.x, {
        ...labelled(context),
        // Wide enough that only the box and the mask ever cut: the paper clips neither noise nor step to the ball.
        threat: context.threat.withEpsilon((NOISE + 1) * context.threat.effectiveEpsilon),
        steps: 1,
        stepSize: context.threat.effectiveEpsilon,
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
    craft: (context) =>
      ascend(context.model, context.weights, context.batch, context.x, {
        ...labelled(context),
        steps: context.settings.steps,
        stepSize: (2.5 * context.threat.effectiveEpsilon) / context.settings.steps,
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
    async craft(context) {
      const { model, weights, batch, threat, settings } = context;
      const { logits } = await model.gradient("cross-entropy", batch.x0.slice(), batch.labels, weights);
      return ascend(model, weights, batch, context.x, {
        loss: "divergence",
        towards: logits,
        threat,
        steps: settings.steps,
        stepSize: (2.5 * threat.effectiveEpsilon) / settings.steps,
      });
    },
  },
  corpus: {
    summary: "half of each batch are stored boundary samples: repairs these, and little else",
    paper: "Explaining and harnessing adversarial examples, arXiv:1412.6572, section 6, with examples that do not move",
    defaults: { steps: 0 },
    ramp: 0,
    trains: "clean",
    start: ({ x0 }) => x0,
    craft: async ({ x }) => x,
  },
  none: {
    summary: "no inner attack: the control, and what a regularizer does alone",
    paper: null,
    defaults: { steps: 0 },
    ramp: 0,
    trains: "clean",
    start: ({ x0 }) => x0,
    craft: async ({ x }) => x,
  },
};

export function methodNamed(name: MethodName): Method {
  return { name, ...METHODS[name] };
}
