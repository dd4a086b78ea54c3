import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharpImages } from "../data/sharp-images.ts";
import { fromLevels, imageCodec, vectorCodec } from "./index.ts";

const gray = imageCodec([2, 3, 1], "uint8", sharpImages);
const color = imageCodec([2, 3, 3], "uint8", sharpImages);
const float = imageCodec([2, 3, 3], "none", sharpImages);
const fourChannels = imageCodec([2, 2, 4], "uint8", sharpImages);
const vector = vectorCodec([5]);
const codecs = { gray, color, float, fourChannels, vector };

function ramp(size: number): Float32Array {
  return fromLevels(Uint8Array.from({ length: size }, (_, i) => (i * 53) % 256));
}

describe("codecs", () => {
  it.each(Object.entries(codecs))("%s: a file gives the point back", async (_, codec) => {
    const point = ramp(codec.size);
    const { bytes } = await codec.encode(point);
    expect(await codec.decode(bytes)).toEqual(point);
  });

  it("stores every 8-bit image as PNG without loss", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 18, maxLength: 18 }), async (levels) => {
        const { bytes, extension } = await color.encode(fromLevels(levels));
        expect(extension).toBe("png");
        expect(await color.decode(bytes)).toEqual(fromLevels(levels));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ["gray", "png"],
    ["color", "png"],
    ["float", "npy"],
    ["fourChannels", "npy"],
    ["vector", "npy"],
  ] as const)("%s is stored as %s", async (name, extension) => {
    expect((await codecs[name].encode(ramp(codecs[name].size))).extension).toBe(extension);
  });

  it("canonical bytes: a header and the levels, or little-endian float32 with -0 as 0", () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
    expect(text(gray.canonical(ramp(6)))).toBe("image 2x3x1 hwc uint8\n\x005j\x9f\xd4\x09");
    const point = Float32Array.of(-0, 1, 0, 0, 0);
    expect(text(vector.canonical(point))).toBe(`vector 5 float32\n\0\0\0\0\0\0\x80?${"\0".repeat(12)}`);
    expect(vector.canonical(point)).toEqual(vector.canonical(Float32Array.of(0, 1, 0, 0, 0)));
  });

  it("the same pixels in another shape or type are another input", () => {
    const turned = imageCodec([3, 2, 1], "uint8", sharpImages);
    expect(turned.canonical(ramp(6))).not.toEqual(gray.canonical(ramp(6)));
  });

  it.each([
    ["wrong length", new Float32Array(4), "4 values where 6 are expected"],
    ["NaN", Float32Array.of(0, NaN, 0, 0, 0, 0), "value 1 is NaN"],
    ["below", Float32Array.of(0, 0, -0.5, 0, 0, 0), "value 2 is -0.5, outside 0..1"],
    ["above", Float32Array.of(0, 0, 0, 0, 0, 1.5), "value 5 is 1.5, outside 0..1"],
    ["between levels", Float32Array.of(0.5, 0, 0, 0, 0, 0), "value 0 is 0.5, which 8 bits can't hold"],
  ])("check names %s, canonical and encode refuse it", async (_, point, problem) => {
    expect(gray.check(point)).toBe(problem);
    expect(() => gray.canonical(point)).toThrow(problem);
    await expect(gray.encode(point)).rejects.toThrow(problem);
  });

  it("every level passes the check of 8-bit values", () => {
    const all = imageCodec([16, 16, 1], "uint8", sharpImages);
    expect(all.check(fromLevels(Uint8Array.from({ length: 256 }, (_, i) => i)))).toBeNull();
  });

  it.each([
    ["another size", () => gray.encode(ramp(6)).then(({ bytes }) => color.decode(bytes)), "expected 2x3x3, got 2x3x1"],
    [
      "an array of another shape",
      () => float.encode(ramp(18)).then(({ bytes }) => vector.decode(bytes)),
      "E_INPUT_SHAPE",
    ],
    ["no image", () => color.decode(new Uint8Array(50)), "E_IMAGE_FORMAT"],
    [
      "half an image",
      () => color.encode(ramp(18)).then(({ bytes }) => color.decode(bytes.subarray(0, 60))),
      "E_IMAGE_FORMAT",
    ],
  ])("decode refuses %s", async (_, decode, message) => {
    await expect(decode()).rejects.toThrow(message);
  });
});
