/**
 * Counter-based random numbers: Threefry-2x32, 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A stream is named by its key alone, so the same seed gives the same bits in any order of work and on any number of workers.
 */
const PARITY = 0x1bd11bda;

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** One block: 64 bits of key and 64 bits of counter to 64 random bits, as two unsigned 32-bit integers. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  encrypt(key0, key1, counter0, counter1);
  return [BLOCK[0]!, BLOCK[1]!];
}

/** The last block, read at once: millions of them are drawn for random starts, and an array for each would be garbage. */
const BLOCK = new Uint32Array(2);

/** Five groups of four rounds, each followed by two of the three keys, counted around. Written out: a loop over them takes three times as long. */
function encrypt(key0: number, key1: number, counter0: number, counter1: number): void {
  const key2 = key0 ^ key1 ^ PARITY;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 13) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 15) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 26) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 6) ^ x0;
  x0 = (x0 + key1) | 0;
  x1 = (x1 + key2 + 1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 17) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 29) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 16) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 24) ^ x0;
  x0 = (x0 + key2) | 0;
  x1 = (x1 + key0 + 2) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 13) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 15) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 26) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 6) ^ x0;
  x0 = (x0 + key0) | 0;
  x1 = (x1 + key1 + 3) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 17) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 29) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 16) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 24) ^ x0;
  x0 = (x0 + key1) | 0;
  x1 = (x1 + key2 + 4) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 13) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 15) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 26) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotateLeft(x1, 6) ^ x0;
  x0 = (x0 + key2) | 0;
  x1 = (x1 + key0 + 5) | 0;
  BLOCK[0] = x0;
  BLOCK[1] = x1;
}

/** FNV-1a, only to turn a label into a key word. */
function hashLabel(label: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A stream of random numbers. `fold` names a sub-stream; it does not advance this one. */
export class Rng {
  private counter = 0;
  private spare = 0;
  private hasSpare = false;
  private spareNormal: number | undefined;
  private readonly key0: number;
  private readonly key1: number;

  private constructor(key0: number, key1: number) {
    this.key0 = key0;
    this.key1 = key1;
  }

  static of(seed: number): Rng {
    return new Rng(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0);
  }

  /** An independent stream named by this one and the label: `rng.fold("square").fold(sampleIndex)`. */
  fold(label: string | number): Rng {
    const word = typeof label === "number" ? label >>> 0 : hashLabel(label);
    const [key0, key1] = threefry2x32(this.key0, this.key1, word, typeof label === "number" ? 1 : 2);
    return new Rng(key0, key1);
  }

  uint32(): number {
    this.hasSpare = !this.hasSpare;
    if (!this.hasSpare) return this.spare;
    encrypt(this.key0, this.key1, this.counter >>> 0, Math.floor(this.counter / 2 ** 32));
    this.counter++;
    this.spare = BLOCK[1]!;
    return BLOCK[0]!;
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** The numbers of `out.length` calls of `uniform`, in two thirds of the time. */
  fillUniform(out: Float64Array): void {
    let next = 0;
    if (this.hasSpare && out.length > 0) out[next++] = this.uniform();
    for (; next + 1 < out.length; next += 2) {
      encrypt(this.key0, this.key1, this.counter >>> 0, Math.floor(this.counter / 2 ** 32));
      this.counter++;
      out[next] = BLOCK[0]! / 2 ** 32;
      out[next + 1] = BLOCK[1]! / 2 ** 32;
    }
    if (next < out.length) out[next] = this.uniform();
  }

  /**
   * Fills with uniform noise in [-1, 1], in a tenth of the time of `uniform`: Doty-Humphrey's sfc32 (PractRand), started by this stream's name. For
   * noise by the hundred thousand, whose one use is to be different each time. Two calls on one stream give the same.
   */
  fillNoise(out: Float32Array): void {
    encrypt(this.key0, this.key1, 0, 3);
    let [a, b] = [BLOCK[0]! | 0, BLOCK[1]! | 0];
    encrypt(this.key0, this.key1, 1, 3);
    let c = BLOCK[0]! | 0;
    let counter = 1;
    const warmUp = 12;
    for (let i = -warmUp; i < out.length; i++) {
      const word = (a + b + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (rotateLeft(c, 21) + word) | 0;
      if (i >= 0) out[i] = word / 2 ** 31;
    }
  }

  /** Uniform integer in 0..n-1, n at most 2^32. */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** -1 or 1. */
  sign(): number {
    return this.uint32() & 1 ? 1 : -1;
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    if (this.spareNormal !== undefined) {
      const value = this.spareNormal;
      this.spareNormal = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** The items in a random order (Fisher and Yates); the argument is left as it is. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }
}
