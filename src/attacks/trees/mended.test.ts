import { expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { allRows, randomSchema } from "../../inputs/row/random-schema.test.fixture.ts";
import { mended, type Part } from "./mended.ts";

it("mended rows are the cheapest of their part that keep the relation, and no row of it is below the size that is claimed", () => {
  const seen = { mended: 0, above: 0, none: 0 };
  for (let seed = 0; seed < 600; seed++) {
    const rng = Rng.of(seed).fold("mended");
    const { space, legal } = randomSchema(rng);
    const clean = legal[rng.integer(legal.length)]!;
    // A part: of each field some of its levels, the clean one among them or not.
    const ranges = space.fields.map(({ levels }) => {
      const first = rng.integer(levels);
      return [first, first + rng.integer(levels - first)] as const;
    });
    const inside = (f: number, level: number) => level >= ranges[f]![0] && level <= ranges[f]![1];
    const part: Part = {
      count: (f) => ranges[f]![1] - ranges[f]![0] + 1,
      levels: (f) => Array.from({ length: ranges[f]![1] - ranges[f]![0] + 1 }, (_, i) => ranges[f]![0] + i),
      has: inside,
    };
    const sizeOf = (row: Int32Array) => space.changed(row, clean).length + space.cost(row, clean) / 100;
    const rows = allRows(space).filter((row) => row.every((level, f) => inside(f, level)));
    const nearest = rows.reduce((best, row) => (sizeOf(row) < sizeOf(best) ? row : best));
    if (space.broken(nearest) === null) continue;
    const { state, size } = mended(space, clean, nearest, part, sizeOf);
    const least = Math.min(...rows.filter((row) => space.broken(row) === null).map(sizeOf));
    const told = `seed ${seed}, ${space.schema.relations[0]!.text}`;
    expect(size, told).toBeLessThanOrEqual(least);
    if (space.broken(state) === null) {
      expect([size, sizeOf(state)], told).toEqual([least, least]);
      seen.mended++;
    } else if (Number.isFinite(size)) seen.above++;
    else seen.none++;
  }
  expect(Math.min(seen.mended, seen.above, seen.none)).toBeGreaterThan(4);
});
