import { SYNONYMS } from "./synonyms.gen.ts";

/** Groups of words that mean the same, with their part of speech, by each of their words. */
const GROUPS = new Map<string, { readonly part: string; readonly words: readonly string[] }>();
for (const line of SYNONYMS.trim().split("\n")) {
  const [part = "", ...words] = line.split(" ");
  for (const word of words) GROUPS.set(word, { part, words });
}

/**
 * Words that may stand for this one, in its own case: lower, Capitalized or UPPER. A plain plural or third person (`films`, `buys`) is made of the table's
 * word by its `s`. Empty where the table has none.
 */
export function synonyms(word: string): readonly string[] {
  const lower = word.toLowerCase();
  const cased = caseOf(word);
  if (cased === null) return [];
  const others = (group: { readonly words: readonly string[] }, own: string) =>
    group.words.filter((one) => one !== own);
  const found = GROUPS.get(lower);
  if (found !== undefined) return others(found, lower).map(cased);
  const stem = lower.slice(0, -1);
  const group = lower.endsWith("s") && takesS(stem) ? GROUPS.get(stem) : undefined;
  if (group === undefined || !["n", "v"].includes(group.part)) return [];
  return others(group, stem)
    .filter(takesS)
    .map((one) => cased(`${one}s`));
}

/** Whether a plain `s` makes the plural of a noun, or the third person of a verb, of this word. */
function takesS(word: string): boolean {
  return !/(s|x|z|ch|sh|[^aeiou]y|o|man|f|fe)$/.test(word);
}

/** Puts a lower-case word in the case of this one; null for a mixture. */
function caseOf(word: string): ((lower: string) => string) | null {
  if (word === word.toLowerCase()) return (lower) => lower;
  if (word === word.toUpperCase() && word.length > 1) return (lower) => lower.toUpperCase();
  const capitalized = word[0]!.toUpperCase() + word.slice(1).toLowerCase();
  return word === capitalized ? (lower) => lower[0]!.toUpperCase() + lower.slice(1) : null;
}
