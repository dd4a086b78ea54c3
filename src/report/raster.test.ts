import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxMeans, largestChanges, type Raster } from "./raster.ts";

const raster = (height: number, width: number, values: number[]): Raster => ({
  height,
  width,
  channels: values.length / (height * width),
  values: Float32Array.from(values),
});

describe("boxMeans", () => {
  it.each([
    ["halves of a row", raster(1, 4, [0, 1, 0.5, 0.5]), { height: 1, width: 2 }, [0.5, 0.5]],
    ["a square", raster(2, 2, [0, 1, 1, 1]), { height: 1, width: 1 }, [0.75]],
    ["channels apart", raster(1, 2, [0, 1, 1, 0]), { height: 1, width: 1 }, [0.5, 0.5]],
    ["an edge inside a pixel", raster(1, 3, [0, 1, 0]), { height: 1, width: 2 }, [1 / 3, 1 / 3]],
    ["the same size", raster(1, 2, [0.25, 1]), { height: 1, width: 2 }, [0.25, 1]],
  ])("%s", (_, source, size, expected) => {
    const { values } = boxMeans(source, size);
    expect(values).toHaveLength(expected.length);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  it("keeps a plain color at any size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (from, to) => {
        const plain = raster(
          from,
          from,
          Array.from({ length: from * from }, () => 0.5),
        );
        const size = { height: Math.min(from, to), width: Math.min(from, to) };
        for (const value of boxMeans(plain, size).values) expect(value).toBeCloseTo(0.5, 5);
      }),
    );
  });
});

describe("largestChanges", () => {
  it("shows what a mean would cancel, with its sign", () => {
    const noise = raster(1, 4, [0.1, -0.1, -0.3, 0.1]);
    expect(Array.from(largestChanges(noise, { height: 1, width: 2 }).values)).toEqual([
      Math.fround(0.1),
      Math.fround(-0.3),
    ]);
  });
});
