import { BlindspotError } from "../../base/errors.ts";
import { float32, int64Vector } from "../../tensor/tensor.ts";
import type { DetectorDefinition } from "./detector.ts";
import { requireAdversarial } from "./learned.ts";
import { fitStandardized } from "./logistic.ts";

/**
 * Adversarial and clean data are not twins (Gong, Wang, Ku 2017), arXiv:1704.04960; on features as On detecting adversarial perturbations (Metzen et al.
 * 2017), arXiv:1702.04267: a classifier that tells adversarial inputs from others.
 *
 * Differences from the papers: a logistic regression on standardized features, not a network; noise of the same norm stands among what it has to
 * let pass, so that it can't do with telling that an input is unusual.
 */
export const binary: DetectorDefinition = {
  name: "binary",
  summary: "a logistic regression on the features, trained on PGD's adversarial inputs against clean ones and noise",
  source:
    "Adversarial and clean data are not twins, arXiv:1704.04960; On detecting adversarial perturbations, arXiv:1702.04267",
  async fit(bench) {
    const { rows } = bench;
    const [layer, ...others] = bench.settings.layers ?? [];
    if (others.length > 0)
      throw new BlindspotError({
        code: "E_DETECTOR_LAYER",
        subject: `--layer ${bench.settings.layers!.join(",")}`,
        expected: "one layer; mahalanobis takes several",
        got: String(others.length + 1),
      });
    const adversarial = requireAdversarial(await bench.adversarial(), "binary");
    const { data, size } = await bench.features([...rows, ...bench.noise(rows), ...adversarial], layer);
    const positive = Array.from({ length: data.length / size }, (_, i) => i >= 2 * rows.length);
    const { slopes, offset } = fitStandardized(Float64Array.from(data), size, positive);
    return {
      describes: `logistic regression on ${size} features, trained on ${adversarial.length} adversarial inputs of PGD`,
      append({ op, features }) {
        const column = op.initializer("slopes", float32([size, 1], slopes));
        const heights = op.Add(op.MatMul(features(layer), column), float32([1], [offset]));
        return { total: op.Squeeze(heights, int64Vector([1])), guide: null };
      },
    };
  },
};
