/** Step functions between the input and the scores, by node: where a gradient is not what a small change does. */
export interface StepFunctions {
  /** Operators whose rule is not the true derivative: gradients pass as if they were not there. */
  readonly straightThrough: readonly string[];
  /** Operators whose true derivative is zero almost everywhere: no gradient flows. */
  readonly flat: readonly string[];
}

const named = (nodes: readonly string[]) => `${nodes.slice(0, 5).join(", ")}${nodes.length > 5 ? ", ..." : ""}`;

/** What a reader should know of them, one sentence for each kind. */
export function stepNotes({ straightThrough, flat }: StepFunctions): string[] {
  return [
    ...(straightThrough.length > 0 ? [`gradients pass straight through ${named(straightThrough)}`] : []),
    ...(flat.length > 0 ? [`no gradient flows through ${named(flat)} (zero almost everywhere)`] : []),
  ];
}
