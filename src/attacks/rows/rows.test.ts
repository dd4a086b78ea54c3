import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import type { DataSample } from "../../data/dataset.ts";
import { allRows, randomSchema } from "../../inputs/row/random-schema.test.fixture.ts";
import { type Levels, RowSpace } from "../../inputs/row/row-space.ts";
import { readRowSchema } from "../../inputs/row/schema.ts";
import { fields } from "../../threats/fields.ts";
import type { AttemptRecord } from "../record.ts";
import { findAttack } from "../registry.ts";
import { runSamples } from "../runner.ts";
import { forward, randomNet, type SmallNet, smallClassifier, streamOf } from "../small-net.test.fixture.ts";

const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "a", type: "integer", min: 0, max: 4 },
    { name: "b", type: "integer", min: 0, max: 4, change: "increase" },
    { name: "total", type: "integer", min: 0, max: 8 },
    { name: "kind", type: "category", values: ["x", "y", "z"], encoding: "one-hot" },
    { name: "code", type: "category", values: [3, 7, 4] },
    { name: "on", type: "boolean", change: "none" },
  ],
  relations: ["total == sum(a, b)"],
};

function spaceOf(relations: readonly string[]): RowSpace {
  return new RowSpace(readRowSchema({ ...SCHEMA, relations }, "s.json"));
}

function labelOf(net: SmallNet, point: Float32Array): number {
  const { scores } = forward(net, point);
  return scores.indexOf(Math.max(...scores));
}

/** The fewest fields of which a legal change misleads, and what the cheapest of those costs; by trying every row there is. */
function bruteForce(space: RowSpace, net: SmallNet, clean: Levels, count: number): { fields: number; cost: number } {
  const label = labelOf(net, space.point(clean));
  const directed = (row: Levels) => row.every((level, f) => space.mayBe(f, level, clean[f]!));
  let best = { fields: Infinity, cost: Infinity };
  for (const row of allRows(space)) {
    const changed = row.filter((level, f) => level !== clean[f]).length;
    if (changed === 0 || changed > count || !directed(row) || space.broken(row) !== null) continue;
    if (labelOf(net, space.point(row)) === label) continue;
    const cost = space.cost(row, clean);
    if (changed < best.fields || (changed === best.fields && cost < best.cost)) best = { fields: changed, cost };
  }
  return best;
}

function randomRows(space: RowSpace, net: SmallNet, seed: number, count: number): DataSample[] {
  const rng = Rng.of(seed);
  const legal = allRows(space).filter((row) => space.broken(row) === null);
  return Array.from({ length: count }, (_, index) => {
    const point = space.point(legal[rng.integer(legal.length)]!);
    return { id: String(index), index, point, label: labelOf(net, point) };
  });
}

async function attempts(
  space: RowSpace,
  net: SmallNet,
  samples: readonly DataSample[],
  count: number,
  name: string,
  settings: object = {},
): Promise<AttemptRecord[]> {
  const definition = findAttack(name);
  const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
  const options = {
    classifier: smallClassifier(net, { dims: [space.size] }),
    threat: fields(count, space),
    profiles: [{ knowledge: definition.knowledge, attacks }],
  };
  const records = [];
  for await (const record of runSamples(streamOf(samples), options)) records.push(record);
  return records.sort((a, b) => a.index - b.index).map((record) => record.profiles[0]!.attempts[0]!);
}

describe.each([
  ["free fields", []],
  ["a total that must follow", ["total == sum(a, b)"]],
  ["a condition", ["if kind == 'x' then a <= 2", "code != 4 or b > 0"]],
] as const)("exhaustive search of rows with %s", (_, relations) => {
  const space = spaceOf(relations);

  it.each([
    ["row-exhaustive", 1, 21],
    ["row-exhaustive", 2, 22],
    ["row-exhaustive", 3, 23],
    ["row-exhaustive-label", 2, 24],
  ])("%s finds at K = %i what trying every row finds, no more and no less", async (name, count, seed) => {
    const net = randomNet(seed, space.size, 3);
    const samples = randomRows(space, net, seed, 12);
    const found = await attempts(space, net, samples, count, name);
    for (const [i, { point }] of samples.entries()) {
      const clean = space.levels(point);
      const best = bruteForce(space, net, clean, count);
      const attempt = found[i]!;
      expect(attempt.outcome).toBe(Number.isFinite(best.fields) ? "fooled" : "resisted");
      expect(attempt.exhausted).toBe(Number.isFinite(best.fields) ? undefined : true);
      if (attempt.found === null) continue;
      const levels = space.levels(attempt.found.point);
      expect(attempt.found.distance).toBe(best.fields);
      expect(space.cost(levels, clean)).toBeCloseTo(best.cost, 9);
    }
    const outcomes = new Set(found.map(({ outcome }) => outcome));
    expect(outcomes).toContain("fooled");
  });
});

it("exhaustive search is brute force at K = 2 on forty random schemas, each with a relation that binds", async () => {
  const seen = { fooled: 0, resisted: 0 };
  for (let seed = 0; seed < 40; seed++) {
    const rng = Rng.of(seed).fold("schema");
    const { space, legal } = randomSchema(rng);
    const net = randomNet(seed, space.size, 2);
    const samples = Array.from({ length: 3 }, (_, index) => {
      const point = space.point(legal[rng.integer(legal.length)]!);
      return { id: String(index), index, point, label: labelOf(net, point) };
    });
    for (const [i, attempt] of (await attempts(space, net, samples, 2, "row-exhaustive")).entries()) {
      const clean = space.levels(samples[i]!.point);
      const best = bruteForce(space, net, clean, 2);
      const told = `seed ${seed}, ${space.schema.relations[0]!.text}, row ${space.values(clean)}`;
      expect(attempt.outcome, told).toBe(Number.isFinite(best.fields) ? "fooled" : "resisted");
      seen[attempt.outcome as "fooled" | "resisted"]++;
      expect(attempt.exhausted, told).toBe(attempt.outcome === "resisted" ? true : undefined);
      if (attempt.found === null) continue;
      expect(attempt.found.distance, told).toBe(best.fields);
      expect(space.cost(space.levels(attempt.found.point), clean), told).toBeCloseTo(best.cost, 9);
    }
  }
  expect(Math.min(seen.fooled, seen.resisted)).toBeGreaterThan(15);
});

it("an exhaustive search without the budget for every row claims no proof", async () => {
  const space = spaceOf([]);
  const net = { ...randomNet(5, space.size, 2, null), bias: [100, 0] };
  const samples = randomRows(space, net, 5, 3);
  for (const attempt of await attempts(space, net, samples, 2, "row-exhaustive", { queries: 10, values: 2 })) {
    expect(attempt).toMatchObject({ outcome: "resisted", queries: 10 });
    expect(attempt.exhausted).toBeUndefined();
  }
  for (const attempt of await attempts(space, net, samples, 2, "row-exhaustive"))
    expect(attempt).toMatchObject({ outcome: "resisted", exhausted: true });
});

it("a field with more values than can be tried leaves nothing proved", async () => {
  const json = { ...SCHEMA, fields: [...SCHEMA.fields, { name: "rate", type: "number", min: 0, max: 1 }] };
  const space = new RowSpace(readRowSchema(json, "s.json"));
  const net = { ...randomNet(5, space.size, 2, null), bias: [100, 0] };
  const samples = [{ id: "0", index: 0, point: space.point(Int32Array.of(1, 1, 2, 0, 0, 0, 5)), label: 0 }];
  const [attempt] = await attempts(space, net, samples, 1, "row-exhaustive");
  expect(attempt!.outcome).toBe("resisted");
  expect(attempt!.exhausted).toBeUndefined();
});

it("a search that can't try every row reaches the ends of the ranges together, within its budget", async () => {
  const list = ["a", "b"].map((name) => ({ name, type: "number", min: 0, max: 1 }));
  const space = new RowSpace(readRowSchema({ schema: "blindspot-rows/1", fields: list }, "s.json"));
  // Class 1 in one corner alone.
  const net: SmallNet = { inputs: 2, classes: 2, hidden: null, weights: [0, 0, 1, 1], bias: [0, -1.9] };
  const samples = [{ id: "0", index: 0, point: Float32Array.of(0.25, 0.5), label: 0 }];
  const [attempt] = await attempts(space, net, samples, 2, "row-exhaustive", { queries: 60 });
  expect(attempt).toMatchObject({ outcome: "fooled", found: { distance: 2 } });
  expect(attempt!.queries).toBeLessThanOrEqual(60);
});

describe.each(["row-coordinate", "row-random", "row-gradient"])("%s", (name) => {
  it("finds legal rows only, within its budget, and never one where there is none", async () => {
    const space = spaceOf(["total == sum(a, b)"]);
    const net = randomNet(31, space.size, 3);
    const samples = randomRows(space, net, 31, 20);
    const { cost, defaults } = findAttack(name);
    const found = await attempts(space, net, samples, 2, name);
    let fooled = 0;
    let possible = 0;
    for (const [i, attempt] of found.entries()) {
      const exists = Number.isFinite(bruteForce(space, net, space.levels(samples[i]!.point), 2).fields);
      expect(attempt.queries).toBeLessThanOrEqual(cost(defaults, { classes: 3 }).queries);
      if (attempt.outcome === "fooled") expect(exists).toBe(true);
      fooled += Number(attempt.outcome === "fooled");
      possible += Number(exists);
    }
    expect(possible).toBeGreaterThan(3);
    expect(fooled / possible).toBeGreaterThan(0.7);
  });
});
