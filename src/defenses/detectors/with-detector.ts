import { BlindspotError } from "../../base/errors.ts";
import { opBuilder } from "../../graph/builder.ts";
import { cloneModel, prepareForGradient } from "../../graph/index.ts";
import type { Model, Value } from "../../graph/ir.ts";
import type { DescribedInput } from "../../models/load-classifier.ts";
import type { ScoreHead } from "../../models/score-head.ts";
import type { OpTable } from "../../ops/define.ts";
import { float32 } from "../../tensor/tensor.ts";
import { type DetectorCard, hasCard } from "./card.ts";
import type { FittedDetector } from "./detector.ts";
import { siteOf } from "./site.ts";

export interface Guarded {
  readonly model: Model;
  readonly values: DetectorCard["values"];
}

/**
 * The model with a detector in its graph: the same input and outputs, and further outputs `label` (int64 [N]), `suspicion` (float32 [N]) and `rejected`
 * (bool [N], suspicion above the threshold); a name that is taken gets a number. Raised to the opset of the gradient rules. The source is left as it is.
 * Throws E_DETECTOR_TWICE for a model that has a detector.
 */
export function withDetector(
  source: Model,
  table: OpTable,
  input: DescribedInput,
  head: ScoreHead,
  detector: FittedDetector,
  threshold: number,
): Guarded {
  if (hasCard(source))
    throw new BlindspotError({
      code: "E_DETECTOR_TWICE",
      subject: "the model",
      expected: "a classifier without a detector",
      got: "one that has a detector",
    });
  const model = cloneModel(source);
  prepareForGradient(model, table);
  const op = opBuilder(model.graph, table);
  const taken = new Set([...model.graph.outputs, ...model.graph.inputs].map(({ name }) => name));
  const output = (value: Value, stem: string): string => {
    let name = stem;
    for (let i = 2; taken.has(name); i++) name = `${stem}_${i}`;
    const result = op.Identity(value);
    result.name = name;
    op.output(result);
    return name;
  };
  op.scope = "detector/";
  const site = siteOf(op, input, head);
  const { total, guide } = detector.append(site);
  const rejected = op.Greater(total, float32([], [threshold]));
  const values = {
    scores: head.output,
    label: output(op.ArgMax(site.logits, { axis: 1, keepdims: 0 }), "label"),
    suspicion: output(total, "suspicion"),
    rejected: output(rejected, "rejected"),
    guide: guide === null ? null : { byClass: guide.byClass.name, unit: guide.unit },
  };
  return { model, values };
}
