import type { PlannedAttack } from "../../attacks/record.ts";
import { Rng } from "../../base/rng.ts";
import type { DataSample } from "../../data/dataset.ts";
import type { Classifier, FeatureModel } from "../../models/classifier.ts";
import { packRows } from "../../models/row-batches.ts";
import type { Threat } from "../../threats/threat.ts";
import { attackFor } from "../attack-for.ts";
import { attackOnce } from "../attack-once.ts";
import { binaryClassifier } from "./binary-classifier.ts";
import { type CheckDefinition, fail, type Outcome, pass, percent, skipped, type ThreatContext } from "./check.ts";
import { type Plane, planeAt, separatingPlane } from "./logistic.ts";
import { whiteBoxOf } from "./planned.ts";

/** Samples; the paper takes 512. */
const SAMPLES = 20;
/** Points inside the ball, beside the sample itself. */
const INNER = 999;
/** They lie within this share of epsilon, the one beyond the boundary at epsilon. */
const ETA = 0.95;
/** How far from the inner points to the outer one the boundary is moved. */
const SHIFT = 0.999;
const NEEDED = 0.95;

async function featuresOf(
  features: FeatureModel,
  points: readonly Float32Array[],
  maxBatch: number,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (let from = 0; from < points.length; from += maxBatch) {
    const batch = points.slice(from, from + maxBatch);
    const flat = await features.features(packRows(batch));
    for (let i = 0; i < batch.length; i++) rows.push(flat.slice(i * features.size, (i + 1) * features.size));
  }
  return rows;
}

/** A point as far from x0 as the threat allows, as the deployed model would receive it. */
function boundaryPoint(threat: Threat, x0: Float32Array, rng: Rng): Float32Array {
  // A corner: each coordinate as far as it may go. For L2 a direction of equal parts.
  const direction = x0.map(() => rng.sign());
  return threat.deployable(threat.ascend(x0, direction, threat.effectiveEpsilon, x0), x0);
}

/**
 * A plane in feature space with all inner points on one side and the boundary point barely on the other, at the scale of the model's own scores.
 * Null where no plane separates them.
 */
async function plant(
  features: FeatureModel,
  model: Classifier,
  threat: Threat,
  x0: Float32Array,
  rng: Rng,
): Promise<Plane | null> {
  const inside = threat.withEpsilon(ETA * threat.effectiveEpsilon);
  const inner = [x0, ...Array.from({ length: INNER }, () => threat.deployable(inside.randomPoint(x0, rng), x0))];
  const rows = await featuresOf(features, [...inner, boundaryPoint(threat, x0, rng)], model.maxBatch);
  const outer = rows.pop()!;
  const plane = separatingPlane(rows, outer);
  if (plane === null) return null;
  const highest = rows.reduce((max, row) => Math.max(max, planeAt(plane, row)), Number.NEGATIVE_INFINITY);
  const height = planeAt(plane, outer);
  const bias = plane.bias - (highest + SHIFT * (height - highest));
  // As large as the model's own margin at this sample, so that saturation of its losses stays part of the test.
  const [first, second] = [...(await model.scores(packRows([x0, x0]))).slice(0, model.classes.length)].sort(
    (a, b) => b - a,
  );
  const own = planeAt({ ...plane, bias }, rows[0]!);
  const scale = Math.abs((first! - second!) / own);
  return { weights: plane.weights.map((value) => scale * value), bias: scale * bias };
}

/** The plan's gradient attacks, on a binary classifier: targets beyond the one other class do not exist. */
function forTwoClasses(attacks: readonly PlannedAttack[]): PlannedAttack[] {
  return attacks.map(({ definition, settings }) => ({
    definition,
    settings: "targets" in settings ? { ...settings, targets: 1 } : settings,
  }));
}

async function binarization(context: ThreatContext): Promise<Outcome[]> {
  const { bench, threat } = context;
  const model = bench.classifier;
  const attacks = forTwoClasses(whiteBoxOf(context));
  if (attacks.length === 0) return skipped("no gradient attack ran");
  if (threat.goal.kind !== "untargeted" || threat.mask !== null || !["linf", "l2"].includes(threat.norm))
    return skipped("made for untargeted L-inf and L2 attackers who may change every coordinate");
  const features = await model.access?.features();
  if (features == null) return skipped("the scores do not come from a last Gemm or MatMul with constant weights");
  try {
    let planted = 0;
    let found = 0;
    let byChance = 0;
    const samples = context.samples.slice(0, SAMPLES);
    for (const sample of samples) {
      if (bench.signal?.aborted === true) break;
      const rng = Rng.of(bench.seed).fold("binarization").fold(sample.index);
      const x0 = threat.deployable(sample.point, sample.point);
      const plane = await plant(features, model, threat, x0, rng);
      if (plane === null) continue;
      planted++;
      const binary = { ...bench, classifier: binaryClassifier(model, features, plane) };
      const relabelled: DataSample = { ...sample, point: x0, label: 0 };
      const fooled = async (planned: readonly PlannedAttack[]) =>
        (await attackOnce(binary, threat, planned, [relabelled])).some(({ status }) => status === "fooled");
      if (await fooled(attacks)) found++;
      const noise = attackFor(binary.classifier, threat, "noise", ["noise.queries=200"]);
      if (noise !== null && (await fooled([noise]))) byChance++;
    }
    if (planted === 0) return skipped(`no plane separates the boundary point from the inner ones in the features`);
    const detail = `the gradient attacks found ${found} of ${planted} planted adversarial inputs (${percent(found / planted)}); 200 random draws found ${percent(byChance / planted)}; ${samples.length - planted} samples could not be planted`;
    return found / planted >= NEEDED ? pass(detail) : fail(detail);
  } finally {
    await features.close();
  }
}

export const BINARIZATION: CheckDefinition<ThreatContext> = {
  id: "binarization",
  rule: "For 20 correct samples of the audit subset: 999 uniform points within 0.95 epsilon and the sample itself against one point at epsilon; a logistic regression on the features before the last linear layer must tell them apart (else the sample is left out), its boundary is moved to .999 of the way to that point and its scores to the model's own scale. The plan's gradient attacks must find class 1 for at least 95 %.",
  source: "Zimmermann et al., Increasing confidence in adversarial robustness evaluations (arXiv:2206.13991)",
  remedy:
    "An adversarial input is known to exist and the attacks miss it: the evaluation is too weak for this model. Use standard, more --steps and --restarts, and the score and label profiles.",
  needs: "active",
  run: binarization,
};
