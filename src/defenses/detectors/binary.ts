import { BlindspotError } from "../../base/errors.ts";
import { Rng } from "../../base/rng.ts";
import { float32, int64Vector } from "../../tensor/tensor.ts";
import type { DetectorDefinition } from "./detector.ts";
import { fitLogistic } from "./logistic.ts";

/** Fewer adversarial inputs than this teach nothing. */
const LEAST = 10;

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
    const { settings, rows, threat } = bench;
    const adversarial = (await bench.adversarial()).filter((row) => row !== null);
    if (adversarial.length < LEAST)
      throw new BlindspotError({
        code: "E_DETECTOR_DATA",
        subject: "the binary detector",
        expected: `at least ${LEAST} adversarial inputs to learn from`,
        got: String(adversarial.length),
        hint: "The model withstands PGD on this data: give more data, or a larger threat",
      });
    const noise = rows.map((row, i) => {
      const x0 = threat.deployable(row, row);
      return threat.deployable(threat.randomBoundaryPoint(x0, Rng.of(bench.seed).fold("binary/noise").fold(i)), x0);
    });
    const { data, size } = await bench.features([...rows, ...noise, ...adversarial]);
    const count = data.length / size;
    const first = rows.length + noise.length;
    const mean = new Float64Array(size);
    const scale = new Float64Array(size);
    for (let i = 0; i < count; i++) for (let j = 0; j < size; j++) mean[j]! += data[i * size + j]! / count;
    for (let i = 0; i < count; i++)
      for (let j = 0; j < size; j++) scale[j]! += (data[i * size + j]! - mean[j]!) ** 2 / count;
    // A feature that never changes tells nothing.
    scale.forEach((variance, j) => {
      scale[j] = variance > 1e-20 ? 1 / Math.sqrt(variance) : 0;
    });
    const standardized = Float64Array.from(data, (value, i) => (value - mean[i % size]!) * scale[i % size]!);
    const positive = Array.from({ length: count }, (_, i) => i >= first);
    const { weights, bias } = fitLogistic(standardized, size, positive);
    const slopes = weights.map((w, j) => w * scale[j]!);
    const offset = bias - slopes.reduce((sum, slope, j) => sum + slope * mean[j]!, 0);
    return {
      describes: `logistic regression on ${size} features, trained on ${adversarial.length} adversarial inputs of PGD`,
      append({ op, features }) {
        const column = op.initializer("slopes", float32([size, 1], slopes));
        const heights = op.Add(op.MatMul(features(settings.layer), column), float32([1], [offset]));
        return { total: op.Squeeze(heights, int64Vector([1])), guide: null };
      },
    };
  },
};
