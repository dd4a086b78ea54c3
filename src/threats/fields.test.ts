import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { randomSchema } from "../inputs/row/random-schema.test.fixture.ts";
import { RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { fields } from "./fields.ts";
import { parseThreat } from "./parse.ts";

const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "a", type: "integer", min: 0, max: 9 },
    { name: "b", type: "integer", min: 0, max: 9, change: "increase" },
    { name: "total", type: "integer", min: 0, max: 18 },
    { name: "rate", type: "number", min: -1, max: 1 },
    { name: "kind", type: "category", values: ["x", "y", "z"], encoding: "one-hot" },
    { name: "down", type: "number", min: 0, max: 1, step: 0.25, change: "decrease" },
    { name: "age", type: "integer", min: 18, max: 90, change: "none" },
    { name: "on", type: "boolean" },
  ],
  relations: ["total == sum(a, b)", "if not on then rate <= 0"],
};
const space = new RowSpace(readRowSchema(SCHEMA, "s.json"));
const SIZE = space.size;

/** Rows that keep the relations. */
const clean = fc
  .record({
    a: fc.integer({ min: 0, max: 9 }),
    b: fc.integer({ min: 0, max: 9 }),
    rate: fc.integer({ min: 0, max: 2 ** 23 }),
    rest: fc.tuple(fc.nat(2), fc.nat(4), fc.nat(72), fc.nat(1)),
  })
  .map(({ a, b, rate, rest }) => space.point(Int32Array.of(a, b, a + b, rate, ...rest)));
const anywhere = fc.float32Array({ minLength: SIZE, maxLength: SIZE, min: -1, max: 2 });
const counts = fc.integer({ min: 0, max: 4 });

describe("at most K fields of a row", () => {
  it("allow what they project to, and leave that as it is", () => {
    fc.assert(
      fc.property(clean, anywhere, counts, (x0, x, count) => {
        const threat = fields(count, space);
        const once = threat.project(Float32Array.from(x), x0);
        expect(threat.violation(once, x0)).toBeNull();
        expect(threat.project(Float32Array.from(once), x0)).toEqual(once);
        expect(threat.deployable(once, x0)).toEqual(once);
        expect(threat.distance(once, x0)).toBeLessThanOrEqual(count);
      }),
    );
  });

  it("of any schema with a relation never leave it: repair is legal, idempotent, and leaves a clean row as it is", () => {
    fc.assert(
      fc.property(fc.nat(), counts, anywhere, (seed, count, noise) => {
        const { space: any, legal } = randomSchema(Rng.of(seed));
        const threat = fields(Math.min(count, any.fields.length), any);
        const x0 = any.point(legal[seed % legal.length]!);
        const x = Float32Array.from(x0, (_, i) => noise[i % SIZE]!);
        const once = threat.project(Float32Array.from(x), x0);
        for (const point of [once, threat.ascend(x0, x, 2, x0), threat.randomPoint(x0, Rng.of(seed))]) {
          expect(threat.violation(point, x0)).toBeNull();
          expect(any.broken(any.levels(point))).toBeNull();
        }
        expect(threat.project(Float32Array.from(once), x0)).toEqual(once);
        expect(threat.project(Float32Array.from(x0), x0)).toEqual(x0);
        const derived = any.derive(any.levels(x), any.levels(x0));
        for (const [f, { levels }] of any.fields.entries()) {
          expect(derived[f]).toBeGreaterThanOrEqual(0);
          expect(derived[f]).toBeLessThan(levels);
        }
      }),
    );
  });

  it("never write what may not change, and leave the clean row as it is", () => {
    fc.assert(
      fc.property(clean, anywhere, (x0, x) => {
        const threat = fields(8, space);
        const [from, to] = [space.levels(x0), space.levels(threat.project(Float32Array.from(x), x0))];
        expect(to[6]).toBe(from[6]);
        expect(to[1]).toBeGreaterThanOrEqual(from[1]!);
        expect(to[5]).toBeLessThanOrEqual(from[5]!);
        expect(threat.project(Float32Array.from(x0), x0)).toEqual(x0);
      }),
    );
  });

  it("sample, step and round to what they allow, with the same seed the same", () => {
    fc.assert(
      fc.property(clean, anywhere, counts, fc.nat(), (x0, gradient, count, seed) => {
        const threat = fields(count, space);
        const drawn = threat.randomPoint(x0, Rng.of(seed));
        expect(threat.violation(drawn, x0)).toBeNull();
        expect(threat.randomPoint(x0, Rng.of(seed))).toEqual(drawn);
        for (const length of [1, 2])
          expect(threat.violation(threat.ascend(drawn, gradient, length, x0), x0)).toBeNull();
      }),
    );
  });

  it("take NaN for the clean value", () => {
    const x0 = space.point(Int32Array.of(1, 2, 3, 0, 1, 2, 5, 0));
    const threat = fields(3, space);
    expect(threat.project(new Float32Array(SIZE).fill(Number.NaN), x0)).toEqual(x0);
    expect(threat.deployable(new Float32Array(SIZE).fill(Number.NaN), x0)).toEqual(x0);
  });

  it("repair a total by what it follows from, where that is one field more", () => {
    const x0 = space.point(Int32Array.of(1, 2, 3, 0, 1, 2, 5, 0));
    const moved = space.point(Int32Array.of(8, 2, 3, 0, 1, 2, 5, 0));
    const repaired = (count: number) =>
      Array.from(space.levels(fields(count, space).project(Float32Array.from(moved), x0)));
    expect(repaired(2)).toEqual([8, 2, 10, 0, 1, 2, 5, 0]);
    expect(repaired(1)).toEqual([1, 2, 3, 0, 1, 2, 5, 0]);
  });

  it("step to the value that gains most", () => {
    const x0 = space.point(Int32Array.of(1, 2, 3, 0, 1, 2, 5, 0));
    const gradient = new Float32Array(SIZE);
    gradient.set([0.1, 2, -1], 4);
    gradient[3] = 5;
    const step = (length: number) => space.values(space.levels(fields(2, space).ascend(x0, gradient, length, x0)));
    // Rate gains most, but may not rise while `on` is false: the step is repaired to none.
    expect(step(1)).toEqual([1, 2, 3, -1, "y", 0.5, 23, false]);
    // From y (2) to x (9) is more than rate could gain (5).
    gradient[4] = 9;
    expect(step(1)).toEqual([1, 2, 3, -1, "x", 0.5, 23, false]);
  });

  it("say what is wrong with a row", () => {
    const x0 = space.point(Int32Array.of(1, 2, 3, 0, 1, 2, 5, 0));
    const verdict = (...levels: number[]) => fields(1, space).violation(space.point(Int32Array.from(levels)), x0);
    expect(verdict(1, 2, 3, 0, 2, 2, 5, 0)).toBeNull();
    expect(verdict(2, 2, 3, 0, 1, 2, 5, 0)).toBe("breaks total == sum(a, b)");
    expect(verdict(1, 2, 3, 0, 1, 3, 5, 0)).toBe("down may not change so");
    expect(verdict(1, 2, 3, 0, 1, 2, 6, 0)).toBe("age may not change so");
    expect(verdict(1, 2, 3, 1, 2, 2, 5, 0)).toBe("changes 2 fields, allowed 1");
    expect(
      fields(1, space).violation(
        x0.map((v, i) => (i === 0 ? 0.15 : v)),
        x0,
      ),
    ).toMatch(/schema does not allow/);
  });

  it("hold fast what a mask holds", () => {
    const mask = new Uint8Array(SIZE).fill(1);
    mask[5] = 0;
    const threat = fields(1, space, { mask });
    expect(threat.rows!.free).toEqual([0, 1, 2, 3, 5, 7]);
    expect(threat.id).toMatch(/^fields:1;none;untargeted;mask=[0-9a-f]{8};schema=[0-9a-f]{8}$/);
  });
});

it.each([
  ["fields:2", { rows: space }, null],
  ["fields:9", { rows: space }, ["E_THREAT_EPSILON"]],
  ["fields:0", { rows: space }, ["E_THREAT_EPSILON"]],
  ["fields:two", {}, ["E_THREAT_SCHEMA", "E_THREAT_EPSILON"]],
  ["fields:2", { rows: space, quantize: "uint8" }, ["E_THREAT_OPTION"]],
  ["linf:0.1", { rows: space }, ["E_THREAT_KIND"]],
] as const)("%s as typed", (spec, options, codes) => {
  const read = () => parseThreat(spec, options);
  if (codes === null) expect(read()).toMatchObject({ norm: "fields", epsilon: 2, effectiveEpsilon: 2 });
  else
    expect(read).toThrowError(
      expect.objectContaining({ problems: codes.map((code) => expect.objectContaining({ code })) }),
    );
});
