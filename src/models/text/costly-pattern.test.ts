import { describe, expect, it } from "vitest";
import { costOf } from "./costly-pattern.ts";
import { TextTokenizer } from "./tokenizer.ts";

describe("regular expressions of a tokenizer", () => {
  it.each<[string, string]>([
    ["GPT-2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
    [
      "Llama 3",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      "o200k",
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|\\s+(?!\\S)|\\s+",
    ],
    ["CLIP", "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"],
    ["BLOOM", " ?[^(\\s|[.,!?…。，、।۔،])]+"],
    ["blanks", " {2,}"],
    ["line ends", "(?:\\r?\\n)+"],
  ])("of %s are fast enough", (_, pattern) => {
    expect(costOf(pattern)).toBeNull();
  });

  it.each<[string, RegExp]>([
    ["(a+)+$", /repetition of \(a\+\)/],
    ["(?:\\p{L}+\\p{M}?)*!", /repetition/],
    ["x(a|aa)*b", /repetition of \(a\|aa\)/],
    ["(?:(?:ab)*)*c", /repetition/],
    ["([a-z]{1,30}){1,30}!", /repetition/],
    ["(.*)*x", /repetition/],
    ["a*a*a*a*a*!", /more than 500 ms/],
    ["(?:ab)*(?:ab)*(?:ab)*(?:ab)*(?:ab)*c", /more than 500 ms/],
  ])("%s is refused", (pattern, message) => {
    expect(costOf(pattern)).toMatch(message);
  });

  it("a hostile tokenizer.json is refused before a text is read, wherever the expression stands", () => {
    const Regex = "(\\w+\\s?)*$";
    const split = { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
    const plain = { model: { type: "WordPiece", vocab: { "[UNK]": 0 }, unk_token: "[UNK]" }, added_tokens: [] };
    for (const part of [
      { pre_tokenizer: split },
      { pre_tokenizer: { type: "Sequence", pretokenizers: [split] } },
      { normalizer: { type: "Replace", pattern: { Regex }, content: "" } },
    ])
      expect(() => new TextTokenizer({ json: { ...plain, ...part }, config: null, sha256: "" }, "here")).toThrow(
        /E_TOKENIZER here, (normalizer|pre_tokenizer): .*no longer than a text is long.*repetition/,
      );
  });
});
