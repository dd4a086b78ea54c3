import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Finding } from "../assess/schema.ts";
import { textChange } from "../inputs/text/text-change.ts";
import { defenseCounts, type Edit, editText, piecesAfter, piecesBefore } from "./edits.ts";
import { html } from "./markup.ts";

const edit = (kind: Edit["kind"], from: string, to: string): Edit => ({
  start: 0,
  end: [...from].length,
  from,
  to,
  kind,
  noticed: false,
});

describe("edits as reports tell them", () => {
  it.each([
    ["invisible", "", "\u200b", "[U+200B] inserted"],
    ["invisible", "", "\ufe0f", "[U+FE0F] inserted"],
    ["homoglyph", "e", "\u0435", "'e' became '\u0435' (U+0435)"],
    ["reordering", "ree", "\u202eeer\u202c", "'ree' turned around and shown in its old order"],
    ["space", "", " ", "a blank inserted"],
    ["space", " ", "", "a blank left out"],
    ["deletion", "e", "", "'e' left out"],
    ["swap", "re", "er", "'re' became 'er'"],
    ["word", "film", "movie", "'film' became 'movie'"],
    ["rewrite", "a", "\u001b[31mb\u202e", "'a' became '[U+001B][31mb[U+202E]'"],
  ] as const)("%s", (kind, from, to, told) => {
    expect(editText(edit(kind, from, to))).toBe(told);
  });

  it("hold nothing that a terminal or a page would obey", () => {
    const hostile = edit("rewrite", "<b>\u202e", '"><script>\u0007\u2066');
    expect(editText(hostile)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(html`${editText(hostile)}`.text).not.toMatch(/[<>"]|[\p{Cc}\p{Cf}]/u);
  });

  it("mark pieces that together are the two texts", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 15 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const edits = textChange(after, before).edits.map(({ original, replacement, ...rest }) => ({
          ...rest,
          from: original,
          to: replacement,
          noticed: true,
        }));
        const joined = (pieces: readonly { readonly text: string }[]) => pieces.map((piece) => piece.text).join("");
        expect([joined(piecesBefore(before, edits)), joined(piecesAfter(before, edits))]).toEqual([before, after]);
      }),
    );
  });

  it("count what stopped findings, where it does the clean text no harm", () => {
    const finding = (defenses?: Finding["defenses"]) => ({ defenses }) as Finding;
    const stops = { name: "NFKC", stops: true, cleanStands: true };
    expect(
      defenseCounts([
        finding([stops]),
        finding([{ ...stops, cleanStands: false }]),
        finding([{ ...stops, name: "lower-case", stops: false }]),
        finding(),
      ]),
    ).toEqual([
      { name: "NFKC", stops: 1, of: 3 },
      { name: "lower-case", stops: 0, of: 3 },
    ]);
  });
});
