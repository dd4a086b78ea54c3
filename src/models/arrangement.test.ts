import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf } from "../tensor/tensor.ts";
import { type ArrangementOptions, arrange, toModelOrder } from "./arrangement.ts";

type Declared = readonly (number | string)[];

describe("arrange", () => {
  // declared input, options -> row, order, batch, and whether the adaptation is worth a note
  it.each<[Declared, ArrangementOptions, string]>([
    [["N", 3, 32, 32], {}, "32x32x3 chw free"],
    [["N", 32, 32, 3], {}, "32x32x3 hwc free"],
    [["N", 1, 28, 28], {}, "28x28x1 hwc free"],
    [[1, 28, 28, 1], {}, "28x28x1 hwc 1"],
    [["", 28, 28], {}, "28x28x1 hwc free noted"],
    [["N", 28, 28], { dims: [28, 28, 1] }, "28x28x1 hwc free noted"],
    [[1, 784, 1], { dims: [28, 28, 1] }, "28x28x1 hwc 1 noted"],
    [[1, 784, 1], {}, "784 hwc 1 noted"],
    [["N", 784], { dims: [28, 28, 1] }, "28x28x1 hwc free noted"],
    [["N", 20], {}, "20 hwc free"],
    [[1, 1, 1, 5], {}, "5 hwc 1 noted"],
    [["N", 3072], { dims: [32, 32, 3], layout: "nchw" }, "32x32x3 chw free noted"],
    [["N", 3072], { dims: [32, 32, 3], layout: "nhwc" }, "32x32x3 hwc free noted"],
    [["N", 3, 3, 3], { dims: [3, 3, 3], layout: "nchw" }, "3x3x3 chw free"],
    [["N", "c", "h", "w"], { shape: [1, 3, 8, 9] }, "8x9x3 chw free"],
    [["N", 3, "h", "w"], { dims: [8, 9, 3] }, "8x9x3 chw free"],
    [["N", "h", "w", 3], { dims: [8, 9, 3] }, "8x9x3 hwc free"],
    [["N", "f"], { dims: [7] }, "7 hwc free"],
    [[100, 3, 32, 32], {}, "32x32x3 chw 100"],
    [[784], { dims: [28, 28, 1] }, "28x28x1 hwc 1 noted unbatched"],
    [[28, 28], { dims: [28, 28, 1] }, "28x28x1 hwc 1 noted unbatched"],
  ])("%j with %j", (declared, options, expected) => {
    const { dims, order, batch, note, hasBatch } = arrange("x", declared, options);
    const words = [
      dims.join("x"),
      order,
      batch ?? "free",
      ...(note ? ["noted"] : []),
      ...(hasBatch ? [] : ["unbatched"]),
    ];
    expect(words.join(" ")).toBe(expected);
  });

  it.each<[Declared, ArrangementOptions, RegExp]>([
    [["N", 3072], { dims: [32, 32, 3] }, /--layout nchw/],
    [["N", 3, 3, 3], { dims: [3, 3, 3] }, /--layout nchw/],
    [["N", 8, 9, 10], {}, /which axis holds the channels/],
    [["N", 3, 32, 32], { dims: [28, 28, 1] }, /3072 elements per row, got rows of 28x28x1 = 784/],
    [["N", 3, 32, 32], { dims: [32, 32, 3], layout: "nhwc" }, /expected \[3,32,32\].*--layout nhwc/],
    [["N", "c", "h", "w"], {}, /leaves open: \[N,c,h,w\].*--shape x=1,3,224,224/],
    [["N", "c", "h", "w"], { dims: [8, 8, 3] }, /--layout/],
    [["N", 3, "h", "w"], { shape: [1, 4, 8, 8] }, /expected \[N,3,h,w\], got --shape 1,4,8,8/],
    [[], {}, /a scalar/],
  ])("refuses %j with %j", (declared, options, message) => {
    expect(() => arrange("x", declared, options)).toThrow(message);
  });
});

describe("toModelOrder", () => {
  it("puts channels first, and reverses them", () => {
    const arrangement = arrange("x", ["N", 3, 1, 2], { dims: [1, 2, 3] });
    const row = Float32Array.of(1, 2, 3, 10, 20, 30);
    expect([...toModelOrder(row, arrangement, false)]).toEqual([1, 10, 2, 20, 3, 30]);
    expect([...toModelOrder(row, arrangement, true)]).toEqual([3, 30, 2, 20, 1, 10]);
  });

  it("moves elements and loses none", () => {
    const sides = fc.integer({ min: 2, max: 6 });
    fc.assert(
      fc.property(sides, sides, fc.constantFrom(1, 3, 4), fc.boolean(), (h, w, c, reverse) => {
        const arrangement = arrange("x", ["N", c, h, w], { dims: [h, w, c], layout: "nchw" });
        const row = Float32Array.from({ length: sizeOf([h, w, c]) }, (_, i) => i);
        expect([...toModelOrder(row, arrangement, reverse)].sort((a, b) => a - b)).toEqual([...row]);
      }),
    );
  });
});
