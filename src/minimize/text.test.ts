import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textOf, textPoint } from "../inputs/text/code-points.ts";
import { textCodec } from "../inputs/text/text-codec.ts";
import { text } from "../threats/text.ts";
import { minimize } from "./minimize.ts";
import { shrinkingOf } from "./strategies.ts";
import { editAtoms } from "./text.ts";

const SIZE = 60;
const at = (value: string) => textPoint(value, SIZE);

describe("shrinking texts", () => {
  it("keeps the smallest set of edits that misleads", async () => {
    // Spam unless both words are broken; what else was edited is not needed.
    const shares = (x: Float32Array) => {
      const spam = ["free", "prize"].filter((word) => textOf(x).includes(word)).length;
      return spam > 0 ? Float32Array.of(0.1, 0.9) : Float32Array.of(0.9, 0.1);
    };
    const threat = text({ invisible: 6, homoglyphs: 0, reorderings: 0, characters: 0, words: 0 });
    const subject = {
      id: "1".repeat(64),
      clean: at("free prize for you all"),
      wrong: at("f\u200bree pr\u200bize f\u200bor y\u200bou a\u200bll"),
      codec: textCodec(SIZE),
      threat,
    };
    const judge = {
      output: "scores",
      probabilities: async (x: Float32Array) => shares(x),
      verify: async (x: Float32Array) => shares(x),
    } as const;
    const { strategy, queries } = shrinkingOf(subject.codec)!;
    const result = await minimize(subject, 1, judge, strategy, { queries, stall: 200 });
    expect(result).toMatchObject({ state: "minimized", guarantee: "subset-minimal" });
    expect(textOf((result as { point: Float32Array }).point)).toBe("f\u200bree pr\u200bize for you all");
  });

  it("has atoms that together are the change, and none of them nothing", () => {
    const part = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(part, part, (clean, wrong) => {
        const atoms = editAtoms(at(clean), at(wrong));
        const all = new Uint8Array(atoms.count);
        expect(textOf(atoms.keeping(all)!)).toBe(clean);
        expect(textOf(atoms.keeping(all.fill(1))!)).toBe(wrong);
      }),
    );
  });
});
