/**
 * Plane shapes in the coordinates of a sign: the sign fills -1..1, x to the right, y down.
 *
 * @typedef {(x: number, y: number) => boolean} Shape whether a point lies inside
 * @typedef {readonly [number, number]} Point
 * @typedef {readonly Point[]} Line
 */

/** @param {number} radius @returns {Shape} */
export function disc(radius) {
  return (x, y) => x * x + y * y <= radius * radius;
}

/** @param {number} left @param {number} top @param {number} right @param {number} bottom @returns {Shape} */
export function box(left, top, right, bottom) {
  return (x, y) => x >= left && x <= right && y >= top && y <= bottom;
}

/** A convex polygon, its corners in clockwise order on the screen. @param {Line} corners @returns {Shape} */
export function polygon(corners) {
  const edges = corners.map(([x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return [x, y, nextX - x, nextY - y];
  });
  return (px, py) => edges.every(([x, y, dx, dy]) => dx * (py - y) - dy * (px - x) >= 0);
}

/** A regular polygon around the origin; the first corner at `turn` (in full turns, 0 is to the right, clockwise). @param {number} corners @param {number} radius @param {number} turn */
export function regular(corners, radius, turn) {
  return polygon(arc(0, 0, radius, radius, turn, turn + 1 - 1 / corners, corners - 1));
}

/** Points on an arc of an ellipse. Angles in full turns, clockwise from the right. @returns {Line} */
export function arc(
  /** @type {number} */ x,
  /** @type {number} */ y,
  /** @type {number} */ radiusX,
  /** @type {number} */ radiusY,
  /** @type {number} */ from,
  /** @type {number} */ to,
  /** @type {number} */ pieces = 8,
) {
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / pieces);
    return /** @type {const} */ ([x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)]);
  });
}

/** Lines of one width with round ends. @param {readonly Line[]} lines @param {number} width @returns {Shape} */
export function strokes(lines, width) {
  const reach = width / 2;
  const segments = lines.flatMap((line) =>
    line.slice(1).map((end, i) => [...line[i], end[0] - line[i][0], end[1] - line[i][1]]),
  );
  const all = lines.flat();
  const around = box(
    Math.min(...all.map(([x]) => x)) - reach,
    Math.min(...all.map(([, y]) => y)) - reach,
    Math.max(...all.map(([x]) => x)) + reach,
    Math.max(...all.map(([, y]) => y)) + reach,
  );
  return (px, py) => around(px, py) && segments.some(([x, y, dx, dy]) => nearSegment(px - x, py - y, dx, dy, reach));
}

/** @param {number} x @param {number} y @param {number} dx @param {number} dy @param {number} reach */
function nearSegment(x, y, dx, dy, reach) {
  const length2 = dx * dx + dy * dy;
  const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, (x * dx + y * dy) / length2));
  const restX = x - t * dx;
  const restY = y - t * dy;
  return restX * restX + restY * restY <= reach * reach;
}

/** The head of an arrow: its tip, the direction it points to (full turns, clockwise from the right), and its size. */
export function arrowHead(/** @type {Point} */ [x, y], /** @type {number} */ turn, /** @type {number} */ size) {
  const corner = (/** @type {number} */ offset) => {
    const angle = 2 * Math.PI * (turn + 0.5 + offset);
    return /** @type {const} */ ([x + size * Math.cos(angle), y + size * Math.sin(angle)]);
  };
  return polygon([[x, y], corner(-0.115), corner(0.115)]);
}

/** @param {readonly Shape[]} shapes @returns {Shape} */
export function union(...shapes) {
  return (x, y) => shapes.some((shape) => shape(x, y));
}
