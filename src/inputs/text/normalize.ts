import { OVERRIDE, POP, plainLookalike } from "./characters.ts";

/** What a deployment may do to a text before its model sees it. */
export interface Normalization {
  readonly name: string;
  readonly apply: (text: string) => string;
}

/** Letters and digits, with the marks on them and whatever shows nothing between them. */
const WORD = /[\p{L}\p{N}\p{M}\p{Default_Ignorable_Code_Point}]+/gu;

/**
 * - `NFKC`: Unicode's compatibility composition.
 * - `strip-invisible`: without characters that show nothing (Default_Ignorable_Code_Point, bidi controls among them), except joiners inside of emoji.
 * - `undo-reordering`: what stands between a right-to-left override and its end is turned back.
 * - `fold-lookalikes`: inside words that hold an ASCII letter or digit, look-alikes become the ASCII character that they are confused with.
 * - `lower-case`, `collapse-spaces`.
 */
export const NORMALIZATIONS: readonly Normalization[] = [
  { name: "NFKC", apply: (text) => text.normalize("NFKC") },
  { name: "strip-invisible", apply: stripInvisible },
  { name: "undo-reordering", apply: undoReordering },
  { name: "fold-lookalikes", apply: foldLookalikes },
  { name: "lower-case", apply: (text) => text.toLowerCase() },
  { name: "collapse-spaces", apply: (text) => text.trim().replaceAll(/\s+/gu, " ") },
];

/** All of what keeps the look of a text, one after the other: what a careful deployment would do. */
export const SANITIZER: Normalization = {
  name: "sanitizer",
  apply: (text) => foldLookalikes(stripInvisible(undoReordering(text)).normalize("NFKC")),
};

/** Joins the parts of an emoji, or chooses its colored form. */
const IN_EMOJI = /(?<=\p{Extended_Pictographic}[\u{1F3FB}-\u{1F3FF}]?\ufe0f?)[\u200d\ufe0f]/gu;

function stripInvisible(text: string): string {
  const kept = new Set([...text.matchAll(IN_EMOJI)].map(({ index }) => index));
  return text.replaceAll(/[\p{Default_Ignorable_Code_Point}\u202a-\u202e\u2066-\u2069]/gu, (one, at: number) =>
    kept.has(at) ? one : "",
  );
}

function undoReordering(text: string): string {
  return text.replaceAll(new RegExp(`${OVERRIDE}([^${OVERRIDE}${POP}]*)${POP}`, "gu"), (_, turned: string) =>
    [...turned].reverse().join(""),
  );
}

function foldLookalikes(text: string): string {
  return text.replaceAll(WORD, (word) =>
    /[a-z0-9]/i.test(word) ? [...word].map((one) => plainLookalike(one) ?? one).join("") : word,
  );
}
