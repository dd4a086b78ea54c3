import { isNpy, writeNpy } from "../tensor/npy.ts";
import { float32, sizeOf } from "../tensor/tensor.ts";
import type { Codec, Quantize } from "./codec.ts";
import { imageChange } from "./measures/image-change.ts";
import {
  floatArray,
  floatBytes,
  fromLevels,
  pointProblem,
  requirePoint,
  shapeError,
  toLevels,
  withHeader,
} from "./points.ts";

/** 8-bit pixels in height-width-channel order: gray (1 channel) or RGB (3). */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** Reads and writes image files. Injected, because browsers and Node do it with different libraries. */
export interface ImageEncoder {
  /** PNG without loss; channels 1 or 3. */
  encode(pixels: Pixels): Promise<Uint8Array>;
  /** Any image format that the encoder knows. Throws a BlindspotError for what is no image. */
  decode(bytes: Uint8Array): Promise<Pixels>;
}

/** Images of one size. `dims` is [height, width, channels]. 8-bit gray and RGB images are stored as PNG, all others as .npy. */
export function imageCodec(dims: readonly number[], quantize: Quantize, encoder: ImageEncoder): Codec {
  const [height = 0, width = 0, channels = 0] = dims;
  const size = sizeOf(dims);
  const eightBit = quantize === "uint8";
  const asPng = eightBit && (channels === 1 || channels === 3);
  const check = (point: Float32Array): string | null => pointProblem(point, size, eightBit);
  const checked = (point: Float32Array): Float32Array => {
    requirePoint(check(point), "image");
    return point;
  };
  return {
    modality: "image",
    dims,
    size,
    quantize,
    check,
    imageChange: (x, x0) => imageChange(x, x0, dims),
    canonical(point) {
      const body = eightBit ? toLevels(checked(point)) : floatBytes(checked(point));
      return withHeader(`image ${dims.join("x")} hwc ${eightBit ? "uint8" : "float32"}`, body);
    },
    async encode(point) {
      checked(point);
      if (!asPng) return { bytes: writeNpy(float32(dims, point)), extension: "npy" };
      return { bytes: await encoder.encode({ height, width, channels, data: toLevels(point) }), extension: "png" };
    },
    async decode(bytes) {
      if (isNpy(bytes)) return checked(floatArray(bytes, dims, "image"));
      const pixels = await encoder.decode(bytes);
      const got = [pixels.height, pixels.width, pixels.channels];
      if (got.some((dim, i) => dim !== dims[i])) throw shapeError("image", dims, got);
      return fromLevels(pixels.data);
    },
  };
}
