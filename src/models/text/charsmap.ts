import { BlindspotError } from "../../base/errors.ts";

/** Longer clusters are always taken apart: the limit of the Rust library (`Precompiled::normalize`). */
const LONGEST_CLUSTER_BYTES = 6;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The normalizer of SentencePiece models: a double-array trie (darts-clone) from byte sequences to places in a list of replacements. Grapheme clusters are
 * looked up whole, then character by character, as the Rust `tokenizers` do. Throws `E_TOKENIZER` on a map that is cut short.
 * @param base64 `precompiled_charsmap` of tokenizer.json: size of the trie in bytes, the trie, replacements that end with a zero each
 */
export function charsmapNormalizer(base64: string, label: string): (text: string) => string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const trieBytes = bytes.length < 4 ? Number.NaN : view.getUint32(0, true);
  if (!(trieBytes >= 4 && trieBytes % 4 === 0 && 4 + trieBytes <= bytes.length))
    throw new BlindspotError({
      code: "E_TOKENIZER",
      subject: label,
      where: "normalizer.precompiled_charsmap",
      expected: "a trie and its replacements",
      got: `${bytes.length} bytes`,
    });
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = bytes.subarray(4 + trieBytes);
  const known = new Map<string, string | null>();

  const lookUp = (part: string): string | null => {
    let found = known.get(part);
    if (found === undefined) {
      const place = firstPrefix(units, encoder.encode(part));
      found = place === null ? null : decoder.decode(replacements.subarray(place, endOf(replacements, place)));
      known.set(part, found);
    }
    return found;
  };
  const normalizeCluster = (cluster: string): string => {
    const whole = encoder.encode(cluster).length < LONGEST_CLUSTER_BYTES ? lookUp(cluster) : null;
    return whole ?? Array.from(cluster, (character) => lookUp(character) ?? character).join("");
  };
  return (text) => Array.from(segmenter.segment(text), ({ segment }) => normalizeCluster(segment)).join("");
}

/** Value of the shortest key of the trie that the bytes begin with. A unit: bits 0-7 and 31 label, 8 leaf, 9 and 10-30 offset. */
function firstPrefix(units: Uint32Array, key: Uint8Array): number | null {
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let at = offset(units[0]!);
  for (const byte of key) {
    if (byte === 0) return null;
    at ^= byte;
    const unit = units[at];
    if (unit === undefined || (unit & 0x800000ff) !== byte) return null;
    at ^= offset(unit);
    if ((unit & 0x100) !== 0) return (units[at] ?? 0) & 0x7fffffff;
  }
  return null;
}

function endOf(replacements: Uint8Array, start: number): number {
  const end = replacements.indexOf(0, start);
  return end < 0 ? replacements.length : end;
}
