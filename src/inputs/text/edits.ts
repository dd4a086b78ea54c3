/** What kind of change an edit is, as a person would call it. */
export const EDIT_KINDS = [
  "invisible",
  "homoglyph",
  "reordering",
  "case",
  "space",
  "typo",
  "swap",
  "deletion",
  "insertion",
  "replacement",
  "word",
  "rewrite",
] as const;
export type EditKind = (typeof EDIT_KINDS)[number];

/** What a threat counts. */
export type LimitKind = "invisible" | "homoglyphs" | "reorderings" | "characters" | "words";
export const LIMIT_KINDS: readonly LimitKind[] = ["invisible", "homoglyphs", "reorderings", "characters", "words"];

/** A piece of the original text, [start, end) in code points of it, that became another. Edits of one text do not overlap. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  readonly kind: EditKind;
}

/** Which limit an edit counts against; null for a rewrite, which none allows. */
export function limitOf(kind: EditKind): LimitKind | null {
  switch (kind) {
    case "invisible":
      return "invisible";
    case "homoglyph":
      return "homoglyphs";
    case "reordering":
      return "reorderings";
    case "word":
      return "words";
    case "rewrite":
      return null;
    default:
      return "characters";
  }
}

/** Whether a person who reads the text can see the edit: not what shows nothing, is shown in its old order, or looks alike. */
export function isNoticed(kind: EditKind): boolean {
  return !["invisible", "reordering", "homoglyph"].includes(kind);
}

/**
 * The text with these edits, in any order. Insertions at one place stand in the order of the list.
 * @param source its code points; or the text, where each code point is one unit of it
 */
export function applyEdits(source: string | readonly string[], edits: readonly TextEdit[]): string {
  const part = (start: number, end?: number) =>
    typeof source === "string" ? source.slice(start, end) : source.slice(start, end).join("");
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  let text = "";
  let at = 0;
  for (const { start, end, replacement } of sorted) {
    text += part(at, start) + replacement;
    at = end;
  }
  return text + part(at);
}

/** Whether both can be made: they touch no common character, and no insertion lies inside of what the other replaces. */
export function compatible(a: TextEdit, b: TextEdit): boolean {
  const [first, second] = a.start < b.start || (a.start === b.start && a.end <= b.end) ? [a, b] : [b, a];
  return first.end <= second.start;
}
