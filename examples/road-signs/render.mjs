import { between, normal, randomOf } from "./random.mjs";
import { makeScene, mix } from "./scene.mjs";
import { CLASSES } from "./signs.mjs";

/** Height and width of an image; three channels. */
export const SIZE = 32;
/** Rays per pixel and axis. */
const RAYS = 3;

/**
 * Photographs one sign: scene, light, lens, sensor. The same seed and index always give the same image.
 *
 * @param {number} seed @param {number} index of the image @param {number} label index into CLASSES
 * @returns {Uint8Array} SIZE x SIZE x 3 levels, height-width-channel order
 */
export function renderSign(seed, index, label) {
  const random = randomOf(seed, index);
  const { surfaces, center, radius } = makeScene(random, CLASSES[label], SIZE);
  const light = lighting(random, center, radius);
  const lens = blurKernel(random);
  const exposed = expose(random, convolve(project(surfaces, light), lens));
  return Uint8Array.from(exposed, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
}

/** Mean light that reaches each pixel. @param {import("./scene.mjs").Surface[]} surfaces @param {(x: number, y: number) => number[]} light */
function project(surfaces, light) {
  const image = new Float64Array(SIZE * SIZE * 3);
  for (let row = 0; row < SIZE; row++)
    for (let column = 0; column < SIZE; column++) {
      const sum = [0, 0, 0];
      for (let ray = 0; ray < RAYS * RAYS; ray++) {
        const x = column + ((ray % RAYS) + 0.5) / RAYS;
        const y = row + (Math.floor(ray / RAYS) + 0.5) / RAYS;
        const color = firstHit(surfaces, x, y);
        for (let channel = 0; channel < 3; channel++) sum[channel] += color[channel];
      }
      const power = light(column + 0.5, row + 0.5);
      for (let channel = 0; channel < 3; channel++)
        image[(row * SIZE + column) * 3 + channel] = (sum[channel] / RAYS ** 2) * power[channel];
    }
  return image;
}

/** @param {import("./scene.mjs").Surface[]} surfaces @param {number} x @param {number} y @returns {import("./scene.mjs").Color} */
function firstHit(surfaces, x, y) {
  for (const surface of surfaces) {
    const color = surface(x, y);
    if (color !== null) return color;
  }
  return [0, 0, 0];
}

/** Color and strength of the light: dusk to noon, stronger on one side, often with the edge of a shadow. */
function lighting(
  /** @type {import("./random.mjs").Random} */ random,
  /** @type {readonly [number, number]} */ [centerX, centerY],
  /** @type {number} */ radius,
) {
  const warmth = 0.2 * normal(random);
  const tint = [1 + 0.5 * warmth, 1, 1 - 0.5 * warmth].map((value) => Math.max(0.3, value));
  const strength = between(random, 0.32, 1.3);
  const turn = 2 * Math.PI * random();
  const slope = between(random, 0, 0.5);
  const shadow = random() < 0.4 ? between(random, 0.25, 0.7) : 1;
  const shadowTurn = 2 * Math.PI * random();
  const shadowEdge = radius * between(random, -0.7, 0.7);
  return (/** @type {number} */ x, /** @type {number} */ y) => {
    const [dx, dy] = [x - centerX, y - centerY];
    const side = (dx * Math.cos(turn) + dy * Math.sin(turn)) / SIZE;
    const depth = dx * Math.cos(shadowTurn) + dy * Math.sin(shadowTurn) - shadowEdge;
    // A penumbra two pixels wide.
    const shade = shadow + (1 - shadow) / (1 + Math.exp(-2 * depth));
    return tint.map((value) => value * strength * shade * Math.max(0.1, 1 + 2 * slope * side));
  };
}

/** Taps of a lens out of focus, or of a moving camera. @param {import("./random.mjs").Random} random @returns {{ dx: number, dy: number, weight: number }[]} */
function blurKernel(random) {
  const sigma = between(random, 0.3, 0.7);
  const motion = random() < 0.3 ? between(random, 0.4, 1) : 0;
  const turn = Math.PI * random();
  const reach = 3;
  const taps = [];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const along = dx * Math.cos(turn) + dy * Math.sin(turn);
      const across = dy * Math.cos(turn) - dx * Math.sin(turn);
      const weight = Math.exp(-(along ** 2) / (2 * (sigma ** 2 + motion ** 2)) - across ** 2 / (2 * sigma ** 2));
      if (weight > 1e-3) taps.push({ dx, dy, weight });
    }
  const total = taps.reduce((sum, { weight }) => sum + weight, 0);
  return taps.map((tap) => ({ ...tap, weight: tap.weight / total }));
}

/** @param {Float64Array} image @param {ReturnType<typeof blurKernel>} taps */
function convolve(image, taps) {
  const inside = (/** @type {number} */ value) => Math.max(0, Math.min(SIZE - 1, value));
  const result = new Float64Array(image.length);
  for (let row = 0; row < SIZE; row++)
    for (let column = 0; column < SIZE; column++)
      for (const { dx, dy, weight } of taps) {
        const from = (inside(row + dy) * SIZE + inside(column + dx)) * 3;
        const to = (row * SIZE + column) * 3;
        for (let channel = 0; channel < 3; channel++) result[to + channel] += weight * image[from + channel];
      }
  return result;
}

/** Haze, exposure, gamma and the noise of the sensor. @param {import("./random.mjs").Random} random @param {Float64Array} image */
function expose(random, image) {
  const haze = 0.3 * random() ** 2;
  const brightness = between(random, 0.1, 0.7);
  const fog = /** @type {import("./scene.mjs").Color} */ ([0.9 * brightness, 0.95 * brightness, brightness]);
  const gamma = between(random, 1.6, 2.4);
  const noise = between(random, 0.004, 0.02);
  const result = new Float64Array(image.length);
  for (let pixel = 0; pixel < image.length; pixel += 3) {
    const color = mix([image[pixel], image[pixel + 1], image[pixel + 2]], fog, haze);
    for (let channel = 0; channel < 3; channel++)
      result[pixel + channel] = Math.max(0, color[channel]) ** (1 / gamma) + noise * normal(random);
  }
  return result;
}

/**
 * A balanced set: image i shows class i modulo the number of classes.
 * @param {number} seed @param {number} count @param {number} from first index
 */
export function renderSet(seed, count, from = 0) {
  const images = new Uint8Array(count * SIZE * SIZE * 3);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = (from + i) % CLASSES.length;
    images.set(renderSign(seed, from + i, labels[i]), i * SIZE * SIZE * 3);
  }
  return { images, labels };
}
