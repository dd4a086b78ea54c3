import { describe, expect, it } from "vitest";
import { Batcher } from "../attacks/batcher.ts";
import { forward, randomNet, type SmallNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import { Rng } from "../base/rng.ts";
import { rowCodec } from "../inputs/row/row-codec.ts";
import { type Levels, RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { fields } from "../threats/fields.ts";
import { judgeOf } from "./judge.ts";
import { type Minimized, minimize } from "./minimize.ts";
import { gapOf } from "./search.ts";
import { shrinkingOf } from "./strategies.ts";

function spaceOf(list: readonly object[], relations: readonly string[] = []): RowSpace {
  return new RowSpace(readRowSchema({ schema: "blindspot-rows/1", fields: list, relations }, "s.json"));
}

function sharesOf(net: SmallNet, x: Float32Array): Float32Array {
  const { scores } = forward(net, x);
  const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
  return Float32Array.from(powers, (power) => power / powers.reduce((a, b) => a + b, 0));
}

const argmax = (shares: Float32Array) => shares.indexOf(Math.max(...shares));

async function shrunk(space: RowSpace, net: SmallNet, clean: Levels, wrong: Levels): Promise<Minimized> {
  const classifier = smallClassifier(net, { dims: [space.size] });
  const codec = rowCodec(space);
  const subject = {
    id: "1".padStart(64, "0"),
    clean: space.point(clean),
    wrong: space.point(wrong),
    codec,
    threat: fields(space.fields.length, space),
  };
  const result = await minimize(
    subject,
    argmax(sharesOf(net, subject.clean)),
    judgeOf(classifier, new Batcher(classifier)),
    shrinkingOf(codec)!.strategy,
    { queries: 5000, stall: 200 },
  );
  if (result.state !== "minimized") throw new Error(result.why);
  return result;
}

const FIELDS = [
  { name: "a", type: "integer", min: 0, max: 9 },
  { name: "b", type: "integer", min: 0, max: 9, change: "increase" },
  { name: "kind", type: "category", values: ["x", "y", "z"], encoding: "one-hot", cost: 2 },
  { name: "total", type: "integer", min: 0, max: 18 },
  { name: "on", type: "boolean" },
  { name: "rate", type: "number", min: 0, max: 1, step: 0.01 },
];

describe.each([
  ["free fields", []],
  ["a total that follows", ["total == sum(a, b)"]],
] as const)("rows with %s", (_, relations) => {
  const space = spaceOf(FIELDS, relations);

  it("keep the mistake with the fewest of the changed fields that do, and stay legal", async () => {
    let shrinkable = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const net = randomNet(seed, space.size, 2, 6);
      const rng = Rng.of(seed);
      const threat = fields(space.fields.length, space);
      const random = (): Levels => {
        for (;;) {
          const row = Int32Array.from(space.fields, ({ levels }) => rng.integer(levels));
          if (space.broken(row) === null) return row;
        }
      };
      const clean = random();
      const x0 = space.point(clean);
      const wrong = Array.from({ length: 60 }, () => space.levels(threat.randomPoint(x0, rng))).find(
        (row) => argmax(sharesOf(net, space.point(row))) !== argmax(sharesOf(net, x0)),
      );
      if (wrong === undefined) continue;
      const { point, floor, guarantee } = await shrunk(space, net, clean, wrong);
      expect(threat.violation(point, x0)).toBeNull();
      expect(guarantee).toBe("subset-minimal");
      const count = space.changed(space.levels(point), clean).length;
      shrinkable += Number(count < space.changed(wrong, clean).length);
      // No smaller set of the very same changes does it: tried here one by one, by a way of its own.
      const changed = space.changed(wrong, clean);
      for (let bits = 1; bits < 2 ** changed.length; bits++) {
        const row = Int32Array.from(clean);
        for (const [i, f] of changed.entries()) if (bits & (1 << i)) row[f] = wrong[f]!;
        if (space.changed(row, clean).length >= count || threat.violation(space.point(row), x0) !== null) continue;
        const shares = sharesOf(net, space.point(row));
        const target = argmax(sharesOf(net, space.point(wrong)));
        expect(gapOf(shares, target)).toBeLessThan(floor);
      }
    }
    expect(shrinkable).toBeGreaterThan(3);
  });
});

/** Class 1 where the weighted sum of the numbers is above `at`. */
function linear(weights: readonly number[], at: number): SmallNet {
  return {
    inputs: weights.length,
    classes: 2,
    hidden: null,
    weights: [...weights.map(() => 0), ...weights],
    bias: [0, -at],
  };
}

it("numbers go as near to their clean values as they may, and then to round ones", async () => {
  const space = spaceOf([
    { name: "income", type: "number", min: 0, max: 10_000, step: 1 },
    { name: "age", type: "integer", min: 0, max: 100 },
  ]);
  // Income alone decides, above about 2,613 with the margin that is kept.
  const net = linear([1000, 0], 261.1);
  const clean = Int32Array.of(2400, 30);
  const { point } = await shrunk(space, net, clean, Int32Array.of(7777, 80));
  const [income, age] = space.levels(point);
  expect(age).toBe(30);
  expect(income! % 10).toBe(0);
  expect(income).toBeGreaterThan(2611);
  expect(income).toBeLessThan(2750);
});

it("a total follows when its part comes nearer", async () => {
  const space = spaceOf(
    ["a", "b", "total"].map((name) => ({ name, type: "integer", min: 0, max: 40 })),
    ["total == a + b"],
  );
  const net = linear([40, 0, 0], 12.3);
  const { point } = await shrunk(space, net, Int32Array.of(5, 5, 10), Int32Array.of(35, 5, 40));
  const [a, b, total] = space.levels(point);
  expect([b, total]).toEqual([5, a! + 5]);
  expect(a).toBeLessThan(20);
});
