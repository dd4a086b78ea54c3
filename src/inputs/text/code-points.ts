import { BlindspotError } from "../../base/errors.ts";

/**
 * A text as a point of attack space: one coordinate for each Unicode code point, k / 0x110000, then zeros up to the size that all texts of a data
 * set share. float32 holds each of these exactly enough to give k back. U+0000 marks the end, so no text may contain it.
 */
const CODE_POINTS = 0x110000;

/** Throws on a lone surrogate (no valid text), on U+0000, and where the text has more code points than `size`. */
export function textPoint(text: string, size: number): Float32Array {
  const point = new Float32Array(size);
  writeText(text, point);
  return point;
}

/** The same into a point that is all zeros. */
export function writeText(text: string, point: Float32Array): void {
  const size = point.length;
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code === 0 || (code >= 0xd800 && code <= 0xdfff))
      throw new BlindspotError({
        code: "E_INPUT_VALUE",
        subject: "text input",
        where: `code point ${length}`,
        expected: "valid Unicode text without U+0000",
        got: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`,
      });
    if (length < size) point[length] = code / CODE_POINTS;
    length++;
  }
  if (length > size)
    throw new BlindspotError({
      code: "E_INPUT_VALUE",
      subject: "text input",
      expected: `at most ${size} code points`,
      got: String(length),
    });
}

/** The text of a point, up to its first zero. Exact for what `textPoint` gave. */
export function textOf(point: Float32Array): string {
  const codes: number[] = [];
  for (const value of point) {
    const code = Math.round(value * CODE_POINTS);
    if (code === 0) break;
    codes.push(code);
  }
  // In pieces: a call takes only so many arguments.
  let text = "";
  for (let at = 0; at < codes.length; at += 4096) text += String.fromCodePoint(...codes.slice(at, at + 4096));
  return text;
}
