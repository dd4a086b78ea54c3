/**
 * Seeded random numbers of the renderer: sfc32 (Doty-Humphrey, PractRand). The stream of an image depends on the seed and the image's index
 * alone, so any image can be drawn without those before it.
 *
 * @typedef {() => number} Random uniform in [0, 1)
 */

/** @param {number} seed @param {number} index @returns {Random} */
export function randomOf(seed, index) {
  let a = seed | 0;
  let b = index | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  // Neighboring seeds have nothing in common after this many rounds.
  for (let round = 0; round < 16; round++) next();
  return next;
}

/** @param {Random} random @param {number} low @param {number} high */
export function between(random, low, high) {
  return low + (high - low) * random();
}

/** @template T @param {Random} random @param {readonly T[]} items @returns {T} */
export function pick(random, items) {
  return items[Math.floor(random() * items.length)];
}

/** Standard normal, by Box and Muller. @param {Random} random */
export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
