import { Rng } from "../../base/rng.ts";
import type { DataSample } from "../../data/dataset.ts";
import type { Classifier } from "../../models/classifier.ts";
import { gradientsOf, scoresOf } from "../../models/row-batches.ts";
import { median } from "../statistics.ts";
import { type CheckDefinition, fail, type ModelContext, type Outcome, pass, percent, skipped, warn } from "./check.ts";
import { labelsOf, marginLoss, pointsOf } from "./rows.ts";

/** Half of 8 grey levels: how far noise reaches that a person hardly sees. */
const NOISE = 4 / 255;
const LOSSES = ["cross-entropy", "margin"] as const;
/** Samples and directions of the two probes that take many passes. */
const PROBED = 10;
const DIRECTIONS = 20;
const DRAWS = 100;
/** Two lengths: the longer one is less hurt by float32, the shorter one by bends between here and there. */
const LENGTHS = [1e-2, 1e-3] as const;
const FLOAT32 = 2 ** -23;

function nearby(point: Float32Array, radius: number, rng: Rng): Float32Array {
  return point.map((value) => Math.min(1, Math.max(0, value + radius * (2 * rng.uniform() - 1))));
}

async function gradientsZero({ classifier, correct, seed }: ModelContext): Promise<Outcome[]> {
  if (!classifier.capabilities.gradient) return skipped("the model gives no gradients");
  if (correct.length === 0) return skipped("no sample is classified correctly");
  const rng = Rng.of(seed).fold("gradients-zero");
  const starts = correct.map(({ point, index }) => nearby(point, 2 * NOISE, rng.fold(index)));
  const points = [...pointsOf(correct), ...starts];
  const labels = [...labelsOf(correct), ...labelsOf(correct)];
  const zero = { "cross-entropy": 0, margin: 0 };
  let broken = 0;
  for (const loss of LOSSES)
    for (const gradient of await gradientsOf(classifier, points, labels, loss)) {
      if (gradient.every((value) => value === 0)) zero[loss]++;
      if (!gradient.every(Number.isFinite)) broken++;
    }
  const of = points.length;
  const detail = `of ${of} gradients (at each sample and at a random point near it), exactly zero: ${zero["cross-entropy"]} with cross-entropy, ${zero.margin} with the margin loss; ${broken} not finite`;
  if (broken > 0 || zero.margin > 0.05 * of) return fail(detail);
  return zero.margin + zero["cross-entropy"] > 0 ? warn(detail) : pass(detail);
}

const rms = (values: readonly number[]) => Math.hypot(...values) / Math.sqrt(values.length);

/**
 * How far the gradient's slopes along random directions are from measured ones, relative to the larger of the two, in root mean square over
 * the directions. Null where neither shows any slope.
 */
async function slopeError(classifier: Classifier, sample: DataSample, seed: number): Promise<number | null> {
  const { label, index } = sample;
  const longest = Math.max(...LENGTHS);
  // Moved inward, so that both ends of each difference lie in the box.
  const x = sample.point.map((value) => Math.min(1 - longest, Math.max(longest, value)));
  const [gradient] = await gradientsOf(classifier, [x], [label], "margin");
  const rng = Rng.of(seed).fold("gradient-direction").fold(index);
  const directions = Array.from({ length: DIRECTIONS }, () => x.map(() => rng.sign()));
  const claimed = directions.map((u) => u.reduce((sum, sign, i) => sum + sign * gradient![i]!, 0));
  let smallest: number | null = null;
  for (const h of LENGTHS) {
    const ends = directions.flatMap((u) => [
      x.map((value, i) => value + h * u[i]!),
      x.map((value, i) => value - h * u[i]!),
    ]);
    const scores = await scoresOf(classifier, ends);
    const losses = scores.map((row) => marginLoss(row, label));
    const measured = directions.map((_, i) => (losses[2 * i]! - losses[2 * i + 1]!) / (2 * h));
    // Slopes that rounding of the scores alone could make are not told from zero.
    const rounding = (8 * FLOAT32 * Math.max(...scores.flatMap((row) => Array.from(row, Math.abs)))) / h;
    const scale = Math.max(rms(measured), rms(claimed));
    if (scale <= rounding) continue;
    const error = rms(measured.map((slope, i) => slope - claimed[i]!)) / scale;
    smallest = Math.min(smallest ?? Number.POSITIVE_INFINITY, error);
  }
  return smallest;
}

async function gradientDirection({ classifier, correct, seed }: ModelContext): Promise<Outcome[]> {
  if (!classifier.capabilities.gradient) return skipped("the model gives no gradients");
  const probed = correct.slice(0, PROBED);
  const errors: number[] = [];
  for (const sample of probed) {
    const error = await slopeError(classifier, sample, seed);
    if (error !== null) errors.push(error);
  }
  if (errors.length === 0) return skipped("no slope to compare: the scores do not change near the samples");
  const typical = median(errors);
  const detail = `slopes along ${DIRECTIONS} random directions differ from measured ones by ${percent(typical)} (median of ${errors.length} samples)`;
  const straightThrough = (classifier.steps?.straightThrough.length ?? 0) > 0;
  if (typical > 0.5 && !straightThrough) return fail(detail);
  return typical > 0.3 ? warn(detail) : pass(detail);
}

async function noisyLandscape({ classifier, correct, seed, modality }: ModelContext): Promise<Outcome[]> {
  if (modality === "text") return skipped("void: between two characters there is nothing");
  if (classifier.capabilities.output === "label") return skipped("the model gives labels only");
  const probed = correct.slice(0, PROBED);
  if (probed.length === 0) return skipped("no sample is classified correctly");
  const changes: number[] = [];
  for (const { point, label, index } of probed) {
    const rng = Rng.of(seed).fold("noisy-landscape").fold(index);
    const draws = Array.from({ length: DRAWS }, () => nearby(point, NOISE, rng));
    const [first, ...others] = (await scoresOf(classifier, [point, ...draws])).map((row) => marginLoss(row, label));
    const relative = others.map((loss) => (loss === first ? 0 : Math.min(1, Math.abs((loss - first!) / first!))));
    changes.push(relative.reduce((sum, change) => sum + change, 0) / DRAWS);
  }
  const typical = median(changes);
  const detail = `noise of 4/255 changes the margin by ${percent(typical)} on average (median of ${changes.length} samples)`;
  if (typical > 0.5) return fail(detail);
  return typical > 0.1 ? warn(detail) : pass(detail);
}

export const GRADIENT_PROBES: readonly CheckDefinition<ModelContext>[] = [
  {
    id: "gradients-zero",
    rule: "At each correct sample of the audit subset, and at a random point within 8/255 of it: gradients of cross-entropy and of the margin loss. Any that is exactly zero warns; more than 5 % of those of the margin loss, or any that is not finite, fail.",
    source: "AutoAttack, its check for zero gradients; Pintor et al. (arXiv:2106.09947), indicator I1",
    remedy:
      "Gradient attacks see nothing where gradients are zero: judge by score and label attacks (--profile score), attack with a --surrogate, or take the flat operator out of the graph that is attacked.",
    run: gradientsZero,
  },
  {
    id: "gradient-direction",
    rule: "Slopes of the margin along 20 random sign directions, by central differences of length 1e-2 and 1e-3 on the float32 model (the better of the two), against those of the gradient: root-mean-square difference over the larger root mean square, median of 10 samples. Above 0.3 warns, above 0.5 fails (warns where gradients pass straight through a step function by intention).",
    source: "Carlini et al. (arXiv:1902.06705), numerical check of gradients; thresholds ours, for float32 and ReLU",
    remedy:
      "The gradient is not that of the model that answers: look for operators under step-functions, and judge by attacks that only query.",
    run: gradientDirection,
  },
  {
    id: "noisy-landscape",
    rule: "100 uniform draws within 4/255 per coordinate: mean relative change of the margin, each clipped to 1; median of 10 samples. Above 0.1 warns, above 0.5 fails.",
    source: "Pintor et al. (arXiv:2106.09947), indicator I2",
    remedy:
      "A single gradient points anywhere here: use attacks with many restarts, score attacks with large steps, or attack a smoothed surrogate.",
    run: noisyLandscape,
  },
];
