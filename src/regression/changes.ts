import type { Codec } from "../inputs/codec.ts";
import type { Change } from "./schema.ts";

/** Changes that a result names. */
const MOST = 16;

/** How an input differs from its clean side, in the user's own terms: fields of a row, edits of a text. Null of what is no list. */
export function changesOf(
  { fieldChanges, textChange }: Pick<Codec, "fieldChanges" | "textChange">,
  x: Float32Array,
  x0: Float32Array | null,
): Change[] | null {
  if (x0 === null) return null;
  const fields = fieldChanges?.(x, x0).map(({ name, from, to }) => ({ what: name, from, to }));
  const edits = textChange?.(x, x0).edits.map(({ kind, original, replacement }) => ({
    what: kind,
    from: original,
    to: replacement,
  }));
  return (fields ?? edits)?.slice(0, MOST) ?? null;
}
