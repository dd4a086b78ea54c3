import { describe, expect, it } from "vitest";
import { stands } from "../../assess/metrics.ts";
import type { SampleLine } from "../../assess/schema.ts";
import { Rng } from "../../base/rng.ts";
import { compileRelation } from "../../inputs/row/relation.ts";
import { rowCodec } from "../../inputs/row/row-codec.ts";
import { RowSpace } from "../../inputs/row/row-space.ts";
import { readRowSchema } from "../../inputs/row/schema.ts";
import { fields } from "../../threats/fields.ts";
import type { Threat } from "../../threats/threat.ts";
import type { AttackDefinition } from "../attack.ts";
import type { SampleRecord } from "../record.ts";
import { findAttack } from "../registry.ts";
import { runSamples } from "../runner.ts";
import { type SmallNet, smallClassifier, streamOf } from "../small-net.test.fixture.ts";

function spaceOf(list: readonly object[], relations: readonly string[] = []): RowSpace {
  return new RowSpace(readRowSchema({ schema: "blindspot-rows/1", fields: list, relations }, "s.json"));
}

const COUNT = { type: "integer", min: 0, max: 10 };

/** Class 1 where the weighted sum of the numbers is above `at`. */
function linear(weights: readonly number[], at: number): SmallNet {
  const none = weights.map(() => 0);
  return { inputs: weights.length, classes: 2, hidden: null, weights: [...none, ...weights], bias: [0, -at] };
}

interface Row {
  readonly levels: readonly number[];
  readonly label: number;
}

async function attackRows(
  space: RowSpace,
  net: SmallNet,
  rows: readonly Row[],
  threat: Threat,
  definition = findAttack("row-exhaustive"),
): Promise<SampleRecord[]> {
  const samples = rows.map(({ levels, label }, index) => {
    return { id: String(index), index, point: space.point(Int32Array.from(levels)), label };
  });
  const records: SampleRecord[] = [];
  for await (const record of runSamples(streamOf(samples), {
    classifier: smallClassifier(net, { dims: [space.size] }),
    threat,
    profiles: [{ knowledge: definition.knowledge, attacks: [{ definition, settings: definition.defaults }] }],
  }))
    records[record.index] = record;
  return records;
}

async function attackRow(space: RowSpace, net: SmallNet, levels: readonly number[], label: number) {
  const [record] = await attackRows(space, net, [{ levels, label }], fields(1, space));
  return record!;
}

// What other tools for rows got wrong (found by reading them), and what is so here.
describe("defects of other tools", () => {
  it("a rule `if a > 0 then b > 0` is not true of everything", () => {
    const names = ["a", "b"].map((name) => ({ name, kind: "number" as const }));
    const rule = compileRelation("if a > 0 then b > 0", names);
    expect(
      [
        [1, 0],
        [0, 0],
        [1, 1],
        [0, 1],
      ].map((row) => rule.holds(row)),
    ).toEqual([false, true, true, true]);
  });

  it("a row that is wrong without any attack is no success", async () => {
    const space = spaceOf([{ name: "a", ...COUNT }]);
    const record = await attackRow(space, linear([1], 0.5), [10], 0);
    expect(record).toMatchObject({ status: "misclassified", profiles: [] });
  });

  it("categories are rounded where there is no whole number beside them", () => {
    const values = ["x", "y", "z"];
    const space = spaceOf([{ name: "kind", type: "category", values, encoding: "one-hot" }]);
    const x0 = space.point(Int32Array.of(0));
    expect([...fields(1, space).project(Float32Array.of(0.4, 0.3, 0.6), x0)]).toEqual([0, 0, 1]);
  });

  it("whole numbers are rounded to the nearest, not toward the clean value", () => {
    const space = spaceOf([{ name: "a", ...COUNT }]);
    const x0 = space.point(Int32Array.of(5));
    expect([...fields(1, space).project(Float32Array.of(0.56), x0)]).toEqual([Math.fround(0.6)]);
  });

  it("rounding does not break what repair had mended: an average that is no whole number is no legal row", () => {
    const three = ["a", "b", "mean"].map((name) => ({ name, ...COUNT }));
    const space = spaceOf(three, ["mean == (a + b) / 2"]);
    const threat = fields(3, space);
    const x0 = space.point(Int32Array.of(2, 4, 3));
    for (let seed = 0; seed < 50; seed++)
      expect(space.broken(space.levels(threat.randomPoint(x0, Rng.of(seed))))).toBeNull();
    expect([...space.levels(threat.project(space.point(Int32Array.of(5, 4, 3)), x0))]).toEqual([2, 4, 3]);
    expect([...space.levels(threat.project(space.point(Int32Array.of(6, 4, 3)), x0))]).toEqual([6, 4, 5]);
  });

  it.each([
    ["immutable", { change: "none" }, [9, 2, 11]],
    ["out of range", { max: 6 }, [9, 2, 11]],
  ])("a field that follows is not written where it is %s", (_, more, wanted) => {
    const total = { name: "total", type: "integer", min: 0, max: 20, ...more };
    const space = spaceOf([{ name: "a", ...COUNT }, { name: "b", ...COUNT }, total], ["total == a + b"]);
    const x0 = space.point(Int32Array.of(1, 2, 3));
    const repaired = space.derive(Int32Array.of(wanted[0]!, wanted[1]!, 3), Int32Array.of(1, 2, 3));
    expect([...repaired]).toEqual([9, 2, 3]);
    expect([...fields(3, space).project(space.point(repaired), x0)]).toEqual([...x0]);
  });

  it("what follows from what follows is computed in any order of the relations", () => {
    const list = ["a", "double", "more"].map((name) => ({ name, type: "integer", min: 0, max: 100 }));
    const space = spaceOf(list, ["more == double + 1", "double == a * 2"]);
    expect([...space.derive(Int32Array.of(7, 2, 3), Int32Array.of(1, 2, 3))]).toEqual([7, 14, 15]);
  });

  it("equality bears the rounding of float32", () => {
    const list = ["a", "b", "total"].map((name) => ({ name, type: "number", min: 0, max: 1, step: 0.1 }));
    const space = spaceOf(list, ["total == a + b"]);
    expect(0.1 + 0.2 === 0.3).toBe(false);
    expect(space.broken(Int32Array.of(1, 2, 3))).toBeNull();
    expect(space.broken(Int32Array.of(1, 2, 4))).toBe("total == a + b");
  });

  it("a change of category is one change, and within reach", async () => {
    const values = ["x", "y", "z"];
    const space = spaceOf([{ name: "kind", type: "category", values, encoding: "one-hot" }]);
    const record = await attackRow(space, linear([0, 0, 1], 0.5), [0], 0);
    const { found } = record.profiles[0]!.attempts[0]!;
    expect([record.status, found!.distance, [...found!.point]]).toEqual(["fooled", 1, [0, 0, 1]]);
  });

  it("a goal of a class is reached by that class alone", async () => {
    const space = spaceOf([{ name: "a", ...COUNT }]);
    // By a: class 0 up to 3, 1 up to 7, then 2.
    const net: SmallNet = { inputs: 1, classes: 3, hidden: null, weights: [0, 1, 2], bias: [0, -0.35, -1.1] };
    const goal = { kind: "targeted", target: 2 } as const;
    const [record] = await attackRows(space, net, [{ levels: [0], label: 0 }], fields(1, space, { goal }));
    expect(space.levels(record!.profiles[0]!.attempts[0]!.found!.point)[0]).toBe(8);
  });

  it("rows of every class are attacked, and robust accuracy is the share that stands, of all of them", async () => {
    const space = spaceOf([{ name: "a", ...COUNT, change: "increase" }]);
    // Whoever is below may rise above; whoever is above stays there; the last is wrong from the start.
    const rows = [
      { levels: [1], label: 0 },
      { levels: [2], label: 0 },
      { levels: [8], label: 1 },
      { levels: [9], label: 0 },
    ];
    const records = await attackRows(space, linear([1], 0.5), rows, fields(1, space));
    expect(records.map(({ status }) => status)).toEqual(["fooled", "fooled", "resisted", "misclassified"]);
    const lines = records.map((record) => ({ ...record, sample: record.id }) as unknown as SampleLine);
    expect(lines.filter(stands).length / lines.length).toBe(1 / 4);
  });

  it("the last valid success is kept, not the last iterate: what comes after it can't lose it", async () => {
    const list = ["a", "b"].map((name) => ({ name, ...COUNT }));
    const space = spaceOf(list, ["a <= b"]);
    const asked = [
      [9, 3],
      [3, 3],
      [7, 9],
      [1, 9],
    ];
    const definition: AttackDefinition = {
      name: "planted",
      knowledge: "score",
      summary: "asks for four rows",
      source: "own",
      defaults: {},
      norms: ["fields"],
      cost: () => ({ queries: asked.length, gradients: 0 }),
      async run(sample) {
        for (const row of asked) await sample.scores(space.point(Int32Array.from(row)));
      },
    };
    // Class 1 where a is above 5: the first row misleads but breaks the relation, the third does both, the last does not mislead.
    const [record] = await attackRows(
      space,
      linear([1, 0], 0.55),
      [{ levels: [2, 4], label: 0 }],
      fields(2, space),
      definition,
    );
    const { outcome, found } = record!.profiles[0]!.attempts[0]!;
    expect(outcome).toBe("fooled");
    expect(space.broken(space.levels(found!.point))).toBeNull();
    expect(space.levels(found!.point)[0]).toBeGreaterThan(5);
  });

  it("what a field allows does not hang on how many columns there are", () => {
    const wide = Array.from({ length: 120 }, (_, i) => ({ name: `x${i}`, ...COUNT }));
    const own = { name: "a", type: "number", min: 0, max: 1, step: 0.001 };
    const few = spaceOf([own, { name: "b", ...COUNT }], ["a <= 0.5"]);
    const many = spaceOf([own, ...wide], ["a <= 0.5"]);
    for (const text of ["0.5", "0.501", "0.5004", "1.0001", "-0.0001"])
      expect(many.fields[0]!.parse(text)).toBe(few.fields[0]!.parse(text));
    const broken = (space: RowSpace, a: number) => space.broken(new Int32Array(space.fields.length).fill(a, 0, 1));
    expect([broken(few, 500), broken(many, 500)]).toEqual([null, null]);
    expect([broken(few, 501), broken(many, 501)]).toEqual(["a <= 0.5", "a <= 0.5"]);
  });

  it("a share of a range is the same below zero, and not every threat needs one", () => {
    const space = spaceOf([{ name: "a", type: "number", min: -10, max: 10, step: 1 }]);
    const reach = (clean: number) => fields(1, space, { within: { linf: 0.1 } }).rows!.reach(0, clean);
    expect([reach(2), reach(10), reach(18)]).toEqual([
      [0, 4],
      [8, 12],
      [16, 20],
    ]);
    expect(fields(1, space).rows!.reach(0, 2)).toEqual([0, 20]);
  });

  it("an attack is looked up in a table, not loaded by its name", () => {
    for (const name of ["constructor", "__proto__", "../rows/random", "row-Random"])
      expect(() => findAttack(name)).toThrowError("E_ATTACK_UNKNOWN");
  });

  it("a column that is constant is never a change, nor a success", async () => {
    const space = spaceOf([
      { name: "one", type: "integer", min: 7, max: 7 },
      { name: "a", ...COUNT },
    ]);
    expect(fields(2, space).rows!.free).toEqual([1]);
    const record = await attackRow(space, linear([1, 0], 0.5), [0, 3], 0);
    expect(record).toMatchObject({ status: "resisted" });
    expect(record.profiles[0]!.attempts[0]!.exhausted).toBe(true);
  });

  it("what is missing goes to no side of a tree by default: it is no legal value", () => {
    const space = spaceOf([{ name: "a", ...COUNT }]);
    expect(["", "NaN", "?"].map((text) => space.fields[0]!.parse(text))).toEqual([null, null, null]);
    expect(rowCodec(space).check(Float32Array.of(Number.NaN))).toMatch(/NaN/);
  });
});
