import { lettering } from "./glyphs.mjs";
import { arc, arrowHead, box, disc, polygon, regular, strokes, union } from "./shapes.mjs";

/**
 * The signs, drawn after the Vienna Convention on Road Signs and Signals (public domain). A sign is a list of painted shapes, the topmost first; the
 * last one is its outline.
 *
 * @typedef {"red" | "white" | "black" | "blue" | "yellow"} Paint
 * @typedef {{ readonly paint: Paint, readonly shape: import("./shapes.mjs").Shape }} Layer
 * @typedef {readonly Layer[]} Sign
 */

/** @param {Paint} paint @param {import("./shapes.mjs").Shape} shape @returns {Layer} */
function layer(paint, shape) {
  return { paint, shape };
}

/** A triangle of this size with its tip up (or down). @param {number} size @param {boolean} down */
function triangle(size, down) {
  const center = down ? -0.22 : 0.22;
  const turn = down ? 0.25 : -0.25;
  const corners = arc(0, center, size, size, turn, turn + 2 / 3, 2);
  return polygon(corners);
}

/** @param {string} digits @returns {Sign} */
function speedLimit(digits) {
  const narrow = digits.length === 3;
  return [
    layer("black", lettering(digits, narrow ? 0.27 : 0.4, 0.8, narrow ? 0.15 : 0.2, narrow ? 0.13 : 0.16)),
    layer("white", disc(0.76)),
    layer("red", disc(1)),
  ];
}

/** A blue disc with a white symbol. @param {import("./shapes.mjs").Shape} symbol @returns {Sign} */
function mandatory(symbol) {
  return [layer("white", symbol), layer("blue", disc(0.95)), layer("white", disc(1))];
}

/** A white triangle with a red border and a black symbol. @param {import("./shapes.mjs").Shape} symbol @returns {Sign} */
function warning(symbol) {
  return [layer("black", symbol), layer("white", triangle(0.8, false)), layer("red", triangle(1.2, false))];
}

/** An arrow that comes from below and turns; `side` -1 is to the left. @param {number} side */
function turnArrow(side) {
  const shaft = strokes(
    [
      [
        [-0.3 * side, 0.6],
        [-0.3 * side, -0.1],
        [0.25 * side, -0.1],
      ],
    ],
    0.24,
  );
  return union(shaft, arrowHead([0.72 * side, -0.1], side < 0 ? 0.5 : 0, 0.58));
}

/** Three arrows that chase each other, against the clock as in right-hand traffic. */
function roundaboutArrows() {
  const parts = [0, 1, 2].map((i) => {
    const start = i / 3 - 0.2;
    const end = start + 0.19;
    const [tip] = arc(0, 0, 0.52, 0.52, end + 0.09, end + 0.09, 1);
    return union(strokes([arc(0, 0, 0.52, 0.52, start, end, 6)], 0.19), arrowHead(tip, end + 0.285, 0.42));
  });
  const clockwise = union(...parts);
  return (/** @type {number} */ x, /** @type {number} */ y) => clockwise(-x, y);
}

function walker() {
  const head = (/** @type {number} */ x, /** @type {number} */ y) => disc(0.1)(x - 0.03, y + 0.32);
  const limbs = strokes(
    [
      [
        [0.02, -0.14],
        [0, 0.14],
        [-0.2, 0.42],
      ],
      [
        [0, 0.14],
        [0.16, 0.26],
        [0.2, 0.44],
      ],
      [
        [-0.2, 0.06],
        [0.02, -0.12],
        [0.2, 0.06],
      ],
    ],
    0.11,
  );
  const stripes = [-0.42, -0.16, 0.1, 0.36].map((x) => box(x, 0.5, x + 0.14, 0.58));
  return union(head, limbs, ...stripes);
}

/** In the order of the model's outputs. @type {Readonly<Record<string, Sign>>} */
export const SIGNS = {
  stop: [
    layer("white", lettering("STOP", 0.25, 0.62, 0.13, 0.12)),
    layer("red", regular(8, 0.98, 1 / 16)),
    layer("white", regular(8, 1.06, 1 / 16)),
  ],
  yield: [layer("white", triangle(0.72, true)), layer("red", triangle(1.2, true))],
  "no entry": [layer("white", box(-0.7, -0.17, 0.7, 0.17)), layer("red", disc(0.96)), layer("white", disc(1))],
  "priority road": [
    layer("yellow", regular(4, 0.72, 0)),
    layer("white", regular(4, 1.08, 0)),
    layer("black", regular(4, 1.15, 0)),
  ],
  "speed limit 30": speedLimit("30"),
  "speed limit 50": speedLimit("50"),
  "speed limit 60": speedLimit("60"),
  "speed limit 80": speedLimit("80"),
  "speed limit 100": speedLimit("100"),
  "speed limit 120": speedLimit("120"),
  "turn left": mandatory(turnArrow(-1)),
  "turn right": mandatory(turnArrow(1)),
  "straight ahead": mandatory(
    union(
      strokes(
        [
          [
            [0, 0.65],
            [0, -0.2],
          ],
        ],
        0.24,
      ),
      arrowHead([0, -0.72], -0.25, 0.58),
    ),
  ),
  roundabout: mandatory(roundaboutArrows()),
  "pedestrian crossing": warning(walker()),
  danger: warning(
    union(
      strokes(
        [
          [
            [0, -0.25],
            [0, 0.2],
          ],
        ],
        0.17,
      ),
      (x, y) => disc(0.11)(x, y - 0.45),
    ),
  ),
};

export const CLASSES = Object.keys(SIGNS);
