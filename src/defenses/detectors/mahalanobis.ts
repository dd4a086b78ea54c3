import type { Value } from "../../graph/ir.ts";
import { int64Vector, scalar } from "../../tensor/tensor.ts";
import type { DetectorDefinition, FitBench } from "./detector.ts";
import { requireAdversarial } from "./learned.ts";
import { fitStandardized } from "./logistic.ts";
import { appendDistances, fitTiedGaussians, nearestDistances, type TiedGaussians } from "./tied-gaussians.ts";

/** Of the data to fit on, at most so many weigh the layers; Gaussians see the rest. */
const WEIGHING = { rows: 1000, share: 0.25 };

/**
 * A simple unified framework for detecting out-of-distribution samples and adversarial attacks (Lee et al. 2018), arXiv:1807.03888, equations 1 and 2:
 * min_c (f - mu_c)^T S^-1 (f - mu_c) / 2, with one covariance S for all classes. Of several layers (section 2.2) the distances are added, weighed by
 * a logistic regression that tells PGD's adversarial inputs from clean ones and from noise of the same norm, on rows that the Gaussians have not seen.
 *
 * Differences from the paper: no perturbation of the input; a ridge of 1e-6 of the mean variance in place of a pseudo-inverse; layers are named, not
 * all taken.
 */
export const mahalanobis: DetectorDefinition = {
  name: "mahalanobis",
  summary:
    "distance of the features from the nearest class, in units of their spread; of several layers by a weighted sum",
  source:
    "A simple unified framework for detecting out-of-distribution samples and adversarial attacks, arXiv:1807.03888",
  async fit(bench) {
    const layers = bench.settings.layers ?? [undefined];
    const apart = layers.length === 1 ? 0 : Math.min(WEIGHING.rows, Math.floor(WEIGHING.share * bench.rows.length));
    const labels = bench.labels.subarray(apart);
    const parts: { layer: string | undefined; gaussians: TiedGaussians }[] = [];
    for (const layer of layers) {
      const { data, size } = await bench.features(bench.rows.slice(apart), layer);
      parts.push({ layer, gaussians: fitTiedGaussians(data, size, labels, bench.classes.length) });
    }
    const weights = parts.length === 1 ? [1] : await weigh(bench, parts, apart);
    const sizes = parts.map(({ gaussians }) => gaussians.size).join(" + ");
    const named = bench.settings.layers === undefined ? "before the last layer" : `of ${layers.join(", ")}`;
    const by =
      parts.length === 1 ? "" : `, layers weighed ${weights.map((weight) => weight.toPrecision(3)).join(", ")}`;
    return {
      describes: `Mahalanobis distance on ${sizes} features ${named}${by}`,
      append({ op, features }) {
        const sum = (terms: readonly Value[]) => terms.reduce((a, b) => op.Add(a, b));
        const distances = parts.map(({ layer, gaussians }, i) => {
          const byClass = appendDistances(op, features(layer), gaussians);
          return weights[i] === 1 ? byClass : op.Mul(byClass, scalar("float32", Math.abs(weights[i]!)));
        });
        const nearest = distances.map((one, i) => {
          const least = op.ReduceMin(one, int64Vector([1]), { keepdims: 0 });
          return weights[i]! < 0 ? op.Neg(least) : least;
        });
        const guides = distances.map((one, i) => (weights[i]! < 0 ? op.Neg(one) : one));
        return { total: sum(nearest), guide: { byClass: sum(guides), unit: "suspicion" } };
      },
    };
  },
};

/** What the distance of each layer counts for, by the first `count` rows. */
async function weigh(
  bench: FitBench,
  parts: readonly { layer: string | undefined; gaussians: TiedGaussians }[],
  count: number,
): Promise<number[]> {
  const adversarial = requireAdversarial(await bench.adversarial(count), "mahalanobis of several layers");
  const clean = bench.rows.slice(0, count);
  const rows = [...clean, ...bench.noise(clean), ...adversarial];
  const columns: Float64Array[] = [];
  for (const { layer, gaussians } of parts)
    columns.push(nearestDistances(gaussians, (await bench.features(rows, layer)).data));
  const data = Float64Array.from(
    { length: rows.length * columns.length },
    (_, i) => columns[i % columns.length]![Math.floor(i / columns.length)]!,
  );
  const positive = rows.map((_, i) => i >= rows.length - adversarial.length);
  return [...fitStandardized(data, columns.length, positive).slopes];
}
