const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });
const WORDS = new Intl.Segmenter("en", { granularity: "word" });

/** A part of a text: [start, end) in code points. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text taken apart by the rules of Unicode (UAX #29): what is changed is a whole character as people see it, or a whole word. */
export interface Segments {
  /** One string for each code point. */
  readonly characters: readonly string[];
  /** At i: whether a grapheme begins at code point i, or the text ends there. One more entry than code points. */
  readonly boundary: Uint8Array;
  /** At i: whether code point i is a grapheme of its own. */
  readonly alone: Uint8Array;
  readonly words: readonly Span[];
}

export function segments(text: string): Segments {
  const characters = [...text];
  const boundary = new Uint8Array(characters.length + 1);
  const alone = new Uint8Array(characters.length);
  // Of ASCII each character is one by itself, but for a line's end of two.
  if (/^(?!.*\r\n)[\0-\x7f]*$/s.test(text)) {
    return { characters, boundary: boundary.fill(1), alone: alone.fill(1), words: wordsOf(text) };
  }
  let at = 0;
  for (const { segment } of GRAPHEMES.segment(text)) {
    const length = [...segment].length;
    boundary[at] = 1;
    if (length === 1) alone[at] = 1;
    at += length;
  }
  boundary[characters.length] = 1;
  return { characters, boundary, alone, words: wordsOf(text) };
}

function wordsOf(text: string): Span[] {
  const words: Span[] = [];
  let at = 0;
  for (const { segment, isWordLike } of WORDS.segment(text)) {
    const length = [...segment].length;
    if (isWordLike === true) words.push({ start: at, end: at + length });
    at += length;
  }
  return words;
}
