import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NORMALIZATIONS, SANITIZER } from "./normalize.ts";

const apply = (name: string, text: string) => NORMALIZATIONS.find((one) => one.name === name)!.apply(text);

describe("normalizations", () => {
  it.each([
    ["NFKC", "\uff26\uff32\uff25\uff25 \ufb01ne", "FREE fine"],
    ["strip-invisible", "fr\u200be\u00ad\u2060e\ufeff\u034f", "free"],
    ["strip-invisible", "\u202efree\u202c", "free"],
    [
      "strip-invisible",
      "\u{1F468}\u200d\u{1F469}\u200d\u{1F467} \u2764\ufe0f",
      "\u{1F468}\u200d\u{1F469}\u200d\u{1F467} \u2764\ufe0f",
    ],
    ["undo-reordering", "f\u202eer\u202ce", "free"],
    ["fold-lookalikes", "fr\u0435e pr\u0456ze", "free prize"],
    ["fold-lookalikes", "\u0434\u043e\u043c", "\u0434\u043e\u043c"],
    ["lower-case", "FrEe", "free"],
    ["collapse-spaces", "  a \t b\n", "a b"],
  ])("%s of '%s'", (name, text, expected) => {
    expect(apply(name, text)).toBe(expected);
  });

  it("NFKC alone undoes neither look-alikes nor what shows nothing", () => {
    expect(apply("NFKC", "fr\u0435e\u200b")).toBe("fr\u0435e\u200b");
  });

  it("together undo all that a reader cannot see", () => {
    expect(SANITIZER.apply("f\u202eer\u202c\u0435 pr\u200b\u0456ze")).toBe("free prize");
  });

  it("leave plain text alone, and what they have made", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."abcXYZ 019.,!?") }), (text) => {
        expect(SANITIZER.apply(text)).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const once = SANITIZER.apply(text);
        expect(SANITIZER.apply(once)).toBe(once);
      }),
    );
  });
});
