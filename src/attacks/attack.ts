import type { Rng } from "../base/rng.ts";
import type { LossName, TreeEnsemble } from "../models/classifier.ts";
import type { Threat } from "../threats/threat.ts";
import type { Inputs } from "./inputs.ts";

/** What the attacker knows. */
export type Knowledge = "white-box" | "score" | "label" | "transfer";

export interface Evaluation {
  /** Logits. */
  readonly scores: Float32Array;
}

export interface GradientEvaluation extends Evaluation {
  readonly loss: number;
  /** Ours to overwrite. */
  readonly gradient: Float32Array;
}

export interface QueryOptions {
  /** Whether a success here counts (default true). False reproduces attacks that only judge their last iterate. */
  readonly judge?: boolean;
}

/** A model that the attacker owns. Nothing here is judged; candidates go to the target through `Sample.scores`. */
export interface SurrogateView {
  scores(x: Float32Array): Promise<Evaluation>;
  gradient(x: Float32Array, loss: LossName, options?: { readonly target?: number }): Promise<GradientEvaluation>;
}

/**
 * One sample, as an attacker with labels alone sees it. An attack is written for a single sample; the runner runs many side by side and packs what
 * they ask into batches, so nothing that happens to one sample can depend on another.
 *
 * Every query is counted, and never returns once the attempt is over: when a verified finding was made, the budget is spent or the run is stopped, it throws
 * (`AttemptOver`), which an attack must not catch. A point outside the ball is never a finding, so a minimum-norm attack simply walks on until it is inside.
 */
export interface LabelSample {
  readonly x0: Float32Array;
  /** [height, width, channels] or [features]. */
  readonly dims: readonly number[];
  readonly label: number;
  /** The class to reach, where the goal names one for this sample. */
  readonly target: number | null;
  readonly classes: number;
  readonly threat: Threat;
  /** This attack's own stream for this sample. */
  readonly rng: Rng;
  /** Of a model of texts whose tokenizer is known: the same for texts that it can't tell apart. What the answer to one is known for, others need not be asked. */
  readonly textKey: ((text: string) => string) | null;
  /** Inputs that fooled another version of the model, for warm attacks to begin at; mostly none. */
  readonly starts: readonly Float32Array[];
  /** One query: whether the label that the model gives to `x` reaches the goal (misclassified, target reached, ...). The array is copied. */
  misleads(x: Float32Array): Promise<boolean>;
  /**
   * The same for many inputs that are known beforehand: a query for each, in batches that grow from a few to some hundreds, so that hardly more is asked
   * than one by one, and far less often. Each row of a batch that was sent counts. One by one where a query costs money.
   */
  misleadsAny(inputs: Inputs): Promise<boolean>;
}

/** One sample, as an attacker sees it who knows more than labels. `scores` and `gradient` count queries as `misleads` does. */
export interface Sample extends LabelSample {
  /** Classes that count as success, likeliest first by the clean logits. */
  readonly goalClasses: readonly number[];
  /** Logits of the clean input, already known: free of charge. */
  readonly cleanScores: Float32Array;
  /** One query. The array is copied. */
  scores(x: Float32Array, options?: QueryOptions): Promise<Evaluation>;
  /** Logits of many inputs that are known beforehand: a query for each, sent as `misleadsAny` sends them. */
  scoresOf(inputs: Inputs): Promise<Float32Array>;
  /** One query and one gradient. `target` for targeted losses and `other`. */
  gradient(
    x: Float32Array,
    loss: LossName,
    options?: QueryOptions & { readonly target?: number },
  ): Promise<GradientEvaluation>;
  /** The trees of the model's file, for white-box attacks on them: reading them costs no query. Null for any other model. */
  readonly trees: TreeEnsemble | null;
  /** The attacker's own model, for transfer attacks: its passes cost no query of the target. Null without `--surrogate`. */
  readonly surrogate: SurrogateView | null;
  /** Whether these logits reach the goal (misclassified, target reached, ...). */
  reached(scores: Float32Array): boolean;
  /** How far these logits are from the goal: negative once it is reached. z_y - max other, or max other - z_t. No query. */
  margin(scores: Float32Array): number;
}

export type SettingValue = number | boolean | string;
export type Settings = Readonly<Record<string, SettingValue>>;

/** `exhausted`: everything that the threat allows was tried. Nothing for the others, which stop by choice. */
// biome-ignore lint/suspicious/noConfusingVoidType: attacks without a conclusion are functions without a return
export type Conclusion = "exhausted" | void;

export interface AttackDefinition<S extends Settings = Settings> {
  /** `pgd`, `apgd-ce`: as typed on the command line. */
  readonly name: string;
  readonly knowledge: Knowledge;
  /** What an attack of knowledge `white-box` reads of the model: its gradients (default), or the trees that it consists of. */
  readonly reads?: "gradients" | "trees";
  /** One line for `blindspot attacks`. */
  readonly summary: string;
  /** Title and arXiv id. */
  readonly source: string;
  readonly defaults: S;
  readonly norms: readonly Threat["norm"][];
  /** The values that a setting of words may have. */
  readonly choices?: { readonly [key in keyof S]?: readonly SettingValue[] };
  /** It begins where another version was fooled (`Sample.starts`); without such points there is nothing to run. */
  readonly warm?: true;
  /** Upper bound of queries and of gradients for one sample that resists. */
  cost(settings: S, sample: { readonly classes: number }): { readonly queries: number; readonly gradients: number };
  /** Why it can't be used here (norm, modality, classes), or null. */
  unsuitable?(context: {
    readonly threat: Threat;
    readonly dims: readonly number[];
    readonly classes: number;
  }): string | null;
  /** Returns when it has nothing more to try; `exhausted` if there is nothing more that the threat allows. */
  run(sample: Sample, settings: S): Promise<Conclusion>;
}

export function defineAttack<S extends Settings>(
  definition: AttackDefinition<S> & { readonly knowledge: Exclude<Knowledge, "label"> },
): AttackDefinition<S> {
  return definition;
}

/** An attack of knowledge `label`: whatever it tries, labels are all that it can see. */
export function defineLabelAttack<S extends Settings>(
  definition: Omit<AttackDefinition<S>, "knowledge" | "run"> & {
    run(sample: LabelSample, settings: S): Promise<Conclusion>;
  },
): AttackDefinition<S> {
  return { ...definition, knowledge: "label", run: (sample, settings) => definition.run(labelsOnly(sample), settings) };
}

function labelsOnly(sample: Sample): LabelSample {
  const { x0, dims, label, target, classes, threat, rng, textKey, starts } = sample;
  return {
    x0,
    dims,
    label,
    target,
    classes,
    threat,
    rng,
    textKey,
    starts,
    misleads: (x) => sample.misleads(x),
    misleadsAny: (inputs) => sample.misleadsAny(inputs),
  };
}

/** Thrown by `Sample` when an attempt is over. Not an error. */
export class AttemptOver extends Error {
  readonly reason: "fooled" | "budget" | "stopped";
  constructor(reason: "fooled" | "budget" | "stopped") {
    super(reason);
    this.name = "AttemptOver";
    this.reason = reason;
  }
}
