import { CONFUSABLES } from "./confusables.gen.ts";

/**
 * Characters that show nothing between letters written from left to right: zero-width space, non-joiner and joiner, left-to-right mark, word joiner,
 * invisible times, separator and plus, byte order mark, soft hyphen, combining grapheme joiner, Mongolian vowel separator, two variation selectors.
 * A threat that allows invisible characters allows these; the commonest first.
 */
export const INVISIBLES: readonly string[] = [
  ..."\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u200e\u2061\u2062\u2063\u2064\u180e\ufe00\ufe0f",
];
const INVISIBLE = new Set(INVISIBLES);

export function isInvisible(character: string): boolean {
  return INVISIBLE.has(character);
}

/** Right-to-left override, and the end of it. */
export const [OVERRIDE, POP] = ["\u202e", "\u202c"];

/** Letters of scripts that fonts draw in one style with Latin. */
const KINDRED = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}]$/u;

/** Of an ASCII character, what looks like it: first what is drawn alike on purpose. */
const LOOKALIKES = new Map(
  CONFUSABLES.map(([ascii, intentional, others]) => [
    ascii,
    [...intentional, ...[...others].filter((one) => KINDRED.test(one))],
  ]),
);
const PLAIN = new Map(CONFUSABLES.flatMap(([ascii, ...rest]) => [...rest.join("")].map((one) => [one, ascii])));

export function lookalikes(character: string): readonly string[] {
  return LOOKALIKES.get(character) ?? [];
}

/** The ASCII character that this one may be confused with, or null. */
export function plainLookalike(character: string): string | null {
  return PLAIN.get(character) ?? null;
}

const ROWS = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
/** How far a row of keys stands to the right of the one above it, in keys. */
const SHIFTS = [0, 0.5, 0.75, 1.25];
/** Keys whose middles are no further apart touch each other. */
const TOUCHING = 1.3;
const KEYS = ROWS.flatMap((row, y) => [...row].map((key, x) => ({ key, x: x + SHIFTS[y]!, y })));
const NEIGHBORS = new Map(
  KEYS.map((a) => [
    a.key,
    KEYS.filter((b) => b !== a && Math.hypot(a.x - b.x, a.y - b.y) <= TOUCHING).map(({ key }) => key),
  ]),
);

/** Keys beside this one on a QWERTY keyboard, in the case of the character. */
export function keyNeighbors(character: string): readonly string[] {
  const keys = NEIGHBORS.get(character.toLowerCase()) ?? [];
  return character === character.toLowerCase() ? keys : keys.map((key) => key.toUpperCase());
}

/** The same letter in the other case, or null where it has none of one code point. */
export function otherCase(character: string): string | null {
  const other = character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();
  return other !== character && [...other].length === 1 ? other : null;
}

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i));

const TYPED = new Set(PRINTABLE);

/** Whether a character is printable ASCII. */
export function isPrintable(character: string): boolean {
  return TYPED.has(character);
}

/** What the author of a text can type: printable ASCII, the characters of the text itself, and their other cases. */
export function typedAlphabet(characters: Iterable<string>): ReadonlySet<string> {
  const all = new Set(PRINTABLE);
  for (const character of characters) {
    // With it, its other case.
    if (all.has(character)) continue;
    // What is part of another character, or shows nothing, is not typed alone.
    if (/^[\p{M}\p{C}\p{Zl}\p{Zp}\s]$/u.test(character)) continue;
    all.add(character);
    const other = otherCase(character);
    if (other !== null) all.add(other);
  }
  return all;
}
