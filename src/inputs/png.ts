import { decode, encode } from "fast-png";
import { BlindspotError } from "../base/errors.ts";
import type { ImageEncoder, Pixels } from "./image-codec.ts";

/** Larger images are refused before they are decoded: a few bytes can unpack to gigabytes. */
const MAX_PIXELS = 2 ** 26;
/** Signature, length, `IHDR`, width, height, depth, kind of color. */
const HEADER_BYTES = 26;
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GRAY = 0;
const RGB = 2;

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

function refuse(expected: string, got: string, cause?: unknown): BlindspotError {
  return new BlindspotError({ code: "E_IMAGE_FORMAT", subject: "PNG image", expected, got }, { cause });
}

function requirePlain(bytes: Uint8Array): void {
  if (!isPng(bytes) || bytes.length < HEADER_BYTES) throw refuse("a PNG file", `${bytes.length} other bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width * height > MAX_PIXELS) throw refuse(`at most ${MAX_PIXELS} pixels`, `${width}x${height}`);
  const [depth, kind] = [bytes[24], bytes[25]];
  if (depth !== 8 || (kind !== GRAY && kind !== RGB))
    throw refuse("8-bit gray or RGB", `${depth} bits, color type ${kind}`);
}

/**
 * PNG in plain JavaScript, gray or RGB of 8 bits, as runs store their inputs: it runs in a browser too, and the same pixels are the same
 * bytes on every machine.
 */
export const plainPng: ImageEncoder = {
  async encode({ data, width, height, channels }: Pixels) {
    return new Uint8Array(encode({ data, width, height, channels, depth: 8 }));
  },
  async decode(bytes) {
    requirePlain(bytes);
    try {
      const { data, width, height, channels } = decode(bytes, { checkCrc: true });
      return { data: new Uint8Array(data), width, height, channels };
    } catch (error) {
      throw refuse("a whole PNG file", (error as Error).message, error);
    }
  },
};
