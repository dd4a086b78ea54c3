import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlindspotError } from "../../base/errors.ts";
import { canonicalJson } from "./canonical-json.ts";
import { inferSchema } from "./infer.ts";
import { rowCodec } from "./row-codec.ts";
import { RowSpace } from "./row-space.ts";
import { readRowSchema } from "./schema.ts";
import { unboundRelations } from "./unbound.ts";

const LOAN = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "income", type: "integer", min: 0, max: 10000, change: "increase" },
    { name: "rate", type: "number", min: 0.5, max: 9.5, step: 0.1 },
    { name: "score", type: "number", min: -1, max: 3 },
    { name: "employed", type: "boolean" },
    { name: "purpose", type: "category", values: ["car", "tv", "house"], encoding: "one-hot", cost: 2 },
    { name: "status", type: "category", values: [1, 4, 2], change: "none" },
    { name: "one", type: "integer", min: 7, max: 7 },
  ],
  relations: ["if not employed then income == 0"],
};
const space = new RowSpace(readRowSchema(LOAN, "loan.json"));
const codec = rowCodec(space);
const levelsOf = fc
  .tuple(...space.fields.map(({ levels }) => fc.integer({ min: 0, max: levels - 1 })))
  .map((levels) => Int32Array.from(levels));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof BlindspotError) return error.problems.map(({ code, where }) => `${code} ${where}`);
    throw error;
  }
  return [];
}

describe("rows", () => {
  it("are points with a number for each that the model takes", () => {
    const levels = Int32Array.of(2650, 5, 2 ** 22, 1, 2, 1, 0);
    const point = space.point(levels);
    expect(Array.from(point)).toEqual([0.265, 5 / 90, 0.25, 1, 0, 0, 1, 1, 0].map(Math.fround));
    expect(space.values(levels)).toEqual([2650, 1, 0, true, "house", 4, 7]);
    expect(space.boxes[7]).toEqual({ low: 1, high: 4, steps: 3 });
  });

  it("come back from their points, and from their files", () => {
    fc.assert(
      fc.property(levelsOf, (levels) => {
        expect(space.levels(space.point(levels))).toEqual(levels);
        for (const [f, value] of space.values(levels).entries())
          expect(space.fields[f]!.parse(String(value))).toBe(levels[f]);
      }),
    );
  });

  it("round to themselves, and from anywhere to what is legal", () => {
    const anything = fc.float32Array({ minLength: space.size, maxLength: space.size });
    fc.assert(
      fc.property(anything, (point) => {
        const levels = space.levels(point);
        expect(space.levels(space.point(levels))).toEqual(levels);
      }),
    );
  });

  it("are stored as canonical JSON, and are known by it", async () => {
    const point = space.point(Int32Array.of(0, 5, 0, 0, 2, 1, 0));
    const { bytes, extension } = await codec.encode(point);
    expect([extension, text(bytes)]).toEqual([
      "json",
      '{"employed":false,"income":0,"one":7,"purpose":"house","rate":1,"score":-1,"status":4}',
    ]);
    expect(await codec.decode(bytes)).toEqual(point);
    expect(text(codec.canonical(point))).toBe(`row json\n${text(bytes)}`);
  });

  it("that are none are refused with the reason", async () => {
    const legal = space.point(Int32Array.of(0, 5, 0, 0, 2, 1, 0));
    const at = (index: number, value: number) => legal.map((old, i) => (i === index ? value : old));
    expect(codec.check(legal)).toBeNull();
    expect(codec.check(at(0, 0.5))).toBe("breaks if not employed then income == 0");
    expect(codec.check(at(1, 0.0501))).toBe("rate is not a number from 0.5 to 9.5 in steps of 0.1");
    expect(codec.check(at(4, 1))).toMatch(/^purpose is not one of car, tv, house/);
    expect(codec.check(at(3, Number.NaN))).toMatch(/NaN/);
    expect(() => codec.canonical(at(7, 0.5))).toThrowError("status");
    const file = (json: unknown) => codec.decode(new TextEncoder().encode(JSON.stringify(json)));
    const wrong = { employed: false, income: 0.5, one: 7, purpose: "boat", rate: 1, score: -1, extra: 1 };
    const failure = await file(wrong).catch((error: BlindspotError) => error.problems.map(({ where }) => where));
    expect(failure).toEqual(["income", "purpose", "status", "extra"]);
    await expect(file([1])).rejects.toThrowError("a JSON object");
  });

  it("differ by fields, told in the user's terms, dearest first", () => {
    const x0 = space.point(Int32Array.of(2400, 5, 0, 1, 0, 1, 0));
    const x = space.point(Int32Array.of(2650, 5, 0, 1, 1, 1, 0));
    expect(codec.fieldChanges!(x, x0)).toEqual([
      { index: 4, name: "purpose", from: "car", to: "tv" },
      { index: 0, name: "income", from: 2400, to: 2650 },
    ]);
    expect(space.cost(space.levels(x), space.levels(x0))).toBeCloseTo(2 + 0.025, 12);
  });
});

describe("a relation that never binds", () => {
  const fieldsOf = (change: string) => [
    { name: "a", type: "integer", min: 0, max: 9 },
    { name: "b", type: "integer", min: 0, max: 9, change },
    { name: "kind", type: "category", values: ["x", "y"] },
  ];
  it.each<[string, string, boolean]>([
    ["if a > 0 then b >= 0", "any", true],
    ["if a > 0 then b > 0", "any", false],
    ["a <= 9", "any", true],
    ["a < 9", "any", false],
    ["a + b != 17", "any", false],
    ["kind == 'x' or kind == 'y'", "any", true],
    ["if kind == 'x' then a == b or b != 0", "any", false],
    // Once, as a rule of another tool was written (text-and-tabular, 2.6 no. 1).
    ["0 <= a or 0 < b", "any", true],
    ["b >= 1", "none", true],
    ["b >= 1", "decrease", false],
    ["b >= 1", "increase", true],
  ])("%s, where b may change: %s", (relation, change, never) => {
    const json = { schema: "blindspot-rows/1", fields: fieldsOf(change), relations: [relation] };
    const space = new RowSpace(readRowSchema(json, "s.json"));
    const rows = [Int32Array.of(1, 1, 0), Int32Array.of(8, 2, 1)];
    expect(unboundRelations(space, rows).map(({ text }) => text)).toEqual(never ? [relation] : []);
  });
});

it.each([
  [{ b: 1, a: "x", "€": true, A: 0.1 }, '{"A":0.1,"a":"x","b":1,"€":true}'],
  [{ x: 1e21, y: -0, z: 1e-7 }, '{"x":1e+21,"y":0,"z":1e-7}'],
  [{ 'q"': "\u0000\n" }, '{"q\\"":"\\u0000\\n"}'],
  // RFC 8785, 3.2.3: by UTF-16 code units, so the emoji (a surrogate pair) stands before U+FB33.
  [{ "\ufb33": 1, "😀": 2, "\r": 3 }, '{"\\r":3,"😀":2,"\ufb33":1}'],
])("%o is canonically %s", (record, json) => {
  expect(canonicalJson(record)).toBe(json);
});

it.each([[{ a: Number.NaN }], [{ a: Infinity }], [{ a: "\ud800" }]])("%o has no canonical form", (record) => {
  expect(() => canonicalJson(record)).toThrowError(TypeError);
});

describe("schemas", () => {
  const field = (more: object) => ({ schema: "blindspot-rows/1", fields: [{ name: "x", ...more }] });

  it.each<[string, object, string[]]>([
    ["another version", { schema: "blindspot-rows/2", fields: [] }, ["E_SCHEMA schema", "E_SCHEMA fields"]],
    ["an unknown key", { ...field({ type: "boolean" }), extra: 1 }, ["E_SCHEMA the file"]],
    ["an unknown type", field({ type: "date" }), ["E_SCHEMA field x, type"]],
    ["fractions of integers", field({ type: "integer", min: 0.5, max: 2 }), ["E_SCHEMA field x, min"]],
    ["an empty range", field({ type: "number", min: 2, max: 1 }), ["E_SCHEMA_FIELD field x"]],
    ["too fine a step", field({ type: "number", min: 0, max: 1e9, step: 0.01 }), ["E_SCHEMA_FIELD field x"]],
    ["a value twice", field({ type: "category", values: ["a", "a"] }), ["E_SCHEMA_FIELD field x"]],
    ["mixed values", field({ type: "category", values: ["a", 1] }), ["E_SCHEMA_FIELD field x"]],
    ["fractions as codes", field({ type: "category", values: [0.5, 1] }), ["E_SCHEMA_FIELD field x"]],
    ["missing codes", field({ type: "category", values: ["a", "b"], codes: [1] }), ["E_SCHEMA_FIELD field x"]],
    [
      "missing columns",
      field({ type: "category", values: ["a", "b"], encoding: "one-hot", columns: ["c"] }),
      ["E_SCHEMA_FIELD field x"],
    ],
    ["not an object", [], ["E_SCHEMA the file"]],
  ])("refuse %s", (_, json, problems) => {
    expect(problemsOf(() => readRowSchema(json, "s.json"))).toEqual(problems);
  });

  it("say all that is wrong with them at once", () => {
    const json = {
      schema: "blindspot-rows/1",
      fields: [
        { name: "a", type: "number", min: 2, max: 1 },
        { name: "b", type: "category", values: ["x", "x"] },
        { name: "b", type: "boolean" },
      ],
      relations: ["a == c", "a <", "a == a"],
      ignore: ["a"],
    };
    expect(problemsOf(() => readRowSchema(json, "s.json"))).toEqual([
      "E_SCHEMA_FIELD field a",
      "E_SCHEMA_FIELD field b",
      "E_SCHEMA_FIELD field a",
      "E_SCHEMA_FIELD field b",
      "E_SCHEMA_RELATION relation 1, character 6",
      "E_SCHEMA_RELATION relation 2, character 4",
    ]);
  });

  it("may look as the documentation shows", () => {
    const page = readFileSync(new URL("../../../docs/rows.md", import.meta.url), "utf8");
    const [, example] = /```json\n([\s\S]*?)```/.exec(page)!;
    expect(readRowSchema(JSON.parse(example!), "docs/rows.md").relations).toHaveLength(2);
  });

  it("are inferred from rows that they then allow", () => {
    const names = ["age", "rate", "ok", "kind", "odd", "measured"];
    const rows = [
      ["31", "0.5", "1", "b", "1", "0.123456789"],
      ["45", "2.25", "0", "a", "?", "3"],
      ["44", "1", "1", "a", "2", "2"],
    ];
    const { schema, notes } = inferSchema(names, rows);
    expect(schema.fields).toEqual([
      { name: "age", type: "integer", min: 31, max: 45 },
      { name: "rate", type: "number", min: 0.5, max: 2.25, step: 0.01 },
      { name: "ok", type: "boolean" },
      { name: "kind", type: "category", values: ["a", "b"], encoding: "code" },
      { name: "odd", type: "category", values: ["1", "2", "?"], encoding: "code" },
      { name: "measured", type: "number", min: 0.123456789, max: 3 },
    ]);
    expect(notes).toEqual([
      "age: 3 whole numbers: a category, perhaps",
      "odd: texts among numbers (?): read as a category",
    ]);
    const inferred = new RowSpace(readRowSchema(schema, "inferred"));
    for (const row of rows)
      for (const [f, cell] of row.entries()) expect(inferred.fields[f]!.parse(cell)).not.toBeNull();
  });
});
