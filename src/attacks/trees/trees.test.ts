import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import type { DataSample } from "../../data/dataset.ts";
import { type Levels, RowSpace } from "../../inputs/row/row-space.ts";
import { readRowSchema } from "../../inputs/row/schema.ts";
import type { TreeEnsemble } from "../../models/classifier.ts";
import { fields } from "../../threats/fields.ts";
import { l0 } from "../../threats/l0.ts";
import { l2, linf } from "../../threats/lp.ts";
import type { Threat } from "../../threats/threat.ts";
import type { AttemptRecord } from "../record.ts";
import { findAttack } from "../registry.ts";
import { runSamples } from "../runner.ts";
import { streamOf } from "../small-net.test.fixture.ts";
import { cutsOf } from "./search-space.ts";
import { randomTrees, treeClassifier } from "./trees.test.fixture.ts";

const argmax = (values: ArrayLike<number>): number => {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
};

async function attempts(
  trees: TreeEnsemble,
  samples: readonly DataSample[],
  threat: Threat,
  name: string,
  settings: object = {},
): Promise<AttemptRecord[]> {
  const definition = findAttack(name);
  const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
  const records = [];
  for await (const record of runSamples(streamOf(samples), {
    classifier: treeClassifier(trees, samples[0]!.point.length),
    threat,
    profiles: [{ knowledge: definition.knowledge, attacks }],
  }))
    records.push(record);
  return records.sort((a, b) => a.index - b.index).map(({ profiles }) => profiles[0]!.attempts[0]!);
}

function labelled(trees: TreeEnsemble, points: readonly Float32Array[]): DataSample[] {
  return points.map((point, index) => ({ id: String(index), index, point, label: argmax(trees.sums(point)) }));
}

/** The float32 before x. */
function before(x: number): number {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = x;
  bits[0]!--;
  return float[0]!;
}

/** The least distance to a point of another class, by trying the nearest point of every cell of the space. */
function bruteForce(trees: TreeEnsemble, x0: Float32Array, threat: Threat): number {
  const cuts = cutsOf(trees, x0.length);
  const label = argmax(trees.sums(x0));
  let points: number[][] = [[]];
  for (const [i, own] of cuts.entries()) {
    const edges = [0, ...own, 1];
    const values = edges.slice(0, -1).map((first, cell) => {
      const last = cell === edges.length - 2 ? 1 : before(edges[cell + 1]!);
      return Math.min(last, Math.max(first, x0[i]!));
    });
    points = points.flatMap((point) => values.map((value) => [...point, value]));
  }
  let best = Infinity;
  for (const point of points.map((values) => Float32Array.from(values)))
    if (argmax(trees.sums(point)) !== label) best = Math.min(best, threat.distance(point, x0));
  return best;
}

describe.each([
  ["linf", () => linf(1e-9), 1],
  ["l2", () => l2(1e-9), 2],
  ["l0", () => l0(4, {}), 3],
] as const)("the nearest point in %s", (norm, threatOf, seed) => {
  it.each([2, 3])("tree-exact finds what trying every cell finds, of %i classes", async (classes) => {
    for (let round = 0; round < 6; round++) {
      const trees = randomTrees(100 * seed + round, { features: 4, classes, trees: 5, depth: 3, cuts: 4 });
      const rng = Rng.of(round);
      const samples = labelled(
        trees,
        Array.from({ length: 6 }, () => Float32Array.from({ length: 4 }, () => rng.uniform())),
      );
      const threat = threatOf();
      const exact = await attempts(trees, samples, threat, "tree-exact");
      const greedy = await attempts(trees, samples, threat, "tree-thresholds");
      for (const [i, { point }] of samples.entries()) {
        const best = bruteForce(trees, point, threat);
        const of = ({ found, nearest }: AttemptRecord) => (found ?? nearest)?.distance ?? Infinity;
        if (norm === "l0") expect(of(exact[i]!)).toBe(best);
        else if (Number.isFinite(best)) expect(of(exact[i]!)).toBeCloseTo(best, 6);
        else expect(of(exact[i]!)).toBe(Infinity);
        expect(of(greedy[i]!)).toBeGreaterThanOrEqual(best - 1e-6);
      }
    }
  });
});

it("a search that is cut short claims nothing that it has not looked at", async () => {
  const trees = randomTrees(7, { features: 6, classes: 2, trees: 12, depth: 4, cuts: 6 });
  const rng = Rng.of(7);
  const points = Array.from({ length: 8 }, () => Float32Array.from({ length: 6 }, () => rng.uniform()));
  const samples = labelled(trees, points);
  const full = await attempts(trees, samples, linf(0.02), "tree-exact");
  const short = await attempts(trees, samples, linf(0.02), "tree-exact", { parts: 1, starts: 1 });
  expect(full.map(({ outcome }) => outcome)).toContain("resisted");
  for (const [i, { exhausted, outcome }] of short.entries()) if (exhausted) expect(outcome).toBe(full[i]!.outcome);
  for (const { outcome, exhausted } of full) expect(exhausted ?? false).toBe(outcome === "resisted");
  expect(short.some(({ outcome, exhausted }) => outcome === "resisted" && exhausted === undefined)).toBe(true);
});

const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "a", type: "integer", min: 0, max: 4 },
    { name: "b", type: "integer", min: 0, max: 3, change: "increase", cost: 3 },
    { name: "total", type: "integer", min: 0, max: 7 },
    { name: "kind", type: "category", values: ["x", "y", "z"], encoding: "one-hot" },
    { name: "code", type: "category", values: [3, 7, 4], cost: 0.5 },
    { name: "on", type: "boolean", change: "none" },
  ],
};

function bruteForceRows(trees: TreeEnsemble, space: RowSpace, threat: Threat, clean: Levels): number {
  const label = argmax(trees.sums(space.point(clean)));
  let rows: number[][] = [[]];
  for (const { levels } of space.fields)
    rows = rows.flatMap((row) => Array.from({ length: levels }, (_, level) => [...row, level]));
  let best = Infinity;
  for (const row of rows.map((levels) => Int32Array.from(levels))) {
    if (!threat.rows!.legal(row, clean) || argmax(trees.sums(space.point(row))) === label) continue;
    best = Math.min(best, space.changed(row, clean).length + space.cost(row, clean) / 1000);
  }
  return best;
}

describe.each([
  ["free fields", [], {}],
  ["a total that must follow", ["total == sum(a, b)"], {}],
  ["a condition", ["if kind == 'x' then a <= 2", "code != 4 or b > 0"], {}],
  ["bounds on their sizes", [], { linf: 0.4, cost: 2 }],
] as const)("rows with %s", (_, relations, within) => {
  const space = new RowSpace(readRowSchema({ ...SCHEMA, relations }, "s.json"));

  it.each([1, 2, 3])(
    "tree-exact finds at K = %i the fewest fields and the least cost that there are",
    async (count) => {
      let fooled = 0;
      for (let round = 0; round < 4; round++) {
        const trees = randomTrees(40 + round, { features: space.size, classes: 2, trees: 5, depth: 3, cuts: 3 });
        const rng = Rng.of(round);
        const threat = fields(count, space, { within });
        const legal = (): Levels => {
          for (;;) {
            const row = Int32Array.from(space.fields, ({ levels }) => rng.integer(levels));
            if (space.broken(row) === null) return row;
          }
        };
        const samples = labelled(
          trees,
          Array.from({ length: 6 }, () => space.point(legal())),
        );
        for (const [i, { outcome, found, exhausted }] of (
          await attempts(trees, samples, threat, "tree-exact")
        ).entries()) {
          const clean = space.levels(samples[i]!.point);
          const best = bruteForceRows(trees, space, threat, clean);
          expect(outcome).toBe(Number.isFinite(best) ? "fooled" : "resisted");
          expect(exhausted).toBe(Number.isFinite(best) ? undefined : true);
          if (found === null) continue;
          fooled++;
          expect(found.distance + found.cost! / 1000).toBeCloseTo(best, 9);
        }
      }
      expect(fooled).toBeGreaterThan(0);
    },
  );
});
