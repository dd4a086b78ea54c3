import { describe, expect, it } from "vitest";
import { randomNet, smallClassifier } from "../../attacks/small-net.test.fixture.ts";
import { Rng } from "../../base/rng.ts";
import type { FeatureModel, LossName } from "../../models/classifier.ts";
import { gradientsOf, scoresOf } from "../../models/row-batches.ts";
import { binaryClassifier } from "./binary-classifier.ts";
import { beyondChance } from "./check.ts";
import { lateRise } from "./convergence.ts";
import { planeAt, separatingPlane } from "./logistic.ts";
import { marginLoss } from "./rows.ts";

const cloud = (rng: Rng, count: number, size: number) =>
  Array.from({ length: count }, () => Float32Array.from({ length: size }, () => rng.normal()));

describe("the separating plane", () => {
  it.each([2, 5, 64])("tells one row from many in %i dimensions", (size) => {
    const rng = Rng.of(size);
    const inner = cloud(rng, 200, size);
    const outer = new Float32Array(size).fill(6);
    const plane = separatingPlane(inner, outer)!;
    expect(inner.filter((row) => planeAt(plane, row) >= 0)).toEqual([]);
    expect(planeAt(plane, outer)).toBeGreaterThan(0);
  });

  it("does not mind features of very different size, and those that never change", () => {
    const rng = Rng.of(1);
    const stretch = (row: Float32Array) => Float32Array.of(1e4 * row[0]!, 1e-4 * row[1]!, 3);
    const plane = separatingPlane(cloud(rng, 100, 2).map(stretch), stretch(Float32Array.of(5, 5)))!;
    expect(planeAt(plane, stretch(Float32Array.of(5, 5)))).toBeGreaterThan(0);
    expect(plane.weights[2]).toBe(0);
  });

  it("gives up where the row lies among the others, or all are equal", () => {
    expect(separatingPlane(cloud(Rng.of(2), 500, 2), Float32Array.of(0, 0))).toBeNull();
    expect(separatingPlane([Float32Array.of(1, 1), Float32Array.of(1, 1)], Float32Array.of(1, 1))).toBeNull();
  });
});

describe("another last layer", () => {
  /** Features are the squares of the inputs. */
  const squares: FeatureModel = {
    size: 3,
    features: async ({ data }) => data.map((x) => x * x),
    gradient: async ({ data }, cotangents) => ({
      features: data.map((x) => x * x),
      gradients: data.map((x, i) => 2 * x * cotangents[i]!),
    }),
    close: async () => {},
  };
  const model = smallClassifier(randomNet(0, 3, 2));
  const binary = binaryClassifier(model, squares, { weights: Float64Array.of(1, -2, 0.5), bias: 0.25 });
  const x = Float32Array.of(0.3, 0.6, 0.9);

  it("scores by the plane", async () => {
    const z = 0.09 - 2 * 0.36 + 0.5 * 0.81 + 0.25;
    const scores = await binary.verify(x);
    expect(scores[1]! - scores[0]!).toBeCloseTo(z, 6);
  });

  it.each<LossName>(["cross-entropy", "margin", "dlr", "targeted-cross-entropy", "targeted-margin", "other"])(
    "has the true gradient of %s",
    async (loss) => {
      const at = (data: Float32Array) => binary.gradient({ data, count: 1 }, loss, Int32Array.of(0), Int32Array.of(1));
      const { gradients } = await at(x);
      const h = 1e-3;
      for (let i = 0; i < 3; i++) {
        const moved = (by: number) => x.map((value, j) => (i === j ? value + by : value));
        const [up, down] = [await at(moved(h)), await at(moved(-h))];
        expect((up.losses[0]! - down.losses[0]!) / (2 * h)).toBeCloseTo(gradients[i]!, 2);
      }
    },
  );
});

describe("rows of a classifier", () => {
  it("come back in order, whatever a pass holds; a single row is doubled", async () => {
    const net = randomNet(3, 4, 3);
    const points = cloud(Rng.of(4), 7, 4);
    const labels = points.map((_, i) => i % 3);
    const [small, large] = [smallClassifier(net, { maxBatch: 3 }), smallClassifier(net)];
    expect(await scoresOf(small, points)).toEqual(await scoresOf(large, points));
    expect(await gradientsOf(small, points, labels, "margin")).toEqual(
      await gradientsOf(large, points, labels, "margin"),
    );
    expect(small.rows.smallest).toBe(2);
  });

  it("have the margin loss that attacks raise", () => {
    expect(marginLoss(Float32Array.of(1, 4, 2), 1)).toBe(-2);
    expect(marginLoss(Float32Array.of(1, 4, 2), 0)).toBe(3);
  });
});

describe("rules", () => {
  it.each([
    ["settled early", [0, 5, ...new Array<number>(12).fill(10)], 0],
    ["still climbing", Array.from({ length: 101 }, (_, i) => i), 0.1],
    ["still climbing, with few steps", Array.from({ length: 21 }, (_, i) => i), 0.2],
    ["a dip at the end does not count", [0, ...new Array<number>(12).fill(8), 3, 2], 0],
    ["flat", new Array<number>(15).fill(1), 0],
  ])("late rise: %s", (_, losses, expected) => {
    expect(lateRise(losses)).toBeCloseTo(expected, 6);
  });

  it.each([
    [1, 20, false],
    [2, 20, true],
    [2, 200, false],
    [3, 200, true],
  ])("one sample alone may be chance: %i of %i at 1 %%: %s", (count, of, expected) => {
    expect(beyondChance(count, of, 0.01)).toBe(expected);
  });
});
