import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textOf, textPoint } from "./code-points.ts";

describe("texts as points", () => {
  it("gives every text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        fc.pre(!text.includes("\0"));
        expect(textOf(textPoint(text, 400))).toBe(text);
      }),
    );
  });

  it("gives every code point back", () => {
    for (let code = 1; code < 0x110000; code += 97) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const text = String.fromCodePoint(code);
      expect(textOf(textPoint(text, 2))).toBe(text);
    }
  });

  it.each([
    ["a lone surrogate", "a\ud800b", "U+D800"],
    ["the end mark", "a\0b", "U+0000"],
    ["more than fits", "abcdef", "6"],
  ])("refuses %s", (_, text, got) => {
    expect(() => textPoint(text, 4)).toThrow(got);
  });
});
