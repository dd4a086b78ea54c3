import { describe, expect, it } from "vitest";
import { textOf, textPoint } from "../inputs/text/code-points.ts";
import { textDefenses } from "./text-defenses.ts";

const SIZE = 60;
const at = (text: string) => textPoint(text, SIZE);

/** Class 1 for texts that hold the word, asked in lower case or as it stands. */
async function defensesOf(x: string, x0: string, test: (text: string) => boolean) {
  const asked: string[] = [];
  const found = await textDefenses({ x: at(x), x0: at(x0), label: 1 }, async (point) => {
    asked.push(textOf(point));
    return test(textOf(point)) ? Float32Array.of(0, 1) : Float32Array.of(1, 0);
  });
  return { found, asked };
}

describe("what would have stopped a text", () => {
  it("is found by asking the model again, about what each normalization makes of it", async () => {
    const { found, asked } = await defensesOf("fr\u200bee prize", "free prize", (text) => text.includes("free"));
    expect(found).toEqual([
      { name: "sanitizer", stops: true, cleanStands: true },
      { name: "strip-invisible", stops: true, cleanStands: true },
    ]);
    // What is the clean text again is known.
    expect(asked).toEqual([]);
  });

  it("is no defense where the clean text does not survive it", async () => {
    const { found } = await defensesOf("CAlL Now", "Call Now", (text) => text === "Call Now");
    expect(found).toEqual([{ name: "lower-case", stops: false, cleanStands: false }]);
  });

  it("is nothing where an edit is what anybody might have typed", async () => {
    const { found, asked } = await defensesOf("fre prize", "free prize", (text) => text.includes("free"));
    expect([found, asked]).toEqual([[], []]);
  });

  it("does not take a normalization for one that stops where the model stays wrong", async () => {
    const { found } = await defensesOf("fr\u0435\u0435\u200b", "free", (text) => text === "free");
    expect(found).toEqual([
      { name: "sanitizer", stops: true, cleanStands: true },
      { name: "strip-invisible", stops: false, cleanStands: true },
      { name: "fold-lookalikes", stops: false, cleanStands: true },
    ]);
  });
});
