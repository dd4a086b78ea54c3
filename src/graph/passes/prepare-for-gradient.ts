import type { OperatorTable } from "../builder.ts";
import type { Model } from "../ir.ts";
import { type FoldableOperator, foldConstants } from "./fold-constants.ts";
import { inferShapes } from "./infer-shapes.ts";
import { inlineFunctions } from "./inline-functions.ts";
import { removeDeadCode } from "./remove-dead-code.ts";
import { GRADIENT_OPSET, upgradeOpset } from "./upgrade-opset.ts";
import { withoutNamedAxes } from "./without-named-axes.ts";

/**
 * Brings a model, in place, into the form that gradient rules are written for: no functions, opset 18 or above, types known, shape
 * computations folded, no Pad or Resize that names its axes, nothing that the outputs don't need.
 *
 * @throws BlindspotError with every problem met (see the passes).
 */
export function prepareForGradient(model: Model, table: OperatorTable<FoldableOperator>): void {
  inlineFunctions(model, table);
  upgradeOpset(model, Math.max(GRADIENT_OPSET, model.opset), table);
  inferShapes(model, table);
  foldConstants(model, table);
  inferShapes(model, table);
  withoutNamedAxes(model);
  removeDeadCode(model);
}
