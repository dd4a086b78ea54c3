import { describe, expect, it } from "vitest";
import type { DataSample } from "../data/dataset.ts";
import { parseGoal } from "../threats/goal.ts";
import { l0 } from "../threats/l0.ts";
import { linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import { defineLabelAttack } from "./attack.ts";
import { movedAt } from "./black-box/sparse-rs.ts";
import type { AttemptRecord } from "./record.ts";
import { findAttack } from "./registry.ts";
import { type RunOptions, runSamples } from "./runner.ts";
import { randomNet, randomSamples, type SmallNet, smallClassifier, streamOf } from "./small-net.test.fixture.ts";

const DIMS = [3, 2, 3] as const;
const SIZE = 18;

async function attempts(
  net: SmallNet,
  samples: readonly DataSample[],
  threat: Threat,
  name: string,
  settings: object = {},
  model: Partial<RunOptions["classifier"]> = {},
): Promise<AttemptRecord[]> {
  const definition = findAttack(name);
  const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
  const { maxBatch = 16 } = model;
  const classifier = { ...smallClassifier(net, { dims: DIMS, maxBatch }), ...model };
  const options = { classifier, threat, profiles: [{ knowledge: definition.knowledge, attacks }] };
  const records = [];
  for await (const record of runSamples(streamOf(samples), options)) records.push(record);
  return records.sort((a, b) => a.index - b.index).map((record) => record.profiles[0]!.attempts[0]!);
}

/** Two classes and a plane between them. */
const plane = randomNet(3, SIZE, 2, null);
const samples = randomSamples(4, plane, 40, true);

/** The fewest units that can carry a point over the plane: those that gain most, taken first. */
function fewest({ point, label }: DataSample, unit: number): number {
  const slope = Array.from({ length: SIZE }, (_, i) => plane.weights[SIZE + i]! - plane.weights[i]!);
  const away = label === 0 ? 1 : -1;
  const margin = slope.reduce((sum, w, i) => sum + w * point[i]!, plane.bias[1]! - plane.bias[0]!);
  const gains = new Array<number>(SIZE / unit).fill(0);
  for (const [i, w] of slope.entries())
    gains[Math.floor(i / unit)]! += Math.max(away * w * (1 - point[i]!), -away * w * point[i]!);
  gains.sort((a, b) => b - a);
  let left = -away * margin;
  let count = 0;
  while (left > 0 && count < gains.length) left -= gains[count++]!;
  return left > 0 ? Infinity : count;
}

describe.each([
  ["pixels", 3],
  ["values", 1],
])("on a plane, counting %s", (_, unit) => {
  const within = (count: number) => samples.map((sample) => fewest(sample, unit) <= count);

  it.each([1, 2, 3])("one first-order step finds exactly the samples that fall within %i", async (count) => {
    const outcomes = await attempts(plane, samples, l0(count, { unit }), "fgsm");
    expect(outcomes.map(({ found }) => found !== null)).toEqual(within(count));
  });

  it.each(["sigma-zero", "sparse-rs"])("%s finds only those, and nearly all of them", async (name) => {
    const outcomes = await attempts(
      plane,
      samples,
      l0(2, { unit }),
      name,
      name === "sparse-rs" ? { queries: 1000 } : {},
    );
    const possible = within(2);
    for (const [i, { found }] of outcomes.entries()) if (found !== null) expect(possible[i]).toBe(true);
    const found = outcomes.filter((attempt) => attempt.found !== null).length;
    expect(found).toBeGreaterThanOrEqual(0.9 * possible.filter(Boolean).length);
    expect(possible).toContain(true);
    expect(possible).toContain(false);
  });

  it("sigma-zero tells of what resists how many it would take", async () => {
    const outcomes = await attempts(plane, samples, l0(0, { unit }), "sigma-zero");
    const excess = outcomes.map(({ nearest }, i) => (nearest?.distance ?? SIZE) - fewest(samples[i]!, unit));
    expect(Math.min(...excess)).toBeGreaterThanOrEqual(0);
    expect(excess.filter((more) => more === 0).length).toBeGreaterThan(0.8 * samples.length);
  });
});

describe.each([
  ["sigma-zero", l0(3, { unit: 3 })],
  ["sparse-rs", l0(3, { unit: 3 })],
  ["rays", linf(0.25)],
] as const)("%s", (name, threat) => {
  const net = randomNet(5, SIZE, 4);
  const grid = randomSamples(6, net, 30, true);
  const mask = Uint8Array.from({ length: SIZE }, (_, i) => Number(i < 9));
  const rebuilt = (options: object): Threat =>
    threat.norm === "l0" ? l0(threat.epsilon, { unit: 3, ...options }) : linf(threat.epsilon, options);

  it.each([
    ["8-bit values", { quantize: "uint8" }],
    ["a mask", { mask }],
    ["a targeted goal", { goal: parseGoal("targeted:next", ["a", "b", "c", "d"]) }],
    ["a set of classes", { goal: parseGoal("set:0,1", ["a", "b", "c", "d"]) }],
  ])("keeps to %s", async (_, options) => {
    const chosen = rebuilt(options);
    const outcomes = await attempts(net, grid, chosen, name, name === "sigma-zero" ? { steps: 300 } : { queries: 500 });
    expect(outcomes.map(({ outcome }) => outcome)).not.toContain("error");
    expect(outcomes.some(({ found }) => found !== null)).toBe(true);
    for (const [i, { found }] of outcomes.entries()) {
      if (found === null) continue;
      expect(chosen.violation(found.point, grid[i]!.point)).toBeNull();
      if ("goal" in options && options.goal.kind === "targeted") expect(found.predicted).toBe((grid[i]!.label + 1) % 4);
      if ("goal" in options && options.goal.kind === "set") expect(options.goal.classes).toContain(found.predicted);
    }
  });

  it("costs what it says on a sample that resists", async () => {
    const constant = { ...plane, weights: plane.weights.map(() => 0), bias: [1, 0] };
    const definition = findAttack(name);
    const { queries, gradients } = definition.cost(definition.defaults, { classes: 2 });
    const labelled = grid.slice(0, 2).map((sample) => ({ ...sample, label: 0 }));
    for (const attempt of await attempts(constant, labelled, threat, name))
      expect(attempt).toMatchObject({ outcome: "resisted", queries, gradients, nearest: null });
  });

  it("verifies nothing outside the ball, but keeps the nearest", async () => {
    const definition = findAttack(name);
    const outcomes = await attempts(net, grid.slice(0, 5), threat.withEpsilon(0), name);
    for (const attempt of outcomes) expect(attempt).toMatchObject({ verifications: 0, rejected: 0, found: null });
    const minimal = definition.name !== "sparse-rs"; // which never leaves the ball
    expect(outcomes.every(({ nearest }) => (nearest !== null) === minimal)).toBe(true);
  });
});

describe("Sparse-RS", () => {
  it.each([
    [0, 10],
    [1, 5],
    [50, 5],
    [60, 2],
    [201, 2],
    [501, 1],
    [9000, 1],
  ])("at iteration %i of 10,000 moves %i of 34 pixels", (iteration, moved) => {
    expect(movedAt(iteration, 0.3, 34, 10_000)).toBe(moved);
    expect(movedAt(iteration / 10, 0.3, 34, 1000)).toBe(moved);
  });

  it.each([6, 7])("searches the whole box where all %i pixels may change", async (count) => {
    const [first] = await attempts(plane, samples.slice(0, 1), l0(count, { unit: 3 }), "sparse-rs");
    expect(first!.outcome).toBe("fooled");
  });

  it("asks about points that change exactly so many pixels", async () => {
    const net: SmallNet = { ...plane, weights: plane.weights.map(() => 0), bias: [1, 0] };
    const black = { id: "", index: 0, point: new Float32Array(SIZE), label: 0 };
    const changed = new Set<number>();
    const inner = smallClassifier(net, { dims: DIMS, maxBatch: 1 });
    const scores: typeof inner.scores = (batch) => {
      changed.add(l0(0, { unit: 3 }).distance(Float32Array.from(batch.data), black.point));
      return inner.scores(batch);
    };
    await attempts(net, [black], l0(2, { unit: 3 }), "sparse-rs", { queries: 300 }, { maxBatch: 1, scores });
    expect([...changed].sort()).toEqual([0, 2]); // 0: the clean input
  });
});

describe("labels alone", () => {
  const net = randomNet(8, SIZE, 4);
  const grid = randomSamples(9, net, 20);

  it("are enough for RayS: a model that gives nothing else gives the same outcomes", async () => {
    const inner = smallClassifier(net, { dims: DIMS });
    const oneHot = (scores: Float32Array): Float32Array => {
      const result = new Float32Array(scores.length);
      for (let row = 0; row < scores.length; row += 4) {
        const logits = scores.slice(row, row + 4);
        result[row + logits.indexOf(Math.max(...logits))] = 1;
      }
      return result;
    };
    const labelOnly: Partial<RunOptions["classifier"]> = {
      capabilities: { output: "label", gradient: false },
      scores: async (rows) => oneHot(await inner.scores(rows)),
      verify: async (row) => oneHot(await inner.verify(row)),
    };
    const timeless = (records: readonly AttemptRecord[]) =>
      records.map(({ outcome, queries, found }) => ({ outcome, queries, point: found?.point }));
    const seen = await attempts(net, grid, linf(0.2), "rays", { queries: 300 });
    expect(timeless(await attempts(net, grid, linf(0.2), "rays", { queries: 300 }, labelOnly))).toEqual(timeless(seen));
    expect(seen.some(({ outcome }) => outcome === "fooled")).toBe(true);
  });

  it("are all that a label attack is given", async () => {
    const given = new Set<string>();
    const definition = defineLabelAttack({
      name: "peek",
      summary: "",
      source: "",
      defaults: {},
      norms: ["linf"],
      cost: () => ({ queries: 1, gradients: 0 }),
      async run(sample) {
        for (const key of Object.keys(sample)) given.add(key);
        expect(typeof (await sample.misleads(sample.x0))).toBe("boolean");
      },
    });
    const profiles = [{ knowledge: "label" as const, attacks: [{ definition, settings: {} }] }];
    const classifier = smallClassifier(net, { dims: DIMS });
    for await (const record of runSamples(streamOf(grid.slice(0, 1)), { classifier, threat: linf(0.1), profiles }))
      expect(record.profiles[0]!.attempts[0]).toMatchObject({ outcome: "resisted", queries: 1 });
    expect([...given].sort()).toEqual([
      "classes",
      "dims",
      "label",
      "misleads",
      "misleadsAny",
      "rng",
      "starts",
      "target",
      "textKey",
      "threat",
      "x0",
    ]);
  });

  it("RayS finds the boundary of a plane along the best corner", async () => {
    const slope = Array.from({ length: SIZE }, (_, i) => plane.weights[SIZE + i]! - plane.weights[i]!);
    const middle = samples.map((sample) => ({ ...sample, point: sample.point.map((value) => 0.4 + 0.2 * value) }));
    const labelled = middle.map((sample) => {
      const side = slope.reduce((sum, w, i) => sum + w * sample.point[i]!, plane.bias[1]! - plane.bias[0]!);
      return { ...sample, label: Number(side > 0), side: Math.abs(side) };
    });
    const outcomes = await attempts(plane, labelled, linf(0), "rays", { queries: 1500 });
    const dual = slope.reduce((sum, w) => sum + Math.abs(w), 0);
    for (const [i, { nearest }] of outcomes.entries()) {
      const exact = labelled[i]!.side / dual;
      if (exact > 0.35) continue; // the box cuts the ray
      expect(nearest!.distance).toBeGreaterThan(exact - 1e-6);
      expect(nearest!.distance).toBeLessThan(exact + 0.001 / Math.sqrt(SIZE) + 1e-6);
    }
  });
});
