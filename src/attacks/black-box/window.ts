import type { Rng } from "../../base/rng.ts";

/** [height, width, channels] of an image; null for a vector. */
export interface ImageDims {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export function imageDims(dims: readonly number[]): ImageDims | null {
  if (dims.length !== 3) return null;
  return { height: dims[0]!, width: dims[1]!, channels: dims[2]! };
}

/** A square of pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

/** Uniform among all squares of this side that fit, those at the last row and column included. */
export function randomWindow({ height, width }: ImageDims, side: number, rng: Rng): Window {
  return { top: rng.integer(height - side + 1), left: rng.integer(width - side + 1), side };
}

/** Calls `visit` with the coordinate (height-width-channel order) of each pixel of one channel, row by row, and its place in the square. */
export function eachCoordinate(
  image: ImageDims,
  window: Window,
  channel: number,
  visit: (coordinate: number, place: number) => void,
): void {
  const { top, left, side } = window;
  for (let row = 0; row < side; row++) {
    let coordinate = ((top + row) * image.width + left) * image.channels + channel;
    for (let column = 0; column < side; column++, coordinate += image.channels) visit(coordinate, row * side + column);
  }
}

/** `count` different indices below `size`, by Floyd's algorithm. */
export function randomSubset(size: number, count: number, rng: Rng): number[] {
  const chosen = new Set<number>();
  for (let top = size - count; top < size; top++) {
    const index = rng.integer(top + 1);
    chosen.add(chosen.has(index) ? top : index);
  }
  return [...chosen];
}
