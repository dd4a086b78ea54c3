const STRAIGHT_THROUGH = "gradients pass straight through";
const NO_SLOPE = "no gradient flows through";

const named = (nodes: readonly string[]) => `${nodes.slice(0, 5).join(", ")}${nodes.length > 5 ? ", ..." : ""}`;

/** Notes on step functions: rules that are not the true derivative (`straightThrough`), and derivatives that are zero (`flat`). */
export function stepNotes(straightThrough: readonly string[], flat: readonly string[]): string[] {
  return [
    ...(straightThrough.length > 0 ? [`${STRAIGHT_THROUGH} ${named(straightThrough)}`] : []),
    ...(flat.length > 0 ? [`${NO_SLOPE} ${named(flat)} (zero almost everywhere)`] : []),
  ];
}

/** Whether a note of a classifier is one of these: a check repeats them. */
export function isStepNote(note: string): boolean {
  return note.startsWith(STRAIGHT_THROUGH) || note.startsWith(NO_SLOPE);
}
