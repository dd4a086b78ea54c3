import { BlindspotError } from "../../base/errors.ts";
import type { OpBuilder } from "../../graph/builder.ts";
import { repeatWith } from "../../graph/index.ts";
import type { Value } from "../../graph/ir.ts";
import { definedValues } from "../../graph/walk.ts";
import { appendPoint } from "../../models/append-point.ts";
import { appendLogits, appendModelInput } from "../../models/attack-graph.ts";
import { lastFeatures } from "../../models/last-layer.ts";
import type { DescribedInput } from "../../models/load-classifier.ts";
import type { ScoreHead } from "../../models/score-head.ts";
import { int64Vector } from "../../tensor/tensor.ts";
import type { Site } from "./detector.ts";

/**
 * Features of an inner value, [N, size]: of a feature map [N, channels, height, width] the mean of each channel.
 * @param layer its name; default: what the last linear layer behind the logits reads
 */
export function appendFeatures(op: OpBuilder, logits: Value, layer?: string): Value {
  const value = layer === undefined ? (lastFeatures(logits)?.features ?? null) : named(op, layer);
  const refuse = (expected: string, got: string) =>
    new BlindspotError({
      code: "E_DETECTOR_LAYER",
      subject: layer === undefined ? "the model" : `--layer ${layer}`,
      expected,
      got,
      hint: "Name an inner value with --layer; `blindspot inspect` and Netron show them",
    });
  if (value === null)
    throw layer === undefined
      ? refuse("scores from a last Gemm or MatMul with constant weights", "another end")
      : refuse("the name of an inner value", "none of that name");
  if (value.dtype !== "float32" || (value.rank !== 2 && value.rank !== 4) || typeof value.shape![1] !== "number")
    throw refuse(
      "float32 features [N, size] or [N, channels, height, width]",
      `${value.dtype ?? "?"} [${value.shape?.map((dim) => dim ?? "?").join(", ") ?? "?"}]`,
    );
  if (value.rank === 2) return value;
  return op.ReduceMean(value, int64Vector([2, 3]), { keepdims: 0 });
}

function named(op: OpBuilder, name: string): Value | null {
  return [...definedValues(op.graph)].find((value) => value.name === name && value.constant === null) ?? null;
}

/** The end of a model as its file has it: its own input, not yet in attack space. */
export function siteOf(op: OpBuilder, { arrangement, preprocessing }: DescribedInput, head: ScoreHead): Site {
  const input = op.graph.inputs[0]!;
  const inner = named(op, head.logits.name)!;
  const batch = "N";
  const logits = appendLogits(op, inner, { head, batch });
  return {
    op,
    logits,
    features: (layer) => appendFeatures(op, logits, layer),
    point: () => appendPoint(op, input, { arrangement, preprocessing }),
    logitsAt(point) {
      const fed = appendModelInput(op, point, input, { arrangement, preprocessing, batch });
      return repeatWith(op, input, fed, logits);
    },
  };
}
