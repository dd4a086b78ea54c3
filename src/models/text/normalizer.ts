import { Tokenizer } from "@huggingface/tokenizers";
import { BlindspotError } from "../../base/errors.ts";
import { charsmapNormalizer } from "./charsmap.ts";

export type Normalize = (text: string) => string;

/** A component of tokenizer.json, as parsed. */
export type Component = { readonly type?: unknown } & Readonly<Record<string, unknown>>;

/** Where the package does what the Rust library does. */
const ALIKE: readonly unknown[] = ["NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace", "Strip", "StripAccents"];

/**
 * What a tokenizer does to a text before it looks for tokens, as the Rust `tokenizers` do it: which edits reach the model depends on that. Three
 * normalizers are written here because those of the package differ: `BertNormalizer` (there, ideographs beyond U+FFFF stay joined), `Lowercase` (a Greek
 * sigma depends on its place) and `Precompiled` (the map of the file is ignored). Throws `E_TOKENIZER`.
 */
export function normalizerOf(config: Component | null | undefined, label: string): Normalize {
  if (config == null) return (text) => text;
  const { type } = config;
  if (type === "Sequence") {
    const steps = (config["normalizers"] as readonly Component[]).map((step) => normalizerOf(step, label));
    return (text) => steps.reduce((sofar, step) => step(sofar), text);
  }
  if (type === "Lowercase") return lowercase;
  if (type === "BertNormalizer") return bertNormalizer(config);
  if (type === "Precompiled" && typeof config["precompiled_charsmap"] === "string")
    return charsmapNormalizer(config["precompiled_charsmap"], label);
  if (ALIKE.includes(type)) return normalizerOfPackage(config);
  throw new BlindspotError({
    code: "E_TOKENIZER",
    subject: label,
    where: "normalizer",
    expected: `one of BertNormalizer, Lowercase, Precompiled, Sequence, ${ALIKE.join(", ")}`,
    got: String(type),
  });
}

/** The package makes normalizers as parts of a tokenizer only. */
function normalizerOfPackage(normalizer: Component): Normalize {
  const model = { type: "WordPiece", vocab: {} };
  const rest = { added_tokens: [], pre_tokenizer: null, post_processor: null, decoder: null };
  return new Tokenizer({ model, normalizer, ...rest }, {}).normalizer!;
}

/** Character by character: no sigma is final. */
const lowercase: Normalize = (text) => Array.from(text, (character) => character.toLowerCase()).join("");

/** Ranges of `_is_chinese_char` of the original BERT. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
/** Control and format characters, but those that Unicode added after version 8: the Rust library's tables end there. */
const REMOVED = /(?![\t\n\r\u0890\u0891\u08e2\u{110cd}\u{13430}-\u{1343f}])[\0\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;

function bertNormalizer(config: Component): Normalize {
  const lower = config["lowercase"] === true;
  const accents = config["strip_accents"] ?? lower;
  return (text) => {
    let result = text;
    if (config["clean_text"] === true) result = result.replace(REMOVED, "").replace(/\p{White_Space}/gu, " ");
    if (config["handle_chinese_chars"] === true) result = result.replace(IDEOGRAPH, " $& ");
    if (accents === true) result = result.normalize("NFD").replace(/\p{Mn}/gu, "");
    return lower ? lowercase(result) : result;
  };
}
