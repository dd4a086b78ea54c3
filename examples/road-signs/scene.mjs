import { between, normal, pick } from "./random.mjs";
import { SIGNS } from "./signs.mjs";

/**
 * What stands in front of the camera: background, post, sign, and things in front of the sign.
 *
 * @typedef {import("./random.mjs").Random} Random
 * @typedef {[number, number, number]} Color red, green, blue: reflected light, 0..1, linear
 * @typedef {(x: number, y: number) => Color | null} Surface in pixels of the image; null: nothing there
 */

/** No sign reaches further from its center. */
const REACH = 1.5;

/** New paint, in linear light. @type {Readonly<Record<import("./signs.mjs").Paint, Color>>} */
const PAINTS = {
  red: [0.5, 0.02, 0.03],
  white: [0.85, 0.85, 0.82],
  black: [0.02, 0.02, 0.02],
  blue: [0.02, 0.09, 0.42],
  yellow: [0.85, 0.5, 0.02],
};

/** @param {Color} a @param {Color} b @param {number} share of b @returns {Color} */
export function mix(a, b, share) {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** @param {Color} color @param {number} factor @returns {Color} */
function scaled(color, factor) {
  return [color[0] * factor, color[1] * factor, color[2] * factor];
}

/** Smooth noise in 0..1: random values at the points of a lattice, blended (value noise). @param {Random} random @param {number} cell in pixels */
export function smoothNoise(random, cell) {
  const side = 8;
  const values = Array.from({ length: side * side }, random);
  const at = (/** @type {number} */ x, /** @type {number} */ y) => values[(y & (side - 1)) * side + (x & (side - 1))];
  const ease = (/** @type {number} */ t) => t * t * (3 - 2 * t);
  return (/** @type {number} */ x, /** @type {number} */ y) => {
    const column = Math.floor(x / cell);
    const row = Math.floor(y / cell);
    const right = ease(x / cell - column);
    const down = ease(y / cell - row);
    const top = at(column, row) * (1 - right) + at(column + 1, row) * right;
    const bottom = at(column, row + 1) * (1 - right) + at(column + 1, row + 1) * right;
    return top * (1 - down) + bottom * down;
  };
}

/**
 * The way from pixels to coordinates on the sign: the inverse of a pinhole camera's view of a turned plane.
 * @param {{ x: number, y: number, radius: number, yaw: number, pitch: number, roll: number, distance: number }} pose center and radius in
 *   pixels, angles in radians, distance in radii of the sign
 * @returns {(x: number, y: number) => readonly [number, number]}
 */
export function signCoordinates({ x, y, radius, yaw, pitch, roll, distance }) {
  const [cosY, sinY, cosP, sinP] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const [cosR, sinR] = [Math.cos(roll), Math.sin(roll)];
  // Columns of R = Ry(yaw) Rx(pitch) Rz(roll): where the sign's axes point to.
  const [ax, ay, az] = [cosY * cosR + sinY * sinP * sinR, cosP * sinR, -sinY * cosR + cosY * sinP * sinR];
  const [bx, by, bz] = [-cosY * sinR + sinY * sinP * cosR, cosP * cosR, sinY * sinR + cosY * sinP * cosR];
  return (px, py) => {
    // distance (u a + v b).xy = ((u a + v b).z + distance) q with q the pixel relative to the center: two linear equations in u, v.
    const qx = (px - x) / radius;
    const qy = (py - y) / radius;
    const [a, b, c, d] = [
      distance * ax - qx * az,
      distance * bx - qx * bz,
      distance * ay - qy * az,
      distance * by - qy * bz,
    ];
    const determinant = a * d - b * c;
    return [((qx * d - qy * b) * distance) / determinant, ((qy * a - qx * c) * distance) / determinant];
  };
}

/**
 * @param {Random} random @param {string} name of the sign @param {number} size of the image @returns {{ surfaces: Surface[], center: readonly [number, number], radius: number }}
 *   the nearest first; the last one is everywhere
 */
export function makeScene(random, name, size) {
  const radius = size * between(random, 0.33, 0.48);
  const center = /** @type {const} */ ([size * (0.5 + 0.06 * normal(random)), size * (0.5 + 0.06 * normal(random))]);
  const pose = {
    x: center[0],
    y: center[1],
    radius,
    yaw: 0.4 * normal(random),
    pitch: 0.22 * normal(random),
    roll: 0.12 * normal(random),
    distance: between(random, 3, 8),
  };
  return {
    surfaces: [
      ...occluders(random, center, radius),
      signSurface(random, name, signCoordinates(clampAngles(pose))),
      ...surroundings(random, center, radius),
      background(random, size),
    ],
    center,
    radius,
  };
}

/** A sign seen from further aside than this shows nothing. @param {Parameters<typeof signCoordinates>[0]} pose */
function clampAngles(pose) {
  const clamp = (/** @type {number} */ angle) => Math.max(-0.95, Math.min(0.95, angle));
  return { ...pose, yaw: clamp(pose.yaw), pitch: clamp(pose.pitch) };
}

/** Painted metal, faded and dirty. @param {Random} random @param {string} name @param {ReturnType<typeof signCoordinates>} coordinates @returns {Surface} */
function signSurface(random, name, coordinates) {
  const layers = SIGNS[name];
  const fading = 0.4 * random() ** 2;
  const dirt = 0.5 * random() ** 2;
  const spots = smoothNoise(random, 0.45);
  const age = /** @type {Color} */ ([0.42, 0.4, 0.37]);
  const paints = Object.fromEntries(
    Object.entries(PAINTS).map(([paint, color]) => [paint, mix(color, age, fading * between(random, 0.7, 1))]),
  );
  return (px, py) => {
    const [u, v] = coordinates(px, py);
    if (u * u + v * v > REACH ** 2) return null;
    const layer = layers.find(({ shape }) => shape(u, v));
    if (layer === undefined) return null;
    return scaled(paints[layer.paint], 1 - dirt * spots(u + 4, v + 4) ** 2);
  };
}

/** Leaves, branches, stickers, snow. @param {Random} random @param {readonly [number, number]} center @param {number} radius @returns {Surface[]} */
function occluders(random, [centerX, centerY], radius) {
  const count = random() < 0.5 ? 0 : 1 + Math.floor(2.5 * random());
  return Array.from({ length: count }, () => {
    const turn = 2 * Math.PI * random();
    const away = radius * between(random, 0.5, 1.1);
    const [x, y] = [centerX + away * Math.cos(turn), centerY + away * Math.sin(turn)];
    const long = radius * between(random, 0.12, 0.34);
    const thin = long * between(random, 0.3, 0.9);
    const tilt = Math.PI * random();
    const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
    const color = pick(
      random,
      /** @type {Color[]} */ ([
        [0.05, 0.12, 0.03],
        [0.1, 0.07, 0.04],
        [0.7, 0.72, 0.75],
        [0.35, 0.3, 0.1],
        [0.4, 0.1, 0.25],
      ]),
    );
    return (px, py) => {
      const along = ((px - x) * cos + (py - y) * sin) / long;
      const across = ((py - y) * cos - (px - x) * sin) / thin;
      return along * along + across * across < 1 ? color : null;
    };
  });
}

/** The post, and often a second plate above or below. @param {Random} random @param {readonly [number, number]} center @param {number} radius @returns {Surface[]} */
function surroundings(random, [centerX, centerY], radius) {
  const post = /** @type {Color} */ (scaled([0.3, 0.31, 0.32], between(random, 0.3, 1.5)));
  const half = radius * between(random, 0.05, 0.12);
  const offset = radius * 0.05 * normal(random);
  const surfaces = [
    /** @type {Surface} */ ((px, py) => (py > centerY && Math.abs(px - centerX - offset) < half ? post : null)),
  ];
  if (random() < 0.5) {
    const color = randomPaint(random);
    const top = centerY + radius * (random() < 0.6 ? between(random, 0.95, 1.2) : between(random, -2.4, -1.9));
    const [width, height] = [radius * between(random, 0.5, 1.1), radius * between(random, 0.4, 1)];
    surfaces.unshift((px, py) => (Math.abs(px - centerX) < width && py > top && py < top + height ? color : null));
  }
  return surfaces;
}

/** @param {Random} random @returns {Color} */
function randomPaint(random) {
  return mix(
    PAINTS[pick(random, /** @type {const} */ (["red", "white", "blue", "yellow", "black"]))],
    [0.4, 0.4, 0.4],
    random(),
  );
}

/** Sky over ground with trees and walls, both rough. @param {Random} random @param {number} size @returns {Surface} */
function background(random, size) {
  const sky = mix([0.25, 0.42, 0.75], [0.75, 0.78, 0.8], random());
  const ground = mix([0.06, 0.12, 0.04], [0.25, 0.24, 0.23], random());
  const horizon = size * between(random, -0.3, 1.3);
  const slope = 0.3 * normal(random);
  const coarse = smoothNoise(random, size * between(random, 0.12, 0.4));
  const fine = smoothNoise(random, size * between(random, 0.04, 0.1));
  const roughness = between(random, 0.2, 1.4);
  const blocks = Array.from({ length: Math.floor(6 * random()) }, () => ({
    left: size * between(random, -0.3, 1),
    top: size * between(random, -0.2, 1),
    width: size * between(random, 0.1, 0.6),
    height: size * between(random, 0.1, 0.6),
    color: random() < 0.5 ? randomPaint(random) : /** @type {Color} */ ([random(), random(), random()]),
  }));
  return (px, py) => {
    const rough = 1 + roughness * (0.65 * coarse(px, py) + 0.35 * fine(px, py) - 0.5);
    const block = blocks.find(
      ({ left, top, width, height }) => px > left && px < left + width && py > top && py < top + height,
    );
    const edge = horizon + slope * (px - size / 2) + size * 0.2 * (coarse(px, 0) - 0.5);
    return scaled(block?.color ?? (py < edge ? sky : ground), Math.max(0, rough));
  };
}
