import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import type { Shape } from "../graph/ir.ts";
import { sizeOf, stridesOf } from "../tensor/tensor.ts";
import { normalizeAxes, permute, reducedShape } from "./axes.ts";
import { broadcastAll, broadcastShapes, expandTo, mapBroadcast, reference } from "./broadcast.ts";
import { convert, dtypeCode, dtypeOfCode, referenceOf } from "./dtypes.ts";

describe("broadcastShapes", () => {
  const table: readonly [Shape | null, Shape | null, Shape | null][] = [
    [[2, 3], [3], [2, 3]],
    [
      [2, 1],
      [1, 4],
      [2, 4],
    ],
    [[], [5], [5]],
    [["N", 1], [3], ["N", 3]],
    [
      ["N", 3],
      ["N", 1],
      ["N", 3],
    ],
    // One of two names may be 1: nobody can tell.
    [["N"], ["M"], [null]],
    // A size above 1 wins against a name, which is that size or 1.
    [["N"], [4], [4]],
    [[null], [1], [null]],
    [[null], [7], [7]],
    [[0], [1], [0]],
    [null, [2], null],
  ];
  it.each(table)("%j with %j is %j", (a, b, expected) => {
    expect(broadcastShapes(a, b)).toEqual(expected);
    expect(broadcastShapes(b, a)).toEqual(expected);
  });

  it("refuses sizes that don't fit", () => {
    expect(() => broadcastShapes([2, 3], [2])).toThrow(BlindspotError);
    expect(() => broadcastShapes([2, 3], [2])).toThrow(
      "E_SHAPE_MISMATCH broadcast: expected shapes that broadcast together, got [2,3] and [2]",
    );
  });
});

const dim = fc.integer({ min: 1, max: 3 });
/** Two shapes that broadcast together: a common one, with some leading axes left out and some sizes set to 1. */
const pair = fc
  .record({
    dims: fc.array(dim, { maxLength: 4 }),
    drops: fc.tuple(fc.nat(4), fc.nat(4)),
    ones: fc.tuple(fc.nat(15), fc.nat(15)),
  })
  .map(({ dims, drops, ones }) =>
    [0, 1].map((k) => dims.map((size, i) => ((ones[k] >> i) & 1 ? 1 : size)).slice(Math.min(drops[k], dims.length))),
  );

/** The element of a broadcast operand by the definition: align from the right, index 0 where the size is 1. */
function elementAt(dims: readonly number[], outDims: readonly number[], index: number): number {
  const outStrides = stridesOf(outDims);
  const offset = outDims.length - dims.length;
  return stridesOf(dims).reduce((sum, stride, i) => {
    const coordinate = Math.floor(index / outStrides[i + offset]) % outDims[i + offset];
    return sum + (dims[i] === 1 ? 0 : coordinate) * stride;
  }, 0);
}

describe("mapBroadcast", () => {
  it("follows the definition", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const iota = (dims: readonly number[]) =>
          reference(
            dims,
            Array.from({ length: sizeOf(dims) }, (_, i) => i),
          );
        const result = mapBroadcast((p, q) => 1000 * p + q, iota(a), iota(b));
        expect(result.dims).toEqual(broadcastAll([a, b]));
        result.data.forEach((value, index) => {
          expect(value).toBe(1000 * elementAt(a, result.dims, index) + elementAt(b, result.dims, index));
        });
      }),
    );
  });

  it("expands to empty", () => {
    expect(expandTo(reference([1], [5]), [0, 3])).toEqual(reference([0, 3], []));
  });
});

describe("axes", () => {
  it("are sorted, counted from either end and kept once", () => {
    expect(normalizeAxes([-1, 0, 2], 3)).toEqual([0, 2]);
    expect(() => normalizeAxes([3], 3)).toThrow("E_AXIS_RANGE");
  });

  it("permute there and back", () => {
    const x = reference(
      [2, 3, 4],
      Array.from({ length: 24 }, (_, i) => i),
    );
    const moved = permute(x, [2, 0, 1]);
    expect(moved.dims).toEqual([4, 2, 3]);
    // moved[3, 1, 2] is x[1, 2, 3].
    expect(moved.data[(3 * 2 + 1) * 3 + 2]).toBe((1 * 3 + 2) * 4 + 3);
    expect(permute(moved, [1, 2, 0])).toEqual(x);
  });

  it.each([
    [["N", 3, 4], [-1], true, ["N", 3, 1]],
    [["N", 3, 4], [1, 2], false, ["N"]],
    [["N", 3], undefined, false, []],
    [["N", 3], undefined, true, [1, 1]],
    [["N", 3], null, true, [null, null]],
    [["N", 3], null, false, null],
  ] as const)("reduce %j over %j, keeping: %s", (shape, axes, keep, expected) => {
    expect(reducedShape(shape, axes, keep)).toEqual(expected);
  });
});

describe("element types", () => {
  it.each([
    ["uint8", [256, -1, 1.9, -1.9], [0, 255, 1, 255]],
    ["int8", [128, -129, 127.5], [-128, 127, 127]],
    ["int64", [2.9, -2.9], [2, -2]],
    ["bool", [0, -0, 0.5, Number.NaN], [0, 0, 1, 1]],
    ["float32", [0.1], [0.1]],
  ] as const)("converts to %s", (dtype, values, expected) => {
    expect(Array.from(convert(reference([values.length], values), dtype).data)).toEqual(expected);
  });

  it("decodes half precision", () => {
    // 1, -2, the largest finite, the smallest subnormal, infinity
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00);
    const { data } = referenceOf({ dtype: "float16", dims: [5], data: bits });
    expect(Array.from(data)).toEqual([1, -2, 65504, 2 ** -24, Number.POSITIVE_INFINITY]);
    const brain = referenceOf({ dtype: "bfloat16", dims: [2], data: Uint16Array.of(0x3fc0, 0xc040) });
    expect(Array.from(brain.data)).toEqual([1.5, -3]);
  });

  it("knows ONNX's codes both ways", () => {
    expect(dtypeCode("float32")).toBe(1);
    expect(dtypeOfCode(7)).toBe("int64");
    expect(dtypeOfCode(17)).toBeNull();
  });
});
