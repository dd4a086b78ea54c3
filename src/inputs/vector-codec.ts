import { internalError } from "../base/errors.ts";
import { writeNpy } from "../tensor/npy.ts";
import { float32, sizeOf } from "../tensor/tensor.ts";
import type { Codec } from "./codec.ts";
import type { Field } from "./field.ts";
import { floatArray, floatBytes, pointProblem, requirePoint, withHeader } from "./points.ts";

/**
 * Vectors of features, each scaled to 0..1 by its own bounds. `dims` is [features]. Stored as .npy (float32).
 * @param fields one for each feature; by default they have no names, and the user's units are those of the scaled box
 */
export function vectorCodec(dims: readonly number[], fields?: readonly Field[]): Codec {
  const size = sizeOf(dims);
  if (fields !== undefined && fields.length !== size) throw internalError(`${fields.length} fields of ${size}`);
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
    fields: fields ?? Array.from({ length: size }, () => ({ low: 0, high: 1 })),
    canonical: (point) => withHeader(`vector ${dims.join("x")} float32`, floatBytes(checked(point))),
    encode: async (point) => ({ bytes: writeNpy(float32(dims, checked(point))), extension: "npy" }),
    decode: async (bytes) => checked(floatArray(bytes, dims, "vector")),
  };
}
