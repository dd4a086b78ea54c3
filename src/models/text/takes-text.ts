import type { Model } from "../../graph/ir.ts";

/** The input that makes a model one of tokens. */
export const TOKEN_INPUT = "input_ids";

/** Whether a model takes what a tokenizer gives. */
export function takesTokens({ graph }: Model): boolean {
  return graph.inputs.some(({ name }) => name === TOKEN_INPUT);
}

/** Whether a model reads texts: its one input takes strings, or its inputs what a tokenizer makes of them. */
export function takesText(model: Model): boolean {
  const { inputs } = model.graph;
  return takesTokens(model) || (inputs.length === 1 && inputs[0]!.dtype === "string");
}
