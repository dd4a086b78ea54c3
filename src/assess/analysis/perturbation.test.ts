import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { fromLevels, imageCodec, vectorCodec } from "../../inputs/index.ts";
import type { Box } from "../../inputs/measures/index.ts";
import { findingSchema } from "../schema.ts";
import { perturbation } from "./perturbation.ts";

/** Nothing is read or written here. */
const noFiles = { encode: () => Promise.reject(), decode: () => Promise.reject() };

type Dims = [height: number, width: number, channels: number];
/** The change of a coordinate. */
type Plant = (row: number, column: number, channel: number, clean: number) => number;

/** A smooth scene with some texture, in 8-bit levels. */
function scene([height, width, channels]: Dims): Float32Array {
  const rng = Rng.of(1).fold("scene");
  const levels = new Uint8Array(height * width * channels);
  let i = 0;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let channel = 0; channel < channels; channel++)
        levels[i++] = 128 + 90 * Math.sin(0.3 * row + channel) * Math.cos(0.2 * column) + 30 * (rng.uniform() - 0.5);
  return fromLevels(levels);
}

/** What an 8-bit file holds after the change. */
function planted(x0: Float32Array, [, width, channels]: Dims, plant: Plant): Float32Array {
  const levels = Uint8ClampedArray.from(x0, (clean, i) => {
    const pixel = Math.floor(i / channels);
    return 255 * (clean + plant(Math.floor(pixel / width), pixel % width, i % channels, clean));
  });
  return fromLevels(new Uint8Array(levels));
}

function analyzed(dims: Dims, plant: Plant) {
  const x0 = scene(dims);
  return perturbation(planted(x0, dims, plant), x0, imageCodec(dims, "uint8", noFiles));
}

/** Intersection over union. */
function iou(a: Box, b: Box): number {
  const area = ([top, left, bottom, right]: Box) => Math.max(0, bottom - top) * Math.max(0, right - left);
  const shared = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return shared / (area(a) + area(b) - shared);
}

const inside = ([top, left, bottom, right]: Box, row: number, column: number) =>
  row >= top && row < bottom && column >= left && column < right;
/** A sign that has nothing to do with its neighbors'. */
const coin = (row: number, column: number, channel: number) =>
  Rng.of(5).fold(row).fold(column).fold(channel).uniform() < 0.5 ? -1 : 1;

const sizes: Dims[] = [28, 32, 48, 224].flatMap((side) => [1, 3].map((channels): Dims => [side, side, channels]));
sizes.push([40, 60, 3], [12, 9, 1]);

describe.each(sizes)("planted in an image of %i x %i x %i", (...dims) => {
  const [height, width] = dims;
  const whole: Box = [0, 0, height, width];
  const top = Math.floor(height / 3);
  const left = Math.floor(width / 2);
  const patch: Box = [top, left, top + 4, left + 4];

  it("a 4x4 patch is a region, found where it is", () => {
    const { location, magnitude } = analyzed(dims, (row, column, _, clean) =>
      inside(patch, row, column) ? (clean < 0.5 ? 0.4 : -0.4) : 0,
    );
    expect(location.kind).toBe("region");
    expect(iou(location.bbox!, patch)).toBeGreaterThanOrEqual(0.9);
    expect(iou(location.topRegions![0]!.bbox, patch)).toBeGreaterThanOrEqual(0.9);
    expect(location.topRegions![0]!.energyShare).toBe(1);
    expect(inside(patch, ...location.centroid!)).toBe(true);
    expect(magnitude.l0Pixels).toBe(16);
  });

  it("a patch keeps its place under a faint change of everything else", () => {
    const { location } = analyzed(dims, (row, column, channel, clean) =>
      inside(patch, row, column) ? (clean < 0.5 ? 0.49 : -0.49) : coin(row, column, channel) / 255,
    );
    expect(location.kind).toBe("region");
    expect(iou(location.bbox!, patch)).toBeGreaterThanOrEqual(0.9);
    expect(location.support).toBeGreaterThan(0.9);
  });

  it("a low-frequency wave is dense, and low", () => {
    const { location } = analyzed(
      dims,
      (row, column) =>
        0.06 * Math.cos((Math.PI * (2 * row + 1)) / height) * Math.cos((Math.PI * (2 * column + 1)) / width),
    );
    expect(location.kind).toBe("dense");
    expect(iou(location.bbox!, whole)).toBeGreaterThanOrEqual(0.9);
    expect(location.spectrum!.low).toBeGreaterThan(0.9);
  });

  it("a wave of a third of the finest frequency is dense, and mid", () => {
    const { location } = analyzed(
      dims,
      (row) => 0.06 * Math.cos((Math.PI * Math.floor(0.375 * height) * (2 * row + 1)) / (2 * height)),
    );
    expect(location.kind).toBe("dense");
    expect(location.spectrum!.mid).toBeGreaterThan(0.9);
  });

  it("two gray levels up or down everywhere are dense, high and imperceptible", () => {
    const { location, perceptibility } = analyzed(
      dims,
      (row, column, channel) => (2 / 255) * coin(row, column, channel),
    );
    expect(location.kind).toBe("dense");
    expect(iou(location.bbox!, whole)).toBeGreaterThanOrEqual(0.9);
    expect(location.spectrum!.high).toBeGreaterThan(0.6);
    expect(location.topRegions).toEqual([]);
    expect(perceptibility).toMatchObject({ band: "imperceptible", rule: "L-inf 2/255 <= 2/255" });
  });

  it("single pixels are sparse, each of them found", () => {
    const pixels = [
      [1, 2],
      [Math.floor(height / 2), width - 2],
      [height - 3, 3],
    ] as const;
    const { location, magnitude } = analyzed(dims, (row, column, _, clean) =>
      pixels.some(([r, c]) => r === row && c === column) ? (clean < 0.5 ? 0.45 : -0.45) : 0,
    );
    expect(location.kind).toBe("sparse");
    expect(location.bbox).toEqual([1, 2, height - 2, width - 1]);
    const found = location.topRegions!.map(({ bbox }) => bbox.slice(0, 2)).sort();
    expect(found).toEqual(pixels.map((pixel) => [...pixel]).sort());
    expect(magnitude.l0Pixels).toBe(3);
    expect(magnitude.l0).toBe(3 * dims[2]);
    expect(location.spectrum!.high).toBeGreaterThan(0.5);
  });

  it("nothing is nowhere", () =>
    expect(analyzed(dims, () => 0)).toMatchObject({
      location: { kind: "none", support: 0 },
      magnitude: { l0: 0, l0Pixels: 0, linf: 0 },
      perceptibility: { psnr: null, ssim: expect.closeTo(1, 12), band: "imperceptible" },
    }));
});

describe("location in general", () => {
  it("two patches make a region, and both are named, the stronger first", () => {
    const dims: Dims = [32, 32, 3];
    const [weak, strong]: Box[] = [
      [2, 3, 7, 8],
      [20, 20, 26, 25],
    ];
    const { location } = analyzed(dims, (row, column, _, clean) => {
      const size = inside(weak!, row, column) ? 0.2 : inside(strong!, row, column) ? 0.4 : 0;
      return clean < 0.5 ? size : -size;
    });
    expect(location.kind).toBe("region");
    expect(location.topRegions!.map(({ bbox }) => bbox)).toEqual([strong, weak]);
  });

  it("where floats change everywhere by next to nothing, only what counts is located", () => {
    const dims: Dims = [28, 28, 1];
    const x0 = new Float32Array(28 * 28).fill(0.5);
    const box: Box = [5, 6, 11, 12];
    const x = x0.map((clean, i) => clean + (inside(box, Math.floor(i / 28), i % 28) ? 0.3 : 1e-6));
    const { location, magnitude } = perturbation(x, x0, imageCodec(dims, "none", noFiles));
    expect(location).toMatchObject({ kind: "region", bbox: box, support: 1 });
    expect(magnitude.l0Pixels).toBe(28 * 28);
  });

  it("any solid rectangle up to half of the image is a region with its own box", () => {
    const rectangle = fc
      .tuple(fc.integer({ min: 6, max: 40 }), fc.integer({ min: 6, max: 40 }), fc.constantFrom(1, 3))
      .chain(([height, width, channels]) =>
        fc
          .tuple(
            fc.integer({ min: 2, max: Math.floor(height / 2) }),
            fc.integer({ min: 2, max: width }),
            fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
            fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          )
          .map(([h, w, down, across]) => {
            const top = Math.floor(down * (height - h + 1));
            const left = Math.floor(across * (width - w + 1));
            return { dims: [height, width, channels] as Dims, box: [top, left, top + h, left + w] as Box };
          }),
      );
    fc.assert(
      fc.property(rectangle, ({ dims, box }) => {
        const { location } = analyzed(dims, (row, column, channel, clean) =>
          inside(box, row, column) ? (clean < 0.5 ? 0.3 : -0.3) + 0.1 * coin(row, column, channel) : 0,
        );
        expect(location.kind).toBe("region");
        expect(location.bbox).toEqual(box);
      }),
      { numRuns: 60 },
    );
  });
});

describe("vectors", () => {
  const codec = vectorCodec(
    [4],
    [
      { name: "age", low: 17, high: 90 },
      { name: "hours", low: 0, high: 99 },
      { low: -1, high: 1 },
      { name: "constant", low: 5, high: 5 },
    ],
  );
  /** As the data room scales it. */
  const point = (age: number, hours: number, third: number) =>
    Float32Array.of((age - 17) / 73, hours / 99, (third + 1) / 2, 0);

  it("names the fields that changed in the user's own units, largest change first", () => {
    const { location, perceptibility, magnitude } = perturbation(point(37, 40, 0.5), point(35, 40, -0.5), codec);
    expect(location).toEqual({
      kind: "dense",
      support: 0.5,
      fields: [
        { index: 2, from: -0.5, to: 0.5 },
        { index: 0, name: "age", from: 35, to: 37 },
      ],
    });
    expect(perceptibility).toMatchObject({
      band: "obvious",
      rule: "largest change over its field's range 50 % > 20 %",
    });
    expect(magnitude.l0Pixels).toBeUndefined();
  });

  it("one field of four is sparse; none is none", () => {
    expect(perturbation(point(37, 40, 0), point(35, 40, 0), codec).location.kind).toBe("sparse");
    expect(perturbation(point(37, 40, 0), point(37, 40, 0), codec).location).toEqual({ kind: "none", support: 0 });
  });

  it("names at most 32 fields", () => {
    const { location } = perturbation(new Float32Array(100).fill(0.5), new Float32Array(100), vectorCodec([100]));
    expect(location.fields).toHaveLength(32);
    expect(location.fields![0]).toEqual({ index: 0, from: 0, to: 0.5 });
  });

  it("fields of another number are a mistake of ours", () =>
    expect(() => vectorCodec([3], [{ low: 0, high: 1 }])).toThrow("internal: 1 fields of 3"));
});

it("members are in the order of the schema: a line read and written again is the same bytes", () => {
  const schema = findingSchema.shape.perturbation;
  const dims: Dims = [28, 28, 3];
  const all = [
    analyzed(dims, (row) => (row < 4 ? 0.2 : 0)),
    analyzed(dims, () => 0),
    perturbation(Float32Array.of(0.1, 0.2), Float32Array.of(0.1, 0.3), vectorCodec([2])),
  ];
  for (const one of all) expect(JSON.stringify(schema.parse(one))).toBe(JSON.stringify(one));
});
