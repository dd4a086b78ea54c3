import { BlindspotError } from "../base/errors.ts";
import { isNpy, readNpy } from "../tensor/npy.ts";
import { isPng, plainPng } from "./png.ts";
import { fromLevels } from "./points.ts";

/** An input as a run's folder keeps it: values in 0..1; dims are [height, width, channels] or [features]. */
export interface StoredInput {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/**
 * Reads a stored input (PNG, or .npy of float32) without knowing the model's codec, to show it. Throws a BlindspotError on anything else.
 */
export async function readStored(bytes: Uint8Array): Promise<StoredInput> {
  if (isPng(bytes)) {
    const { height, width, channels, data } = await plainPng.decode(bytes);
    return { dims: [height, width, channels], values: fromLevels(data) };
  }
  const expected = "PNG, or .npy of float32";
  if (!isNpy(bytes)) throw new BlindspotError({ code: "E_INPUT_TYPE", subject: "stored input", expected });
  const { dtype, dims, data } = readNpy(bytes, "stored input");
  if (dtype !== "float32")
    throw new BlindspotError({ code: "E_INPUT_TYPE", subject: "stored input", expected, got: `.npy of ${dtype}` });
  return { dims, values: data as Float32Array };
}
