import { Tokenizer } from "@huggingface/tokenizers";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { costOf } from "./costly-pattern.ts";
import { type Component, type Normalize, normalizerOf } from "./normalizer.ts";
import { likeRust } from "./pre-tokenizer.ts";

/** What stands beside a model: `tokenizer.json`, and `tokenizer_config.json` where there is one. */
export interface TokenizerFiles {
  readonly json: unknown;
  readonly config: unknown;
  /** Of tokenizer.json. */
  readonly sha256: string;
}

export interface Tokens {
  readonly ids: readonly number[];
  /** Which segment each is of: 0 but where a template says otherwise. */
  readonly types: readonly number[];
  /** Some of the text is beyond the longest input: the model does not see it. */
  readonly truncated: boolean;
}

export interface Padding {
  readonly id: number;
  readonly type: number;
  readonly side: "left" | "right";
  readonly multipleOf: number;
}

/** `model_max_length` that means "unknown" in the files of transformers. */
const UNKNOWN_LENGTH = 1e6;

/**
 * Texts to ids, as the Rust `tokenizers` library reads the same tokenizer.json: text that spells a special token ("[SEP]") is that token, which is the
 * default in deployment, too. `fixtures` compare the two. Throws `E_TOKENIZER`.
 */
export class TextTokenizer {
  readonly padding: Padding;
  /** Longest input in tokens, special ones included; null where the files do not say. */
  readonly maxLength: number | null;
  /** The largest id that it can give. */
  readonly largestId: number;
  /** What is left of a text before tokens are looked for. */
  readonly normalized: Normalize;
  private readonly tokenizer: Tokenizer;
  private readonly cutLeft: boolean;
  private readonly specials: number;

  constructor({ json, config }: TokenizerFiles, label: string) {
    const file = checked(json, label);
    const settings = (typeof config === "object" && config !== null ? config : {}) as Component;
    this.normalized = normalizerOf(file.normalizer, label);
    try {
      this.tokenizer = new Tokenizer(readable(file, this.normalized, label), {});
      this.tokenizer.normalizer = this.normalized as unknown as Tokenizer["normalizer"];
      this.specials = this.withSpecials([]).tokens.length;
    } catch (error) {
      if (error instanceof BlindspotError) throw error;
      throw new BlindspotError(
        { code: "E_TOKENIZER", subject: label, expected: "a tokenizer", got: (error as Error).message },
        { cause: error },
      );
    }
    this.largestId = [...this.tokenizer.get_vocab().values()].reduce((largest, id) => Math.max(largest, id), 0);
    this.padding = paddingOf(file, settings, this.tokenizer);
    const longest = file.truncation?.max_length ?? settings["model_max_length"];
    this.maxLength = typeof longest === "number" && longest < UNKNOWN_LENGTH ? longest : null;
    this.cutLeft = file.truncation?.direction === "Left";
    if (this.maxLength !== null && this.maxLength <= this.specials)
      throw new BlindspotError({
        code: "E_TOKENIZER",
        subject: label,
        where: "truncation.max_length",
        expected: `more than the ${this.specials} special tokens of every text`,
        got: String(this.maxLength),
      });
  }

  /** @param longest tokens, special ones included */
  tokens(text: string, longest = this.maxLength): Tokens {
    const all = this.tokenizer.tokenize(text, { add_special_tokens: false });
    const room = longest === null ? all.length : Math.max(0, longest - this.specials);
    const truncated = all.length > room;
    const kept = truncated ? (this.cutLeft ? all.slice(all.length - room) : all.slice(0, room)) : all;
    const { tokens, token_type_ids: types } = this.withSpecials(kept);
    const ids = tokens.map((token) => this.tokenizer.token_to_id(token) ?? this.tokenizer.model!.unk_token_id);
    return { ids: ids.filter((id) => id !== undefined), types: types ?? ids.map(() => 0), truncated };
  }

  private withSpecials(tokens: string[]): { tokens: string[]; token_type_ids?: number[] } {
    return this.tokenizer.post_processor === null ? { tokens } : this.tokenizer.post_processor(tokens, null, true);
  }
}

interface TokenizerJson {
  readonly model: Component;
  readonly normalizer: Component | null;
  readonly pre_tokenizer: Component | null;
  readonly added_tokens: readonly AddedToken[];
  readonly truncation: { readonly max_length?: unknown; readonly direction?: unknown } | null;
  readonly padding: Readonly<Record<string, unknown>> | null;
}

interface AddedToken {
  readonly content: string;
  readonly id: number;
  readonly normalized?: boolean;
  readonly single_word?: boolean;
}

/** All that is unusual about the file and would be read in another way here, at once. */
function checked(json: unknown, label: string): TokenizerJson {
  const problems: Problem[] = [];
  const refuse = (where: string, expected: string, got: string) =>
    problems.push({ code: "E_TOKENIZER", subject: label, where, expected, got });
  const file = json as TokenizerJson;
  const { type, dropout, byte_fallback: fallback } = file?.model ?? {};
  if (type !== "WordPiece" && type !== "BPE" && type !== "Unigram")
    refuse("model.type", "WordPiece, BPE or Unigram", String(type));
  if (typeof dropout === "number" && dropout > 0) refuse("model.dropout", "none: it is random", String(dropout));
  if (type === "Unigram" && fallback === true) refuse("model.byte_fallback", "false", "true");
  const added = file?.added_tokens ?? [];
  if (!Array.isArray(added)) refuse("added_tokens", "a list", typeof added);
  else
    for (const token of added as readonly AddedToken[])
      if (token.single_word === true) refuse("added_tokens", "no tokens that must be single words", token.content);
  for (const where of ["normalizer", "pre_tokenizer"] as const)
    for (const pattern of patternsIn(file?.[where])) {
      const cost = costOf(pattern);
      if (cost !== null)
        refuse(where, "a regular expression that takes no longer than a text is long", `${pattern}: ${cost}`);
    }
  if (problems.length > 0) throw new BlindspotError(problems);
  return { ...file, added_tokens: added };
}

/** All regular expressions of a component. */
function patternsIn(component: unknown): string[] {
  if (typeof component !== "object" || component === null) return [];
  return Object.entries(component).flatMap(([key, value]) =>
    key === "Regex" && typeof value === "string" ? [value] : patternsIn(value),
  );
}

/** The file as the package should read it. Its normalizer is replaced afterwards; tokens that are looked for in normalized text are normalized by ours. */
function readable(file: TokenizerJson, normalized: Normalize, label: string): object {
  const added_tokens = file.added_tokens.map((token) =>
    token.normalized === true ? { ...token, content: normalized(token.content) } : token,
  );
  const pre_tokenizer = likeRust(file.pre_tokenizer, label);
  const normalizer = { type: "Sequence", normalizers: [] };
  return { post_processor: null, ...file, added_tokens, normalizer, pre_tokenizer, decoder: null };
}

/** As the file pads; else with what transformers would: its pad token, or 0. */
function paddingOf({ padding }: TokenizerJson, settings: Component, tokenizer: Tokenizer): Padding {
  const number = (value: unknown, otherwise: number) => (typeof value === "number" ? value : otherwise);
  const token = settings["pad_token"];
  const content = typeof token === "string" ? token : (token as { content?: unknown } | undefined)?.content;
  const fromSettings = typeof content === "string" ? tokenizer.token_to_id(content) : undefined;
  const usual = tokenizer.token_to_id("[PAD]") ?? tokenizer.token_to_id("<pad>") ?? 0;
  return {
    id: number(padding?.["pad_id"], fromSettings ?? usual),
    type: number(padding?.["pad_type_id"], 0),
    side: padding?.["direction"] === "Left" || settings["padding_side"] === "left" ? "left" : "right",
    multipleOf: number(padding?.["pad_to_multiple_of"], 1),
  };
}
