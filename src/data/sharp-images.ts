import sharp, { type Sharp } from "sharp";
import type { ImageEncoder, Pixels } from "../inputs/image-codec.ts";
import { dataError } from "./problems.ts";

/** Larger images are refused before they are decoded. */
const MAX_PIXELS = 2 ** 26;
/** The pixels as stored: no color profile is applied, since training code in other languages applies none. */
const OPTIONS = { limitInputPixels: MAX_PIXELS, failOn: "truncated", ignoreIcc: true } as const;

/** Height, width and channels (1 or 3; alpha is not counted) from the header alone. */
export async function imageSize(bytes: Uint8Array, subject = "image"): Promise<readonly [number, number, number]> {
  const { width, height, space, depth, pages } = await open(bytes, subject, (image) => image.metadata());
  if (depth !== "uchar" || (pages ?? 1) > 1) {
    const got = depth === "uchar" ? `${pages} frames` : `${depth} values`;
    throw dataError(subject, { code: "E_IMAGE_KIND", expected: "a single image of 8 bits per channel", got });
  }
  return [height, width, space === "b-w" ? 1 : 3];
}

async function open<T>(bytes: Uint8Array, subject: string, read: (image: Sharp) => Promise<T>): Promise<T> {
  try {
    return await read(sharp(bytes, OPTIONS));
  } catch (error) {
    const got = (error as Error).message;
    throw dataError(
      subject,
      { code: "E_IMAGE_FORMAT", expected: `a whole image of at most ${MAX_PIXELS} pixels`, got },
      error,
    );
  }
}

/** The pixels of a PNG, JPEG, WebP, TIFF or GIF: gray stays one channel, all else becomes RGB. Transparency is refused. */
export async function decodeImage(bytes: Uint8Array, subject = "image"): Promise<Pixels> {
  const [height, width, channels] = await imageSize(bytes, subject);
  const { data, info } = await open(bytes, subject, (image) =>
    image
      .toColourspace(channels === 1 ? "b-w" : "srgb")
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  if (info.channels === channels) return { height, width, channels, data: new Uint8Array(data) };
  const opaque = new Uint8Array(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const from = pixel * info.channels;
    if (data[from + channels] !== 255)
      throw dataError(subject, {
        code: "E_IMAGE_KIND",
        expected: "an opaque image",
        got: "transparency",
        hint: "Flatten it onto a background",
      });
    opaque.set(data.subarray(from, from + channels), pixel * channels);
  }
  return { height, width, channels, data: opaque };
}

/** Image files by sharp (libvips). */
export const sharpImages: ImageEncoder = {
  decode: (bytes) => decodeImage(bytes),
  async encode({ data, width, height, channels }) {
    const raw = { width, height, channels: channels as 1 | 3 };
    // Without this a gray image would be written as RGB.
    const space = channels === 1 ? "b-w" : "srgb";
    return new Uint8Array(await sharp(data, { raw }).toColourspace(space).png({ compressionLevel: 9 }).toBuffer());
  },
};

/** The image as it comes back from a JPEG file of this quality (1..100). */
export async function jpegRoundTrip({ height, width, channels, data }: Pixels, quality: number): Promise<Pixels> {
  const raw = { raw: { height, width, channels: channels as 1 | 3 } };
  return decodeImage(new Uint8Array(await sharp(data, raw).jpeg({ quality }).toBuffer()), "JPEG");
}
