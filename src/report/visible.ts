/** Characters that show nothing or move what stands beside them: controls, formats (bidi, zero width), selectors, half surrogates, separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** The text with whatever nobody would see written as its code point: `[U+202E]`. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, codePoint);
}

function codePoint(character: string): string {
  return `[U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`;
}

/** At most so many characters, the last one an ellipsis where something is left out. Surrogate pairs stay whole. */
export function shortened(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}
