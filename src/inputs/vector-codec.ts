import { writeNpy } from "../tensor/npy.ts";
import { float32, sizeOf } from "../tensor/tensor.ts";
import type { Codec } from "./codec.ts";
import { floatArray, floatBytes, pointProblem, requirePoint, withHeader } from "./points.ts";

/** Vectors of features, each scaled to 0..1 by its own bounds. `dims` is [features]. Stored as .npy (float32). */
export function vectorCodec(dims: readonly number[]): Codec {
  const size = sizeOf(dims);
  const check = (point: Float32Array): string | null => pointProblem(point, size, false);
  const checked = (point: Float32Array): Float32Array => {
    requirePoint(check(point), "vector");
    return point;
  };
  return {
    modality: "vector",
    dims,
    size,
    quantize: "none",
    check,
    canonical: (point) => withHeader(`vector ${dims.join("x")} float32`, floatBytes(checked(point))),
    encode: async (point) => ({ bytes: writeNpy(float32(dims, checked(point))), extension: "npy" }),
    decode: async (bytes) => checked(floatArray(bytes, dims, "vector")),
  };
}
