import { BlindspotError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";

/** How images are varied each time that they are trained on. */
export interface Augmentation {
  /** Moved by up to so many pixels along both axes, the border repeated. */
  readonly shift?: number;
  /** Mirrored left to right, half of the time. */
  readonly flip?: boolean;
}

/** Reads `shift=2,flip`. Throws E_AUGMENT. */
export function parseAugmentation(text: string): Augmentation {
  const result: { shift?: number; flip?: boolean } = {};
  for (const part of text.split(",").map((piece) => piece.trim())) {
    const shift = /^shift=([1-9]\d*)$/.exec(part);
    if (shift !== null) result.shift = Number(shift[1]);
    else if (part === "flip") result.flip = true;
    else
      throw new BlindspotError({
        code: "E_AUGMENT",
        subject: `--augment ${text}`,
        expected: "shift=PIXELS, flip, or both joined by a comma",
        got: `'${part}'`,
      });
  }
  return result;
}

/** Varies one image [height, width, channels] in place. */
export function augment(
  image: Float32Array,
  dims: readonly number[],
  { shift = 0, flip = false }: Augmentation,
  rng: Rng,
): void {
  const [height = 0, width = 0, channels = 0] = dims;
  const offset = () => rng.integer(2 * shift + 1) - shift;
  const [dx, dy] = [offset(), offset()];
  const mirror = flip && rng.sign() > 0;
  const inside = (value: number, size: number) => Math.max(0, Math.min(size - 1, value));
  const source = image.slice();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const column = inside(x + dx, width);
      const from = (inside(y + dy, height) * width + (mirror ? width - 1 - column : column)) * channels;
      for (let c = 0; c < channels; c++) image[(y * width + x) * channels + c] = source[from + c]!;
    }
}
