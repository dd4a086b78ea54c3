import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRelation, type NamedField } from "./relation.ts";
import { ExpressionError } from "./tokens.ts";

const FIELDS: readonly NamedField[] = [
  { name: "a", kind: "number" },
  { name: "b", kind: "number" },
  { name: "total", kind: "number" },
  { name: "employed", kind: "boolean" },
  { name: "income", kind: "number" },
  { name: "purpose", kind: "text" },
  { name: "loan to value", kind: "number" },
];
/** a, b, total, employed, income, purpose, loan to value. */
const ROW = [2, 3, 5, 0, 0, "car", 0.8];
const WORKING = [2, 3, 6, 1, 2400, "tv", 0.3];

describe("relations", () => {
  it.each<[string, boolean, boolean]>([
    ["total == sum(a, b)", true, false],
    ["sum(a, b) == total", true, false],
    ["total == a + b", true, false],
    ["total != a + b", false, true],
    ["if employed == 0 then income == 0", true, true],
    ["if not employed then income == 0", true, true],
    ["if employed then income > 2400", true, false],
    ["if employed then income >= 2400", true, true],
    ["income == 0 or employed", true, true],
    ["income > 0 and employed", false, true],
    ["not (income > 0 and employed)", true, false],
    ["not income > 0 and not employed", true, false],
    ["a < b", true, true],
    ["b < a", false, false],
    ["a <= a", true, true],
    ["a < a", false, false],
    ["a > b or b > a", true, true],
    ["a + b * 2 == 8", true, true],
    ["(a + b) * 2 == 10", true, true],
    ["b - a - 1 == 0", true, true],
    ["12 / b / a == 2", true, true],
    ["-a + b == 1", true, true],
    ["a - -b == 5", true, true],
    ["b % a == 1", true, true],
    ["min(a, b, total) == 2", true, true],
    ["max(a, b) == 3", true, true],
    ["abs(a - b) == 1", true, true],
    ["round(`loan to value`) == 1", true, false],
    ["floor(`loan to value`) == 0", true, true],
    ["`loan to value` <= 0.8", true, true],
    ["`loan to value` < 0.8", false, true],
    ["`loan to value` * 10 == 8", true, false],
    ['purpose == "car"', true, false],
    ["purpose != 'car'", false, true],
    ['if purpose == "tv" then income > 0', true, true],
    ["true", true, true],
    ["false or a == 2", true, true],
    ["employed == false", true, false],
    ["sum(employed, a) == 2", true, false],
    ["a / employed > 1", false, true],
    ["if employed then a / employed > 1", true, true],
    ["employed == 0 or a / employed == 2", true, true],
    ["not (a / employed > 1)", false, false],
    ["income == 1e3 * 2.4 or income == .0", true, true],
  ])("%s", (text, first, second) => {
    const relation = compileRelation(text, FIELDS);
    expect([relation.holds(ROW), relation.holds(WORKING)]).toEqual([first, second]);
  });

  it("know which field follows from others", () => {
    const derived = (text: string) => {
      const found = compileRelation(text, FIELDS).derived;
      return found === null ? null : [found.field, found.value([1, 2, 0, 0, 0, "car", 0])];
    };
    expect(derived("total == sum(a, b) + 1")).toEqual([2, 4]);
    expect(derived("a * b == total")).toEqual([2, 2]);
    expect(derived("total == total + a")).toBeNull();
    expect(derived("total <= a")).toBeNull();
    expect(derived('purpose == "car"')).toBeNull();
  });

  it.each([
    ["", "expected a field, a number or '(', got the end", 0],
    ["a +", "expected a field, a number or '(', got the end", 3],
    ["a == b)", "expected an operator or the end, got ')'", 6],
    ["(a == b", "expected ')', got the end", 7],
    ["a = b", "'=' (write == to compare)", 2],
    ["a < b < total", "comparisons do not chain: join two with 'and'", 6],
    ["a == b == total", "comparisons do not chain: join two with 'and'", 7],
    ["a + b", "a relation must be something that holds or not, such as a == b", 2],
    ["a", "a relation must be something that holds or not, such as a == b", 0],
    ["nobody == 1", "no field is called 'nobody'", 0],
    ["a == constructor", "no field is called 'constructor'", 5],
    ["a == toString(b)", "no function is called 'toString' (known: sum, min, max, abs, round, floor)", 5],
    ["abs(a, b) == 1", "abs takes one value", 0],
    ["sum() == 1", "sum takes one value or more", 0],
    ["purpose == 1", "'==' compares a text with a number", 8],
    ['purpose < "tv"', "texts have no order: '<' can't compare them", 8],
    ["sum(purpose) == 1", "expected a number, got a text", 4],
    ["if a then b == 1", "expected something true or false, got a number", 3],
    ["if employed income == 0", "expected 'then', got 'income'", 12],
    ["not a", "expected something true or false, got a number", 4],
    ["a == 'car", "' is not closed", 5],
    ["a == `b", "` is not closed", 5],
    ["a == b; process.exit()", "unexpected ';'", 6],
    ["a[0] == 1", "unexpected '['", 1],
    ["a == 1 b", "expected an operator or the end, got 'b'", 7],
    ["a == == b", "expected a field, a number or '(', got '=='", 5],
    ["a == 💥", "unexpected '💥'", 5],
  ])("refuse %s", (text, message, at) => {
    expect(() => compileRelation(text, FIELDS)).toThrowError(ExpressionError);
    try {
      compileRelation(text, FIELDS);
    } catch (error) {
      expect([(error as ExpressionError).message, (error as ExpressionError).at]).toEqual([message, at]);
    }
  });

  it.each([
    ["length", `a == ${"1 + ".repeat(1000)}1`, "more than 2000 characters"],
    ["parentheses", `${"(".repeat(900)}a${")".repeat(900)} == 1`, "nested more than 64 deep"],
    ["minus signs", `${"-".repeat(1900)}a == 1`, "nested more than 64 deep"],
    ["negations", `${"not ".repeat(400)}true`, "nested more than 64 deep"],
    ["conditions", `${"if true then ".repeat(140)}true`, "nested more than 64 deep"],
    ["long chains", `a == ${"1+".repeat(900)}1`, "more than 64 operators in a row"],
  ])("refuse too much %s", (_, text, message) => {
    expect(() => compileRelation(text, FIELDS)).toThrowError(message);
  });

  /** Expressions with the value that JavaScript gives them. All parentheses are written. */
  const arithmetic = fc.letrec<{ node: { text: string; value: number } }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.integer({ min: 0, max: 9 }).map((value) => ({ text: String(value), value })),
      fc.constantFrom({ text: "a", value: 2 }, { text: "b", value: 3 }, { text: "total", value: 5 }),
      fc.tuple(fc.constantFrom("+", "-", "*"), tie("node"), tie("node")).map(([sign, l, r]) => ({
        text: `(${l.text} ${sign} ${r.text})`,
        value: sign === "+" ? l.value + r.value : sign === "-" ? l.value - r.value : l.value * r.value,
      })),
      tie("node").map(({ text, value }) => ({ text: `-(${text})`, value: -value })),
    ),
  })).node;

  it("have the value that arithmetic gives them", () => {
    fc.assert(
      fc.property(arithmetic, arithmetic, (left, right) => {
        const relation = compileRelation(`${left.text} < ${right.text}`, FIELDS);
        expect(relation.holds(ROW)).toBe(left.value < right.value);
      }),
    );
  });

  it("read any text to a relation or to an error with its place", () => {
    const pieces = fc.array(
      fc.constantFrom(
        "a",
        "b",
        "1",
        "(",
        ")",
        "+",
        "-",
        "==",
        "<",
        "and",
        "if",
        "then",
        "sum",
        ",",
        "not",
        " ",
        "'x'",
        "`",
        "é",
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join(" ");
        try {
          expect(typeof compileRelation(text, FIELDS).holds(ROW)).toBe("boolean");
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
          expect((error as ExpressionError).at).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 500 },
    );
  });
});
