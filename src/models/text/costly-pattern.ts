/**
 * Regular expressions in a tokenizer.json are run as they are, and one that was written for the purpose takes longer than anybody waits: for each
 * further character twice as long, or so many times as the text is long. Both are looked for when the file is read.
 */

/** Characters of the kinds that tokenizers tell apart: letters, digits, blanks, marks, ideographs, punctuation. */
const KINDS = [..."aA1 \n'._\u00e9\u0301\u4e2d"];
/** Literal characters of a pattern that are tried, and pairs of them. */
const MOST_LITERALS = 6;
/** Characters of the texts that are tried: slowly more, since what takes half a second may take ten times as long for the next. */
const [SHORTEST, LONGEST, GROWTH] = [16, 1024, 1.5];
/** For all texts of a length. Patterns of known tokenizers take a twentieth of it, so that a busy machine does not matter. */
const LIMIT_MS = 500;

/** Why a pattern may take too long, or null. */
export function costOf(pattern: string): string | null {
  return repeatsWithinRepeats(pattern) ?? slowGrowth(pattern);
}

/** A repeated group that holds a repetition or a choice may be matched in as many ways as 2 to the power of the text's length: `(a+)+`, `(a|a)*`. */
function repeatsWithinRepeats(pattern: string): string | null {
  const groups: { start: number; inner: boolean }[] = [{ start: 0, inner: false }];
  // Escapes and classes are one character each; what begins a group is no quantifier.
  for (const { 0: token, index } of pattern.matchAll(
    /\\[pPu]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:<?[=!]|[a-z]*:|<\w+>))?|[)|]|[*+]|\{\d+(?:,\d*)?\}|./gsu,
  )) {
    const group = groups.at(-1)!;
    if (token.startsWith("(")) groups.push({ start: index, inner: false });
    else if (token === "|" || isRepetition(token)) group.inner = true;
    else if (token === ")" && groups.length > 1) {
      groups.pop();
      const outer = groups.at(-1)!;
      const end = index + 1;
      const [quantifier = ""] = /^(?:[*+]|\{\d+(?:,\d*)?\})/.exec(pattern.slice(end)) ?? [];
      if (group.inner && isRepetition(quantifier))
        return `a repetition of ${pattern.slice(group.start, end)}, which repeats or chooses itself`;
      outer.inner ||= group.inner;
    }
  }
  return null;
}

/** Whether something may stand there twice: of `?` and `{0,1}` not. */
function isRepetition(token: string): boolean {
  if (token === "*" || token === "+") return true;
  const [, least, most] = /^\{(\d+)(?:,(\d*))?\}$/.exec(token) ?? [];
  return least !== undefined && (Number(least) > 1 || most === "" || Number(most ?? 0) > 1);
}

/** Runs the pattern on longer and longer texts of few characters. */
function slowGrowth(pattern: string): string | null {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern.replaceAll("(?i:", "(?:"), "gu");
  } catch {
    // No pattern at all, or one that is written for another engine: the tokenizer says so.
    return null;
  }
  const literals = [...new Set(pattern.replaceAll(/\\./gsu, "").match(/[^\\()[\]{}*+?|^$]/gu) ?? [])].slice(
    0,
    MOST_LITERALS,
  );
  const pairs = literals.flatMap((one) => literals.filter((other) => other !== one).map((other) => one + other));
  const units = [...new Set([...KINDS, ...literals, ...pairs])];
  for (let length = SHORTEST; length <= LONGEST; length = Math.ceil(GROWTH * length)) {
    const texts = units.flatMap((unit) => ["", "\u00a4"].map((end) => unit.repeat(length / unit.length) + end));
    // Twice, as something else may have taken the time.
    if (takesLong(expression, texts) && takesLong(expression, texts))
      return `more than ${LIMIT_MS} ms for ${texts.length} texts of ${length} characters`;
  }
  return null;
}

function takesLong(expression: RegExp, texts: readonly string[]): boolean {
  const end = performance.now() + LIMIT_MS;
  return texts.some((text) => {
    text.match(expression);
    return performance.now() > end;
  });
}
