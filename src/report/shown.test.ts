import { describe, expect, it } from "vitest";
import { cut, shownMarkup } from "./shown.ts";

const textIn = (markup: string) => markup.replaceAll(/<h4>[^<]*<\/h4>/g, "").replaceAll(/<[^>]*>/g, "");

describe("a text beside the one that it was made from", () => {
  it("is shown whole, with its edits marked and nothing of it as markup", () => {
    const { text } = shownMarkup({
      kind: "texts",
      before: "free <b>prize</b> now",
      after: "fr\u200bee <b>prise</b> now",
    });
    expect(textIn(text)).toBe("free &lt;b&gt;prize&lt;/b&gt; nowfr[U+200B]ee &lt;b&gt;prise&lt;/b&gt; now");
    expect(text.match(/<ins [^>]*>[^<]*<\/ins>/g)).toHaveLength(2);
    expect(text.match(/<del>[^<]*<\/del>/g)).toEqual(["<del>z</del>"]);
  });

  it("is cut around its edits where it is long, and says how much is left out", () => {
    const edit = { kind: "typo", from: "a", to: "s", start: 5000, end: 5001 } as const;
    const pieces = [
      { text: "x".repeat(5000), edit: null },
      { text: "s", edit },
      { text: "y".repeat(100), edit: null },
    ];
    const shown = cut(pieces);
    expect(shown.map(({ text }) => text)).toEqual([
      `${"x".repeat(120)} [… 4760 characters …] ${"x".repeat(120)}`,
      "s",
      "y".repeat(100),
    ]);
    expect(shown[1]!.edit).toBe(edit);
    const many = cut(Array.from({ length: 100 }, (_, i) => ({ text: `${i}`.padStart(50), edit: null })));
    expect(many).toHaveLength(61);
    expect(many.at(-1)!.text).toContain("2000 characters");
    expect(cut(pieces.slice(1))).toEqual(pieces.slice(1));
  });
});
