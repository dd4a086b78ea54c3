import { canonicalText } from "./canonical-json.ts";
import type { ModelRecord } from "./schema.ts";

/** What says how a model is read. */
export type Reads = Pick<ModelRecord, "classes" | "dims" | "preprocessing" | "rows">;

/** What two models have to share for their answers to be comparable; equal texts: equal contracts. */
export interface Contract {
  /** Classes in their order. */
  readonly classes: string;
  /** What an input is, and how it is prepared. */
  readonly inputs: string;
}

/**
 * A text reaches each model as it is: which tokens it becomes is the model's own affair, as is the output that its classes are read from.
 */
export function contractOf(reads: Reads): Contract {
  const known = contracts.get(reads);
  if (known !== undefined) return known;
  const { classes, dims, preprocessing, rows } = reads;
  const { output, tokenizer, ...inputs } = preprocessing;
  const text = dims.length === 0;
  const contract = {
    classes: canonicalText([...classes]),
    inputs: text ? "text" : canonicalText([[...dims], inputs, rows ?? null]),
  };
  contracts.set(reads, contract);
  return contract;
}

/** A gate asks about the same few models for every sample. */
const contracts = new WeakMap<Reads, Contract>();
