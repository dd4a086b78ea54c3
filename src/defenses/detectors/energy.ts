import { int64Vector } from "../../tensor/tensor.ts";
import type { DetectorDefinition } from "./detector.ts";

/**
 * Energy-based out-of-distribution detection (Liu et al. 2020), arXiv:2010.03759, equation 4 with T = 1: E(x) = -log sum_c exp z_c. It is the
 * baseline: it needs no data beyond the threshold's.
 */
export const energy: DetectorDefinition = {
  name: "energy",
  summary: "minus the log of the sum of exponentials of the logits: the baseline",
  source: "Energy-based out-of-distribution detection, arXiv:2010.03759",
  fit: async () => ({
    describes: "energy of the logits",
    append({ op, logits }) {
      const keep = { keepdims: 0 };
      const classes = int64Vector([1]);
      // log_softmax(z)_c = z_c - logsumexp(z), at the largest logit.
      const largest = op.ReduceMax(op.LogSoftmax(logits, { axis: 1 }), classes, keep);
      return { total: op.Sub(largest, op.ReduceMax(logits, classes, keep)), guide: null };
    },
  }),
};
