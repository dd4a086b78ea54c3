import { type ColorDifference, colorDifference } from "./color-difference.ts";
import { type Image, requireImages } from "./image.ts";
import { type ImageLocation, locate } from "./location.ts";
import { ssim } from "./ssim.ts";

/** What can be said of two images beyond what holds for any two arrays of numbers. */
export interface ImageChange {
  readonly location: ImageLocation;
  /** Pixels of which any channel changed at all. */
  readonly pixels: number;
  readonly ssim: number;
  /** RGB images only. */
  readonly ciede2000?: ColorDifference;
}

/** How an image was changed from x0 to x, both [height, width, channels] in 0..1. Throws `E_INPUT_SHAPE`. */
export function imageChange(x: Image, x0: Image, dims: readonly number[]): ImageChange {
  const channels = requireImages(dims, x, x0)[2];
  return {
    location: locate(x, x0, dims),
    pixels: changedPixels(x, x0, channels),
    ssim: ssim(x, x0, dims),
    ...(channels === 3 ? { ciede2000: colorDifference(x, x0, dims) } : {}),
  };
}

function changedPixels(x: Image, x0: Image, channels: number): number {
  let pixels = 0;
  for (let start = 0; start < x.length; start += channels) {
    let channel = 0;
    while (channel < channels && x[start + channel] === x0[start + channel]) channel++;
    if (channel < channels) pixels++;
  }
  return pixels;
}
