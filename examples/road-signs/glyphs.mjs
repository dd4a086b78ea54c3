import { arc, strokes } from "./shapes.mjs";

/**
 * Letters and digits as strokes, since fonts differ between machines. Each lies in a box 1 wide and 2 high, its left upper corner at the origin.
 *
 * @typedef {import("./shapes.mjs").Line} Line
 * @type {Readonly<Record<string, readonly Line[]>>}
 */
const GLYPHS = {
  0: [arc(0.5, 1, 0.5, 1, 0, 1, 14)],
  1: [
    [
      [0.15, 0.4],
      [0.6, 0],
      [0.6, 2],
    ],
  ],
  2: [[...arc(0.5, 0.52, 0.48, 0.52, -0.48, 0.08, 8), [0, 2], [1, 2]]],
  3: [[[0.02, 0], [0.95, 0], [0.42, 0.78], ...arc(0.42, 1.38, 0.56, 0.62, -0.2, 0.4, 9)]],
  5: [[[0.92, 0], [0.14, 0], [0.06, 0.88], ...arc(0.45, 1.34, 0.53, 0.66, -0.32, 0.38, 10)]],
  6: [[[0.85, 0], [0.3, 0.62], ...arc(0.5, 1.38, 0.5, 0.62, -0.4, 0.6, 12)]],
  8: [arc(0.5, 0.49, 0.43, 0.49, 0, 1, 11), arc(0.5, 1.47, 0.5, 0.53, 0, 1, 12)],
  S: [[...arc(0.5, 0.5, 0.46, 0.5, -0.08, -0.72, 9), ...arc(0.5, 1.49, 0.48, 0.51, -0.2, 0.46, 9)]],
  T: [
    [
      [0, 0],
      [1, 0],
    ],
    [
      [0.5, 0],
      [0.5, 2],
    ],
  ],
  O: [arc(0.5, 1, 0.5, 1, 0, 1, 14)],
  P: [[[0.05, 2], [0.05, 0], [0.5, 0], ...arc(0.5, 0.53, 0.45, 0.53, -0.25, 0.25, 6), [0.05, 1.06]]],
};

/**
 * Text centered on the origin. `height` and `width` are those of one glyph, `weight` is that of the strokes.
 * @param {string} text @param {number} width @param {number} height @param {number} gap @param {number} weight
 */
export function lettering(text, width, height, gap, weight) {
  const total = text.length * width + (text.length - 1) * gap;
  const lines = [...text].flatMap((character, i) => {
    const left = -total / 2 + i * (width + gap);
    return GLYPHS[character].map((line) =>
      line.map(([x, y]) => /** @type {const} */ ([left + x * width, -height / 2 + (y * height) / 2])),
    );
  });
  return strokes(lines, weight);
}
