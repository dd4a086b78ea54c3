import type { OperatorTable } from "../builder.ts";
import type { Model } from "../ir.ts";

/** The opset that gradient rules are written for (they hold above it too). */
export const GRADIENT_OPSET = 18;

export function upgradeOpset(model: Model, target: number, _table?: OperatorTable): void {
  if (model.opset < target) model.opsets.set("", target);
  model.irVersion = Math.max(model.irVersion, 8);
}
