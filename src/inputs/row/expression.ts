import { ExpressionError, type Token, tokenize } from "./tokens.ts";

export type BinaryOperator = "or" | "and" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%";

/** What a relation says, as a tree. `at`: where it stands in the text, for messages. */
export type Expression =
  | { readonly kind: "number"; readonly value: number; readonly at: number }
  | { readonly kind: "boolean"; readonly value: boolean; readonly at: number }
  | { readonly kind: "text"; readonly value: string; readonly at: number }
  | { readonly kind: "field"; readonly name: string; readonly at: number }
  | { readonly kind: "unary"; readonly operator: "-" | "not"; readonly operand: Expression; readonly at: number }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    }
  | { readonly kind: "call"; readonly name: string; readonly parts: readonly Expression[]; readonly at: number }
  | { readonly kind: "if"; readonly condition: Expression; readonly follows: Expression; readonly at: number };

/** How tightly operators bind. Comparisons do not chain: `a < b < c` is refused, not misread. */
const BINDING: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  "==": 4,
  "!=": 4,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
};
const NOT = 3;
const COMPARISON = 4;
const MINUS = 7;

/** Expressions nested deeper than this are refused. */
const MOST_NESTED = 64;

/** Reads a relation such as `total == sum(a, b)` or `if employed == 0 then income == 0`. Throws `ExpressionError`. */
export function parseExpression(source: string): Expression {
  const parser = new Parser(tokenize(source));
  return parser.whole();
}

/** Precedence climbing (Clarke 1986): one loop for all binary operators. */
class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private nested = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  whole(): Expression {
    const result = this.expression(0);
    if (this.token.kind !== "end") throw this.unexpected("an operator or the end");
    return result;
  }

  private get token(): Token {
    return this.tokens[this.next]!;
  }

  private take(): Token {
    return this.tokens[this.next++]!;
  }

  private takes(text: string): boolean {
    const { kind } = this.token;
    if (this.token.text !== text || (kind !== "sign" && kind !== "word")) return false;
    this.next++;
    return true;
  }

  private expect(text: string): void {
    if (!this.takes(text)) throw this.unexpected(`'${text}'`);
  }

  private unexpected(expected: string): ExpressionError {
    const { kind, text, at } = this.token;
    return new ExpressionError(`expected ${expected}, got ${kind === "end" ? text : `'${text}'`}`, at);
  }

  /** An expression whose operators all bind at least as tightly as `least`. */
  private expression(least: number): Expression {
    if (++this.nested > MOST_NESTED) throw new ExpressionError(`nested more than ${MOST_NESTED} deep`, this.token.at);
    let left = this.operand();
    for (let count = 0; ; count++) {
      const { text, at, kind } = this.token;
      const operator = kind === "sign" || kind === "word" ? (text as BinaryOperator) : undefined;
      const binding = operator === undefined || !Object.hasOwn(BINDING, operator) ? -1 : BINDING[operator];
      if (binding < least) break;
      // A chain `a + b + c + ...` nests to the left: it is as deep as it is long.
      if (count >= MOST_NESTED) throw new ExpressionError(`more than ${MOST_NESTED} operators in a row`, at);
      this.take();
      const right = this.expression(binding + 1);
      if (binding === COMPARISON && this.comparesAgain())
        throw new ExpressionError("comparisons do not chain: join two with 'and'", this.token.at);
      left = { kind: "binary", operator: operator!, left, right, at };
    }
    this.nested--;
    return left;
  }

  private comparesAgain(): boolean {
    const { kind, text } = this.token;
    return kind === "sign" && Object.hasOwn(BINDING, text) && BINDING[text as BinaryOperator] === COMPARISON;
  }

  private operand(): Expression {
    const { at } = this.token;
    if (this.takes("if")) {
      const condition = this.expression(0);
      this.expect("then");
      return { kind: "if", condition, follows: this.expression(0), at };
    }
    if (this.takes("not")) return { kind: "unary", operator: "not", operand: this.expression(NOT), at };
    if (this.takes("-")) return { kind: "unary", operator: "-", operand: this.expression(MINUS), at };
    if (this.takes("(")) {
      const inner = this.expression(0);
      this.expect(")");
      return inner;
    }
    const { kind, text } = this.token;
    if (kind === "number") return { kind, value: Number(this.take().text), at };
    if (kind === "text") return { kind, value: this.take().text, at };
    if (kind === "name") return this.fieldOrCall(this.take());
    if (this.takes("true") || this.takes("false")) return { kind: "boolean", value: text === "true", at };
    throw this.unexpected("a field, a number or '('");
  }

  private fieldOrCall({ text, at }: Token): Expression {
    if (!this.takes("(")) return { kind: "field", name: text, at };
    const parts: Expression[] = [];
    if (!this.takes(")")) {
      do parts.push(this.expression(0));
      while (this.takes(","));
      this.expect(")");
    }
    return { kind: "call", name: text, parts, at };
  }
}
