import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textOf, textPoint } from "./code-points.ts";
import { textCodec } from "./text-codec.ts";

const codec = textCodec(40);
const text = fc.string({ unit: "binary", maxLength: 40 }).filter((value) => !value.includes("\0"));

describe("the codec of texts", () => {
  it("stores and reads back every text, byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const point = textPoint(value, 40);
        const { bytes, extension } = await codec.encode(point);
        expect([extension, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)]).toEqual(["txt", value]);
        expect(await codec.decode(bytes)).toEqual(point);
        expect(codec.check(point)).toBeNull();
      }),
    );
  });

  it("identifies a text by its exact bytes: not normalized, and whatever the size of its data set", () => {
    const name = (value: string, size: number) =>
      new TextDecoder().decode(textCodec(size).canonical(textPoint(value, size)));
    expect(name("caf\u00e9", 10)).toBe("text utf-8\ncaf\u00e9");
    expect(name("cafe\u0301", 10)).not.toBe(name("caf\u00e9", 10));
    expect(name("same", 10)).toBe(name("same", 20));
  });

  it("keeps a byte order mark", async () => {
    const point = await codec.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61));
    expect(textOf(point)).toBe("\ufeffa");
  });

  it.each([
    ["Latin-1", Uint8Array.of(0x63, 0x61, 0x66, 0xe9), "UTF-8"],
    ["a text that is too long", new TextEncoder().encode("x".repeat(41)), "at most 40 code points"],
    ["U+0000", Uint8Array.of(0x61, 0, 0x62), "U+0000"],
    ["half a surrogate pair", Uint8Array.of(0xed, 0xa0, 0x80), "UTF-8"],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(codec.decode(bytes)).rejects.toThrow(message);
  });

  it.each([
    ["between two code points", Float32Array.of(0.5 / 0x110000, ...new Array<number>(39).fill(0)), "no code point"],
    ["beyond the last code point", Float32Array.of(1, ...new Array<number>(39).fill(0)), "beyond"],
    ["after the end", Float32Array.of(0, 0.1, ...new Array<number>(38).fill(0)), "ends the text"],
    ["half a surrogate pair", Float32Array.of(0xd800 / 0x110000, ...new Array<number>(39).fill(0)), "surrogate"],
    ["another size", new Float32Array(3), "3 values"],
  ])("says what is wrong with a point: %s", (_, point, problem) => {
    expect(codec.check(point)).toContain(problem);
    expect(() => codec.canonical(point)).toThrow("E_INPUT_VALUE");
  });
});
