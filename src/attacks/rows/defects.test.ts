import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { compileRelation } from "../../inputs/row/relation.ts";
import { RowSpace } from "../../inputs/row/row-space.ts";
import { readRowSchema } from "../../inputs/row/schema.ts";
import { fields } from "../../threats/fields.ts";
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

async function attackRow(
  space: RowSpace,
  net: SmallNet,
  levels: readonly number[],
  label: number,
): Promise<SampleRecord> {
  const definition = findAttack("row-exhaustive");
  const attacks = [{ definition, settings: definition.defaults }];
  const point = space.point(Int32Array.from(levels));
  const records = runSamples(streamOf([{ id: "0", index: 0, point, label }]), {
    classifier: smallClassifier(net, { dims: [space.size] }),
    threat: fields(1, space),
    profiles: [{ knowledge: definition.knowledge, attacks }],
  });
  for await (const record of records) return record;
  throw new Error("no record");
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
});
