import { editsBetween } from "./align.ts";
import type { TextEdit } from "./edits.ts";
import { segments } from "./segments.ts";

/** How a text differs from the one that it was made from. */
export interface TextChange {
  /** In the order of the original; with what stood there before. */
  readonly edits: readonly (TextEdit & { readonly original: string })[];
  /** Code points of the original. */
  readonly length: number;
  /** Code points of the original that are gone, and of the new text that are new. */
  readonly changed: number;
  /** Words of the original that hold an edit, and all of them. */
  readonly editedWords: number;
  readonly words: number;
}

export function textChange(to: string, from: string): TextChange {
  const parts = segments(from);
  const { edits } = editsBetween(parts, [...to]);
  const { characters, words } = parts;
  // An insertion at either end of a word is one in it: where it stands is what the model sees of it.
  const edited = words.filter(({ start, end }) => edits.some((edit) => edit.start <= end && edit.end >= start));
  return {
    edits: edits.map((edit) => ({ ...edit, original: characters.slice(edit.start, edit.end).join("") })),
    length: characters.length,
    changed: edits.reduce(
      (sum, { start, end, replacement }) => sum + Math.max(end - start, [...replacement].length),
      0,
    ),
    editedWords: edited.length,
    words: words.length,
  };
}
