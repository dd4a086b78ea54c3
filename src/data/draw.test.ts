import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawSamples } from "./index.ts";

function source(labels: readonly number[], groups: readonly string[] | null = null) {
  return { spec: "test", labels: Int32Array.from(labels), groups };
}

const LABELS = Array.from({ length: 100 }, (_, i) => (i < 60 ? 0 : i < 90 ? 1 : 2));

function countByClass(indices: readonly number[], labels: readonly number[]): number[] {
  return [0, 1, 2].map((label) => indices.filter((index) => labels[index] === label).length);
}

describe("drawSamples", () => {
  it("all, and the first so many, in the order of the source", () => {
    expect(drawSamples(source([0, 1, 0]), { samples: "all", seed: 0 })).toEqual([0, 1, 2]);
    expect(drawSamples(source([0, 1, 0]), { samples: "first:2", seed: 0 })).toEqual([0, 1]);
    expect(drawSamples(source([0, 1, 0]), { samples: "first:9", seed: 0 })).toEqual([0, 1, 2]);
  });

  it("those at given positions, each once, in the order given", () => {
    expect(drawSamples(source(LABELS), { samples: "index:17,3,17,99", seed: 5 })).toEqual([17, 3, 99]);
    expect(() => drawSamples(source(LABELS), { samples: "index:100,7,101", seed: 0 })).toThrow(
      /--samples.*0 to 99.*100, 101/,
    );
  });

  it("keeps the proportions of the classes, and depends on the seed alone", () => {
    const drawn = drawSamples(source(LABELS), { samples: 20, seed: 0 });
    expect(countByClass(drawn, LABELS)).toEqual([12, 6, 2]);
    expect(drawSamples(source(LABELS), { samples: 20, seed: 0 })).toEqual(drawn);
    expect(drawSamples(source(LABELS), { samples: 20, seed: 1 })).not.toEqual(drawn);
  });

  it("gives exactly as many as asked for, each once", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 70 }),
        (labels, samples) => {
          const drawn = drawSamples(source(labels), { samples, seed: 3 });
          expect(drawn).toHaveLength(Math.min(samples, labels.length));
          expect(new Set(drawn).size).toBe(drawn.length);
        },
      ),
    );
  });

  it("keeps groups together", () => {
    const groups = LABELS.map((_, i) => `track ${Math.floor(i / 5)}`);
    const drawn = new Set(drawSamples(source(LABELS, groups), { samples: 30, seed: 0 }));
    expect(drawn.size).toBe(30);
    for (const group of new Set(groups)) {
      const members = LABELS.map((_, i) => i).filter((i) => groups[i] === group);
      expect([0, members.length]).toContain(members.filter((i) => drawn.has(i)).length);
    }
  });

  it("an order that is a fair sample at any point", () => {
    const first = drawSamples(source(LABELS), { samples: 100, seed: 0 }).slice(0, 30);
    expect(countByClass(first, LABELS)[0]).toBeLessThan(25);
  });

  it.each([0, 1.5, NaN, "first:0", "first:x", "index:", "index:1,", "index:-1", "index:1.5"])(
    "refuses %s",
    (samples) => {
      expect(() => drawSamples(source([0]), { samples: samples as number, seed: 0 })).toThrow("E_DATA_DRAW");
    },
  );

  it("says so where every group is larger than the draw", () => {
    expect(() => drawSamples(source([0, 0, 0], ["a", "a", "a"]), { samples: 2, seed: 0 })).toThrow("Raise --samples");
  });
});
