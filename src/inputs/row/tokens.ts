/** A piece of a relation. `at`: position of its first character, from 0. */
export interface Token {
  readonly kind: "number" | "text" | "name" | "word" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

/** What is wrong with a relation, and where in its text. */
export class ExpressionError extends Error {
  /** Position from 0. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = "ExpressionError";
    this.at = at;
  }
}

/** Longer relations are refused. */
const MOST_CHARACTERS = 2000;

const WORDS = new Set(["if", "then", "and", "or", "not", "true", "false"]);

/** One alternative for each kind of token; tried in this order, at one place. */
const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)`,
    `(?<text>"[^"]*"|'[^']*')`,
    "(?<quoted>`[^`]+`)",
    String.raw`(?<name>[\p{L}_][\p{L}\p{N}_.]*)`,
    "(?<sign>==|!=|<=|>=|[-+*/%<>(),])",
  ].join("|"),
  "uy",
);

/**
 * Cuts a relation into tokens. Names are letters, digits, `_` and `.`; any other field name stands in backquotes. Texts stand in single or
 * double quotes, without escapes. Throws `ExpressionError`.
 */
export function tokenize(source: string): Token[] {
  if (source.length > MOST_CHARACTERS)
    throw new ExpressionError(`more than ${MOST_CHARACTERS} characters`, MOST_CHARACTERS);
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (match === null) throw new ExpressionError(unexpected(source, at), at);
    const { space, number, text, quoted, name, sign } = match.groups!;
    if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (text !== undefined) tokens.push({ kind: "text", text: text.slice(1, -1), at });
    else if (quoted !== undefined) tokens.push({ kind: "name", text: quoted.slice(1, -1), at });
    else if (name !== undefined) tokens.push({ kind: WORDS.has(name) ? "word" : "name", text: name, at });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at });
    else if (space === undefined) throw new ExpressionError("unreadable", at);
    at = TOKEN.lastIndex;
  }
  tokens.push({ kind: "end", text: "the end", at: source.length });
  return tokens;
}

function unexpected(source: string, at: number): string {
  const character = String.fromCodePoint(source.codePointAt(at)!);
  if (character === '"' || character === "'" || character === "`") return `${character} is not closed`;
  if (character === "=") return "'=' (write == to compare)";
  return `unexpected '${character}'`;
}
