import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TextTokenizer } from "./tokenizer.ts";

interface Fixture {
  readonly tokenizers: string;
  readonly tokenizer: Record<string, unknown>;
  /** Text, ids, normalized text. */
  readonly encoded: readonly (readonly [string, readonly number[], string])[];
}

const fixtureOf = (name: string): Fixture =>
  JSON.parse(
    readFileSync(new URL(`../../../bench/peers/fixtures/tokenizer-${name}.json`, import.meta.url), "utf8"),
  ) as Fixture;

const tokenizerOf = (json: unknown, config: unknown = null) => new TextTokenizer({ json, config, sha256: "" }, "here");

describe.each(["wordpiece", "words", "byte-level-bpe", "unigram"])("%s, beside the Rust library", (name) => {
  const { tokenizer: json, encoded } = fixtureOf(name);
  const tokenizer = tokenizerOf(json);

  it.each(encoded)("%j", (text, ids, normalized) => {
    expect(tokenizer.normalized(text)).toBe(normalized);
    expect(tokenizer.tokens(text).ids).toEqual(ids);
  });
});

const { tokenizer: plain } = fixtureOf("wordpiece");
const [pad, , cls, sep] = [0, 1, 2, 3];

describe("a tokenizer", () => {
  it("cuts what is beyond the longest input, and says so", () => {
    const tokenizer = tokenizerOf(plain);
    expect(tokenizer.maxLength).toBe(64);
    const long = tokenizer.tokens("call now ".repeat(60));
    expect(long.ids).toHaveLength(64);
    expect(long.truncated).toBe(true);
    expect([long.ids[0], long.ids.at(-1)]).toEqual([cls, sep]);
    expect(tokenizer.tokens("call now").truncated).toBe(false);
    // Specials alone leave no room for the text.
    expect(tokenizer.tokens("call now", 2)).toEqual({ ids: [cls, sep], types: [0, 0], truncated: true });
  });

  it("takes its longest input from tokenizer_config.json where tokenizer.json has none", () => {
    const open = { ...plain, truncation: null };
    expect(tokenizerOf(open).maxLength).toBeNull();
    expect(tokenizerOf(open, { model_max_length: 32 }).maxLength).toBe(32);
    expect(tokenizerOf(open, { model_max_length: 1e30 }).maxLength).toBeNull();
  });

  it("pads as the files say, or with the token that is called so", () => {
    const { padding: _, ...unpadded } = plain;
    expect(tokenizerOf(plain).padding).toEqual({ id: pad, type: 0, side: "right", multipleOf: 1 });
    const padding = { strategy: "BatchLongest", direction: "Left", pad_id: 7, pad_type_id: 3, pad_to_multiple_of: 8 };
    expect(tokenizerOf({ ...unpadded, padding }).padding).toEqual({ id: 7, type: 3, side: "left", multipleOf: 8 });
    expect(tokenizerOf(fixtureOf("byte-level-bpe").tokenizer).padding.id).toBe(1);
    expect(tokenizerOf(unpadded, { pad_token: { content: "[SEP]" }, padding_side: "left" }).padding).toMatchObject({
      id: sep,
      side: "left",
    });
  });

  it("reads special tokens that a text spells out as such", () => {
    const { ids } = tokenizerOf(plain).tokens("[SEP]");
    expect(ids).toEqual([cls, sep, sep]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no object", null, /model\.type/],
    ["a list", [], /model\.type/],
    ["another model", { ...plain, model: { type: "WordLevel", vocab: {} } }, /model\.type.*WordLevel/],
    ["dropout", { ...fixtureOf("byte-level-bpe").tokenizer, model: { type: "BPE", dropout: 0.1 } }, /dropout.*random/],
    ["no vocabulary", { ...plain, model: { type: "BPE" } }, /E_TOKENIZER/],
    ["an unknown normalizer", { ...plain, normalizer: { type: "Nmt" } }, /normalizer.*got Nmt/],
    [
      "an unknown way to split",
      { ...plain, pre_tokenizer: { type: "UnicodeScripts" } },
      /pre_tokenizer.*UnicodeScripts/,
    ],
    [
      "a way to split that the package has not",
      { ...plain, pre_tokenizer: { type: "Punctuation", behavior: "MergedWithNext" } },
      /MergedWithNext/,
    ],
    [
      "a damaged map",
      { ...plain, normalizer: { type: "Precompiled", precompiled_charsmap: "/////w==" } },
      /charsmap.*4 bytes/,
    ],
    ["no room for the text", { ...plain, truncation: { max_length: 2 } }, /more than the 2 special tokens.*got 2/],
    [
      "words as added tokens",
      { ...plain, added_tokens: [{ id: 1, content: "free", single_word: true }] },
      /single words.*free/,
    ],
  ])("refuses %s", (_, json, message) => {
    expect(() => tokenizerOf(json)).toThrow(message);
  });
});
