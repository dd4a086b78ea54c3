import { BlindspotError } from "../../base/errors.ts";
import type { Component } from "./normalizer.ts";

/** What the Rust library counts as punctuation. */
const PUNCTUATION = "\\p{P}\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e";
/** `\w` of Rust's regular expressions (UTS #18). */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

const matching = (pattern: string): Component => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Removed",
  invert: true,
});

/**
 * The same pre-tokenizer, said so that the package does what the Rust library does: there, `Whitespace` and `Digits` know ASCII only, `Punctuation` joins
 * what should be isolated, and `Metaspace` does not split. Throws `E_TOKENIZER` for what it would read in another way.
 */
export function likeRust(config: Component | null | undefined, label: string): Component | null {
  if (config == null) return null;
  const refuse = (got: string) =>
    new BlindspotError({
      code: "E_TOKENIZER",
      subject: label,
      where: "pre_tokenizer",
      expected: "a way of splitting that is read here as the Rust library reads it",
      got,
      hint: "Ask the model through an endpoint or a program (docs/endpoints.md): its own tokenizer is used then.",
    });
  const behavior = String(config["behavior"] ?? "Isolated");
  switch (config.type) {
    case "Sequence":
      return {
        ...config,
        pretokenizers: (config["pretokenizers"] as readonly Component[]).map((one) => likeRust(one, label)),
      };
    case "Whitespace":
      return matching(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`);
    case "WhitespaceSplit":
      return matching("[^\\p{White_Space}]+");
    case "Digits":
      return matching(config["individual_digits"] === true ? "[^\\p{N}]+|\\p{N}" : "[^\\p{N}]+|\\p{N}+");
    case "Punctuation":
      if (behavior !== "Isolated" && behavior !== "Contiguous") throw refuse(`Punctuation that is ${behavior}`);
      return matching(`[^${PUNCTUATION}]+|[${PUNCTUATION}]${behavior === "Isolated" ? "" : "+"}`);
    case "Metaspace": {
      const mark = String(config["replacement"] ?? "\u2581");
      if (config["split"] === false) return config;
      return { type: "Sequence", pretokenizers: [config, matching(`${mark}[^${mark}]*|[^${mark}]+`)] };
    }
    case "Split":
      if (behavior.startsWith("MergedWith") || behavior === "Contiguous") throw refuse(`Split that is ${behavior}`);
      return config;
    case "BertPreTokenizer":
    case "ByteLevel":
      return config;
    default:
      throw refuse(String(config.type));
  }
}
