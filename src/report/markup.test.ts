import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Content, escapeText, html, named } from "./markup.ts";

describe("escapeText", () => {
  it.each([
    ["a plain name", "stop sign", "stop sign"],
    ["an element", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    ["an entity", "&lt;b&gt;", "&amp;lt;b&amp;gt;"],
    ["quotes", `"x" onload='y'`, "&quot;x&quot; onload=&#39;y&#39;"],
    ["a line break and a tab", "a\nb\tc", "a[U+000A]b[U+0009]c"],
    ["a null and an escape", "a\0b\u001b[31m", "a[U+0000]b[U+001B][31m"],
    ["a right-to-left override", "exe.\u202Egnp", "exe.[U+202E]gnp"],
    ["zero width and soft hyphen", "st\u200Bop\u00AD", "st[U+200B]op[U+00AD]"],
    ["half a surrogate pair", "a\uD800b", "a[U+D800]b"],
    ["a tag character beyond 16 bits", "a\u{E0041}", "a[U+E0041]"],
    ["other scripts as they are", "停止 شارة 🚦", "停止 شارة 🚦"],
  ])("%s", (_, text, escaped) => expect(escapeText(text)).toBe(escaped));

  it("never leaves a character that HTML reads as markup", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeText(text)).not.toMatch(/[<>"'\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});

describe("html", () => {
  it("escapes text, keeps markup, joins lists and drops nothing-values", () => {
    const items: Content[] = ["a<b", html`<b>${"c&d"}</b>`, null, undefined, false, 7];
    expect(html`<p title="${'"'}">${items}</p>`.text).toBe('<p title="&quot;">a&lt;b<b>c&amp;d</b>7</p>');
  });
  it("isolates the direction of a name", () => expect(named("<x>").text).toBe("<bdi>&lt;x&gt;</bdi>"));
});
