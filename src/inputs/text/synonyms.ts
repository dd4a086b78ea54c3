/** Words that may stand for this one, in its own case: lower, Capitalized or UPPER. Empty where the table has none. */
export function synonyms(_word: string): readonly string[] {
  return [];
}
