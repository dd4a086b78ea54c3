/**
 * The tokenizer of the example, as a tokenizer.json of the usual form: lower case, words and runs of punctuation, digits one by one, and WordPiece.
 *
 * @typedef {{ words: number, pieces: number, least: number }} Sizes most words, most pieces of words, least messages that a word must be in
 */

const SPECIAL = ["[PAD]", "[UNK]"];
/** Lengths of the pieces that other words are made of, beside single characters. */
const PIECE_LENGTHS = [2, 3, 4];

/** @param {string} text */
const wordsOf = (text) =>
  text
    .normalize("NFC")
    .toLowerCase()
    .match(/\p{N}|[\p{L}\p{M}_]+|[^\p{L}\p{M}\p{N}_\s]+/gu) ?? [];

/** @param {Map<string, number>} counts @param {string} key @param {number} [by] */
const count = (counts, key, by = 1) => counts.set(key, (counts.get(key) ?? 0) + by);

/** The most frequent first; equal ones in the order of their code units. @param {Map<string, number>} counts */
const ranked = (counts) => [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([key]) => key);

/** @param {readonly string[]} messages @param {Sizes} sizes @param {number} maxLength */
export function tokenizerFor(messages, sizes, maxLength) {
  const inMessages = new Map();
  for (const message of messages) for (const word of new Set(wordsOf(message))) count(inMessages, word);
  const words = ranked(new Map([...inMessages].filter(([, n]) => n >= sizes.least))).slice(0, sizes.words);
  const pieces = new Map();
  const characters = new Map();
  for (const [word, n] of inMessages) {
    const letters = Array.from(word);
    for (const letter of letters) count(characters, letter, n);
    for (const length of PIECE_LENGTHS)
      for (let at = 0; at + length <= letters.length; at++) {
        const piece = letters.slice(at, at + length).join("");
        count(pieces, at === 0 ? piece : `##${piece}`, n * length);
      }
  }
  // A character of one message only is nobody's business.
  const alphabet = ranked(new Map([...characters].filter(([, n]) => n > 1)));
  const known = new Set([...SPECIAL, ...alphabet, ...alphabet.map((letter) => `##${letter}`), ...words]);
  for (const piece of ranked(pieces)
    .filter((one) => !known.has(one))
    .slice(0, sizes.pieces))
    known.add(piece);
  return {
    version: "1.0",
    truncation: { direction: "Right", max_length: maxLength, strategy: "LongestFirst", stride: 0 },
    padding: {
      strategy: "BatchLongest",
      direction: "Right",
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: SPECIAL[0],
    },
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "Whitespace" }, { type: "Digits", individual_digits: true }],
    },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: SPECIAL[1],
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries([...known].map((token, id) => [token, id])),
    },
  };
}
