import { describe, expect, it } from "vitest";
import { type Levels, RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { textPoint } from "../inputs/text/code-points.ts";
import { fields } from "../threats/fields.ts";
import { l0 } from "../threats/l0.ts";
import { linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import type { AttemptRecord } from "./record.ts";
import { findAttack } from "./registry.ts";
import { runSamples } from "./runner.ts";
import {
  forward,
  randomNet,
  randomSamples,
  type SmallNet,
  smallClassifier,
  streamOf,
} from "./small-net.test.fixture.ts";
import { attackTexts, bag, foundIn, type Scorer, SIZE } from "./text/words.test.fixture.ts";

const space = new RowSpace(
  readRowSchema(
    {
      schema: "blindspot-rows/1",
      fields: [
        { name: "a", type: "integer", min: 0, max: 4 },
        { name: "b", type: "integer", min: 0, max: 4, change: "increase" },
        { name: "total", type: "integer", min: 0, max: 8 },
        { name: "kind", type: "category", values: ["x", "y", "z"], encoding: "one-hot" },
      ],
      relations: ["total == sum(a, b)"],
    },
    "s.json",
  ),
);

const predicted = (net: SmallNet, x: Float32Array) => {
  const { scores } = forward(net, x);
  return scores.indexOf(Math.max(...scores));
};

/** One attack on one point, from one start. */
async function attempt(
  net: SmallNet,
  threat: Threat,
  name: string,
  x0: Float32Array,
  start: Float32Array,
  settings: object = {},
): Promise<AttemptRecord> {
  const definition = findAttack(name);
  const sample = { id: "0", index: 0, point: x0, label: predicted(net, x0) };
  const profiles = [
    {
      knowledge: definition.knowledge,
      attacks: [{ definition, settings: { ...definition.defaults, ...settings } }],
    },
  ];
  const classifier = smallClassifier(net, { dims: [x0.length] });
  for await (const record of runSamples(streamOf([sample]), { classifier, threat, profiles, starts: () => [start] }))
    return record.profiles[0]!.attempts[0]!;
  throw new Error("no record");
}

describe("warm attacks on rows", () => {
  const threat = fields(3, space);
  const legal: Levels[] = [];
  for (let a = 0; a <= 4; a++)
    for (let b = 0; b <= 4; b++) for (let k = 0; k < 3; k++) legal.push(Int32Array.of(a, b, a + b, k));
  const cases = [1, 2, 3, 4, 5, 6].flatMap((seed) => {
    const net = randomNet(seed, space.size, 2);
    return [3, 31, 62].map((at) => ({ net, clean: legal[at]!, start: legal[(7 * at + 11 * seed) % legal.length]! }));
  });

  it("by labels ask the start and every row beside it, and nothing else", async () => {
    let fooled = 0;
    for (const { net, clean, start } of cases) {
      const [x0, from] = [space.point(clean), threat.project(space.point(start), space.point(clean))];
      const base = space.levels(from);
      // A total follows from the others, so a change of one field is one of two at most.
      const beside = legal.filter((row) => {
        const changed = row.filter((level, f) => f !== 2 && level !== base[f]).length;
        return changed <= 1 && threat.violation(space.point(row), x0) === null;
      });
      const expected = beside.some((row) => predicted(net, space.point(row)) !== predicted(net, x0));
      const { outcome, queries } = await attempt(net, threat, "row-warm-label", x0, from);
      expect(outcome).toBe(expected ? "fooled" : "resisted");
      if (outcome === "resisted") expect(queries).toBeLessThanOrEqual(beside.length + base.length * 5);
      fooled += Number(expected);
    }
    expect(fooled).toBeGreaterThan(2);
    expect(fooled).toBeLessThan(cases.length);
  });

  it("on scores find what lies beside the start at once", async () => {
    for (const { net, clean } of cases) {
      const x0 = space.point(clean);
      const wrong = legal.find((row) => {
        const x = space.point(row);
        return predicted(net, x) !== predicted(net, x0) && threat.violation(x, x0) === null;
      });
      if (wrong === undefined) continue;
      expect(await attempt(net, threat, "row-warm", x0, space.point(wrong))).toMatchObject({
        outcome: "fooled",
        queries: 1,
      });
    }
  });
});

describe("warm attacks on texts", () => {
  // Two words carry it; the old version hung on others.
  const scorer: Scorer = bag({ free: 2, prize: 2 }, -1);
  const clean = "free prize for you";
  const start = "fr\u200bee prize for yo\u200bu";

  it.each(["text-warm", "text-warm-label"])("%s exchanges the edit that does nothing", async (attack) => {
    const run = (from: string) =>
      attackTexts(
        scorer,
        [[clean, 1]],
        { invisible: 2 },
        attack,
        { queries: 60 },
        {
          starts: () => [textPoint(from, SIZE)],
        },
      );
    const found = foundIn((await run(start)).records[0]!);
    expect(found).not.toBeNull();
    expect(scorer(found!)[1]).toBeLessThanOrEqual(0);
  });

  it("text-warm-label sees one edit beside the start, and not two", async () => {
    const { records } = await attackTexts(
      scorer,
      [[clean, 1]],
      { invisible: 2 },
      "text-warm-label",
      {},
      {
        starts: () => [textPoint(clean, SIZE)],
      },
    );
    expect(records[0]!.status).toBe("resisted");
  });

  it("begin at the clean text where the threat does not allow the start", async () => {
    const { records } = await attackTexts(
      scorer,
      [[clean, 1]],
      { invisible: 2 },
      "text-warm",
      {},
      {
        starts: () => [textPoint("another text", SIZE)],
      },
    );
    expect(records[0]!.status).toBe("fooled");
  });
});

describe("sparse-rs-warm", () => {
  it("finds what fooled an earlier version where it still does, and mostly beside it where it does not", async () => {
    const threat = l0(2);
    const old = randomNet(3, 8, 3);
    let [beside, of] = [0, 0];
    for (const { point: x0 } of randomSamples(4, old, 30)) {
      const found = (await attempt(old, threat, "sparse-rs", x0, x0, { queries: 400 })).found?.point;
      if (found === undefined) continue;
      expect(await attempt(old, threat, "sparse-rs-warm", x0, found)).toMatchObject({ outcome: "fooled", queries: 1 });
      const next = { ...old, bias: old.bias.map((value, i) => value + (i === predicted(old, x0) ? 0.3 : 0)) };
      if (predicted(next, x0) !== predicted(old, x0) || predicted(next, found) !== predicted(old, x0)) continue;
      of++;
      beside += Number((await attempt(next, threat, "sparse-rs-warm", x0, found)).outcome === "fooled");
    }
    expect(of).toBeGreaterThan(2);
    expect(beside / of).toBeGreaterThanOrEqual(0.5);
  });
});

describe("rays-warm", () => {
  it("asks what fooled an earlier version, then its corner of the ball, and finds more than a search from scratch by as many queries", async () => {
    const threat = linf(0.3, { quantize: "none" });
    const old = randomNet(3, 32, 3);
    const queries = 6;
    let [warm, cold, corner, of] = [0, 0, 0, 0];
    for (const { point: x0 } of randomSamples(4, old, 40)) {
      const found = (await attempt(old, threat, "rays", x0, x0)).found?.point;
      if (found === undefined) continue;
      expect(await attempt(old, threat, "rays-warm", x0, found)).toMatchObject({ outcome: "fooled", queries: 1 });
      const next = { ...old, bias: old.bias.map((value, i) => value + (i === predicted(old, x0) ? 0.2 : 0)) };
      if (predicted(next, x0) !== predicted(old, x0) || predicted(next, found) !== predicted(old, x0)) continue;
      of++;
      const again = await attempt(next, threat, "rays-warm", x0, found, { queries });
      expect(again.queries).toBeLessThanOrEqual(queries);
      warm += Number(again.outcome === "fooled");
      corner += Number(again.outcome === "fooled" && again.queries === 2);
      cold += Number((await attempt(next, threat, "rays", x0, x0, { queries })).outcome === "fooled");
    }
    expect(of).toBeGreaterThan(5);
    expect(warm).toBeGreaterThan(cold);
    expect(corner).toBeGreaterThan(0);
  });
});
