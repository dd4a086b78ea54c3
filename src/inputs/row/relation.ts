import { type BinaryOperator, type Expression, parseExpression } from "./expression.ts";
import { ExpressionError } from "./tokens.ts";

/** What relations see of a row: a number for each number, 0 or 1 for a boolean, the text (or number) of a category. In the order of the fields. */
export type RowValues = readonly (number | string)[];

/** A field as relations know it. */
export interface NamedField {
  readonly name: string;
  readonly kind: "number" | "boolean" | "text";
}

type Kind = NamedField["kind"];
/** Numbers, also 0 and 1 for false and true; NaN is what has no value, such as 1 / 0, and makes what rests on it NaN. */
type Evaluate = (row: RowValues) => number | string;

/** A rule between fields: parsed once, checked for names and kinds, compiled to closures. Nothing is ever given to `eval`. */
export interface Relation {
  readonly text: string;
  /** Fields that it speaks of, by index. */
  readonly fields: readonly number[];
  /** A relation whose value is undefined (a division by 0) does not hold. */
  holds(row: RowValues): boolean;
  /** `total == expression` (either way around): the field that can be computed, and how. Null for other relations. */
  readonly derived: { readonly field: number; value(row: RowValues): number } | null;
}

/** Relative: values pass through float32. */
const TOLERANCE = 1e-6;

/** Parses and compiles. Throws `ExpressionError` for what can't be read, unknown names, and kinds that don't fit. */
export function compileRelation(text: string, fields: readonly NamedField[]): Relation {
  const tree = parseExpression(text);
  const used = new Set<number>();
  const compiler = new Compiler(fields, used);
  const { evaluate, kind } = compiler.compile(tree);
  if (kind !== "boolean")
    throw new ExpressionError("a relation must be something that holds or not, such as a == b", tree.at);
  return {
    text,
    fields: [...used].sort((a, b) => a - b),
    holds: (row) => evaluate(row) === 1,
    derived: derivedField(tree, fields),
  };
}

/** The field that stands alone on one side of an equality, and not on the other. */
function derivedField(tree: Expression, fields: readonly NamedField[]): Relation["derived"] {
  if (tree.kind !== "binary" || tree.operator !== "==") return null;
  for (const [alone, other] of [
    [tree.left, tree.right],
    [tree.right, tree.left],
  ] as const) {
    if (alone.kind !== "field") continue;
    const used = new Set<number>();
    const { evaluate, kind } = new Compiler(fields, used).compile(other);
    const field = fields.findIndex(({ name }) => name === alone.name);
    if (kind === "number" && !used.has(field)) return { field, value: (row) => evaluate(row) as number };
  }
  return null;
}

interface Compiled {
  readonly evaluate: Evaluate;
  readonly kind: Kind;
}

/** How many parts a function takes, and what it does with them. */
const FUNCTIONS: Readonly<Record<string, { least: number; most: number; apply(values: number[]): number }>> = {
  sum: { least: 1, most: Infinity, apply: (values) => values.reduce((a, b) => a + b, 0) },
  min: { least: 1, most: Infinity, apply: (values) => Math.min(...values) },
  max: { least: 1, most: Infinity, apply: (values) => Math.max(...values) },
  abs: { least: 1, most: 1, apply: ([value]) => Math.abs(value!) },
  round: { least: 1, most: 1, apply: ([value]) => Math.round(value!) },
  floor: { least: 1, most: 1, apply: ([value]) => Math.floor(value!) },
};

const ARITHMETIC: Readonly<Partial<Record<BinaryOperator, (a: number, b: number) => number>>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => (b === 0 ? Number.NaN : a / b),
  "%": (a, b) => (b === 0 ? Number.NaN : a % b),
};

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Of two numbers exactly one of <, ==, > holds. */
const COMPARISONS: Readonly<Partial<Record<BinaryOperator, (a: number, b: number) => boolean>>> = {
  "==": close,
  "!=": (a, b) => !close(a, b),
  "<": (a, b) => a < b && !close(a, b),
  "<=": (a, b) => a < b || close(a, b),
  ">": (a, b) => a > b && !close(a, b),
  ">=": (a, b) => a > b || close(a, b),
};

class Compiler {
  private readonly fields: readonly NamedField[];
  private readonly used: Set<number>;

  constructor(fields: readonly NamedField[], used: Set<number>) {
    this.fields = fields;
    this.used = used;
  }

  compile(tree: Expression): Compiled {
    switch (tree.kind) {
      case "number":
      case "text":
        return { evaluate: () => tree.value, kind: tree.kind };
      case "boolean":
        return { evaluate: () => Number(tree.value), kind: "boolean" };
      case "field":
        return this.field(tree);
      case "unary":
        return this.unary(tree);
      case "binary":
        return this.binary(tree);
      case "call":
        return this.call(tree);
      case "if":
        return implication(this.condition(tree.condition), this.condition(tree.follows));
    }
  }

  private field({ name, at }: Extract<Expression, { kind: "field" }>): Compiled {
    const index = this.fields.findIndex((field) => field.name === name);
    if (index < 0) throw new ExpressionError(`no field is called '${name}'`, at);
    this.used.add(index);
    return { evaluate: (row) => row[index]!, kind: this.fields[index]!.kind };
  }

  private unary({ operator, operand }: Extract<Expression, { kind: "unary" }>): Compiled {
    if (operator === "-") {
      const value = this.number(operand);
      return { evaluate: (row) => -value(row), kind: "number" };
    }
    const value = this.condition(operand);
    return { evaluate: (row) => 1 - value(row), kind: "boolean" };
  }

  private binary({ operator, left, right, at }: Extract<Expression, { kind: "binary" }>): Compiled {
    if (operator === "or") {
      const [a, b] = [this.condition(left), this.condition(right)];
      return { evaluate: (row) => (a(row) === 0 ? b(row) : a(row)), kind: "boolean" };
    }
    if (operator === "and") {
      const [a, b] = [this.condition(left), this.condition(right)];
      return { evaluate: (row) => (a(row) === 1 ? b(row) : a(row)), kind: "boolean" };
    }
    const arithmetic = ARITHMETIC[operator];
    if (arithmetic !== undefined) {
      const [a, b] = [this.number(left), this.number(right)];
      return { evaluate: (row) => arithmetic(a(row), b(row)), kind: "number" };
    }
    return this.comparison(operator, left, right, at);
  }

  private comparison(operator: BinaryOperator, left: Expression, right: Expression, at: number): Compiled {
    const [a, b] = [this.compile(left), this.compile(right)];
    if ((a.kind === "text") !== (b.kind === "text"))
      throw new ExpressionError(`'${operator}' compares a ${a.kind} with a ${b.kind}`, at);
    if (a.kind === "text") {
      if (operator !== "==" && operator !== "!=")
        throw new ExpressionError(`texts have no order: '${operator}' can't compare them`, at);
      const equal = operator === "==";
      return { evaluate: (row) => Number((a.evaluate(row) === b.evaluate(row)) === equal), kind: "boolean" };
    }
    const compare = COMPARISONS[operator]!;
    const evaluate = (row: RowValues): number => {
      const [x, y] = [a.evaluate(row) as number, b.evaluate(row) as number];
      return Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : Number(compare(x, y));
    };
    return { evaluate, kind: "boolean" };
  }

  private call({ name, parts, at }: Extract<Expression, { kind: "call" }>): Compiled {
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (known === undefined)
      throw new ExpressionError(`no function is called '${name}' (known: ${Object.keys(FUNCTIONS).join(", ")})`, at);
    if (parts.length < known.least || parts.length > known.most)
      throw new ExpressionError(`${name} takes ${known.most === 1 ? "one value" : "one value or more"}`, at);
    const values = parts.map((part) => this.number(part));
    return { evaluate: (row) => known.apply(values.map((value) => value(row))), kind: "number" };
  }

  /** A number, or a boolean counted as 0 or 1. */
  private number(tree: Expression): (row: RowValues) => number {
    const { evaluate, kind } = this.compile(tree);
    if (kind === "text") throw new ExpressionError("expected a number, got a text", tree.at);
    return evaluate as (row: RowValues) => number;
  }

  private condition(tree: Expression): (row: RowValues) => number {
    const { evaluate, kind } = this.compile(tree);
    if (kind !== "boolean") throw new ExpressionError(`expected something true or false, got a ${kind}`, tree.at);
    return evaluate as (row: RowValues) => number;
  }
}

/** Where the condition does not hold, what follows is never looked at. */
function implication(condition: (row: RowValues) => number, follows: (row: RowValues) => number): Compiled {
  const evaluate = (row: RowValues): number => {
    const met = condition(row);
    return met === 1 ? follows(row) : 1 - met;
  };
  return { evaluate, kind: "boolean" };
}
