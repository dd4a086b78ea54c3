/** What an epoch left behind, as the guards and the log see it. Accuracies are shares. */
export interface EpochRecord {
  /** 0: before the training. */
  readonly epoch: number;
  /** What was minimized, mean over the steps; null before the training. */
  readonly loss: number | null;
  /** Mean cross-entropy and accuracy on the points that were trained on, as they were met. */
  readonly trainLoss: number | null;
  readonly trainAccuracy: number | null;
  /** Of the inner attack at the end of the epoch. */
  readonly epsilon: number;
  readonly learningRate: number | null;
  /** On validation data, without attack and under the watch's. */
  readonly clean: number;
  readonly robust: number;
  /** No better than one answer to everything, which no attack changes either: never the best. */
  readonly blind?: boolean;
  readonly seconds: number;
}

export type StopReason = "catastrophic-overfitting" | "stalled" | "no-improvement" | "diverged";

export interface Stop {
  readonly reason: StopReason;
  /** In words, with the figures. */
  readonly detail: string;
}

export interface GuardOptions {
  readonly by: Choice;
  /** Whether the training crafts its points: only then can an inner attack be fooled. */
  readonly crafts: boolean;
  /** Epochs without a better one after which the training ends; 0: never. Not counted while epsilon still grows. */
  readonly patience: number;
  /** Share of the most frequent label, and the entropy of the labels: what a model reaches that ignores its input. */
  readonly guessing: { readonly accuracy: number; readonly entropy: number };
}

/** A fall of robust validation accuracy by this much, while training accuracy does not fall, is a collapse (the threshold of arXiv 2001.03994). */
const COLLAPSE = 0.2;
/** So many epochs in a row in which training accuracy is so far above robust accuracy: the inner attack never found what the watch finds. */
const FOOLED_EPOCHS = 3;
const FOOLED_GAP = 0.5;
/** Epochs in a row that look like guessing, with a loss that falls by less than a hundredth from the first to the last. */
const STALLED_EPOCHS = 3;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** What makes an epoch the best: natural training, the control, is not chosen by a robustness that it does not seek. */
export type Choice = "robust" | "clean";

/**
 * The epoch of highest accuracy of the chosen kind. Among equals: the first, or the one with the highest clean accuracy, where robustness counts;
 * the last where clean accuracy alone counts, which soon rises no more. Never one that is blind.
 */
export function bestEpoch(history: readonly EpochRecord[], by: Choice): EpochRecord {
  const better = (a: EpochRecord, b: EpochRecord) =>
    by === "clean" ? a.clean >= b.clean : a.robust > b.robust || (a.robust === b.robust && a.clean > b.clean);
  return history.reduce((best, next) => (!next.blind && better(next, best) ? next : best));
}

/** Whether what stands is what one answer to everything would get right on these labels: its robust accuracy is no merit. */
export function isBlind({ clean, robust }: Pick<EpochRecord, "clean" | "robust">, labels: Int32Array): boolean {
  return robust === clean && clean <= guessing(labels).accuracy;
}

/** Whether the training should end after the last epoch of the history, and why. */
export function judge(history: readonly EpochRecord[], fullEpsilon: number, options: GuardOptions): Stop | null {
  const last = history.at(-1)!;
  if (last.epoch === 0) return null;
  return (
    (options.crafts ? (collapse(history, last) ?? neverStood(history, fullEpsilon)) : null) ??
    stall(history, options) ??
    impatience(history, last, fullEpsilon, options)
  );
}

/**
 * Catastrophic overfitting: the model learns to fool the inner attack instead of resisting it. Training accuracy rises, robust accuracy under
 * several steps falls.
 */
function collapse(history: readonly EpochRecord[], last: EpochRecord): Stop | null {
  const best = bestEpoch(history, "robust");
  if (last.robust > best.robust - COLLAPSE) return null;
  if (best.trainAccuracy !== null && last.trainAccuracy! < best.trainAccuracy) return null;
  return {
    reason: "catastrophic-overfitting",
    detail: `robust validation accuracy fell from ${percent(best.robust)} (epoch ${best.epoch}) to ${percent(last.robust)} while training accuracy rose to ${percent(last.trainAccuracy!)}: ${FOOLS}`,
  };
}

const FOOLS =
  "the model fools the inner attack. Method pgd does not collapse like this; a smaller epsilon or learning rate helps too";

/** The same without a fall: a model that fooled the inner attack from the first epochs on. */
function neverStood(history: readonly EpochRecord[], fullEpsilon: number): Stop | null {
  const recent = history.filter(({ epoch, epsilon }) => epoch > 0 && epsilon >= fullEpsilon).slice(-FOOLED_EPOCHS);
  if (recent.length < FOOLED_EPOCHS) return null;
  if (!recent.every(({ trainAccuracy, robust }) => trainAccuracy! - robust > FOOLED_GAP)) return null;
  const { trainAccuracy, robust } = recent.at(-1)!;
  return {
    reason: "catastrophic-overfitting",
    detail: `training accuracy is ${percent(trainAccuracy!)}, robust validation accuracy ${percent(robust)}, for ${FOOLED_EPOCHS} epochs: ${FOOLS}`,
  };
}

/** Robust training of small networks may never leave the answer that ignores the input. */
function stall(history: readonly EpochRecord[], { guessing }: GuardOptions): Stop | null {
  const recent = history.slice(1).slice(-STALLED_EPOCHS);
  const guesses = ({ trainAccuracy, trainLoss }: EpochRecord) =>
    trainAccuracy! <= guessing.accuracy + 0.05 && trainLoss! >= 0.95 * guessing.entropy;
  if (recent.length < STALLED_EPOCHS || !recent.every(guesses)) return null;
  const { trainAccuracy, trainLoss } = recent.at(-1)!;
  if (trainLoss! < 0.99 * recent[0]!.trainLoss!) return null;
  return {
    reason: "stalled",
    detail: `training accuracy is ${percent(trainAccuracy!)} and the loss ${trainLoss!.toFixed(3)}, what guessing gives (${percent(guessing.accuracy)}, ${guessing.entropy.toFixed(3)}). A longer --epsilon-ramp, a lower --lr or a start from a trained model helps`,
  };
}

function impatience(
  history: readonly EpochRecord[],
  last: EpochRecord,
  fullEpsilon: number,
  { patience, by }: GuardOptions,
): Stop | null {
  if (patience === 0) return null;
  const full = history.find(({ epoch, epsilon }) => epoch > 0 && epsilon >= fullEpsilon);
  if (full === undefined) return null;
  const best = bestEpoch(history, by);
  const since = last.epoch - Math.max(best.epoch, full.epoch);
  if (since < patience) return null;
  return {
    reason: "no-improvement",
    detail: `${by} validation accuracy has not risen above ${percent(best[by])} (epoch ${best.epoch}) for ${since} epochs`,
  };
}

/** What answering always the same gives on these labels: the share of the most frequent one, and their entropy in nats. */
export function guessing(labels: Int32Array): GuardOptions["guessing"] {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const shares = [...counts.values()].map((count) => count / labels.length);
  return {
    accuracy: Math.max(...shares),
    entropy: -shares.reduce((sum, share) => sum + share * Math.log(share), 0),
  };
}
