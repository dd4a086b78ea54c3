import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { sharpImages } from "../data/sharp-images.ts";
import { writeNpy } from "../tensor/npy.ts";
import { float32 } from "../tensor/tensor.ts";
import { plainPng } from "./png.ts";
import { readStored } from "./stored.ts";

const ramp = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 53) % 256);

describe("plainPng", () => {
  it.each([1, 3])("reads what sharp writes, and writes what sharp reads: %i channels", async (channels) => {
    const pixels = { height: 5, width: 7, channels, data: ramp(35 * channels) };
    expect(await plainPng.decode(await sharpImages.encode(pixels))).toEqual(pixels);
    expect(await sharpImages.decode(await plainPng.encode(pixels))).toEqual(pixels);
  });

  const gray = new Uint8Array(encode({ width: 2, height: 2, channels: 1, data: ramp(4) }));
  const huge = gray.slice();
  huge.set([0x7f, 0xff, 0xff, 0xff], 16);
  const damaged = gray.slice();
  damaged[30]! ^= 0xff;
  it.each([
    ["nothing", new Uint8Array(0), "0 other bytes"],
    ["another file", new Uint8Array(100), "100 other bytes"],
    ["its first bytes", gray.slice(0, 20), "20 other bytes"],
    ["half of it", gray.slice(0, 45), "a whole PNG file"],
    ["damaged bytes", damaged, "a whole PNG file"],
    ["more pixels than anybody shows", huge, "2147483647x2"],
    [
      "16 bits",
      new Uint8Array(encode({ width: 1, height: 1, channels: 1, depth: 16, data: new Uint16Array(1) })),
      "16 bits",
    ],
    ["transparency", new Uint8Array(encode({ width: 1, height: 1, channels: 4, data: ramp(4) })), "color type 6"],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(plainPng.decode(bytes)).rejects.toThrow(message);
  });
});

describe("readStored", () => {
  it("reads PNG and float32 arrays as values in 0..1", async () => {
    const png = await plainPng.encode({ height: 1, width: 2, channels: 1, data: Uint8Array.of(0, 255) });
    expect(await readStored(png)).toEqual({ dims: [1, 2, 1], values: Float32Array.of(0, 1) });
    const npy = writeNpy(float32([2], Float32Array.of(0.25, 0.5)));
    expect(await readStored(npy)).toEqual({ dims: [2], values: Float32Array.of(0.25, 0.5) });
  });

  it.each([
    ["text", new TextEncoder().encode("hello"), "E_INPUT_TYPE"],
    ["whole numbers", writeNpy({ dtype: "int32", dims: [1], data: Int32Array.of(1) }), ".npy of int32"],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(readStored(bytes)).rejects.toThrow(message);
  });
});
