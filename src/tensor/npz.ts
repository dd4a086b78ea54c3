import { unzipSync, zipSync } from "fflate";
import { BlindspotError } from "../base/errors.ts";
import { readNpy, writeNpy } from "./npy.ts";
import type { Tensor } from "./tensor.ts";

export interface NpzOptions {
  /** Name for error messages. */
  readonly subject?: string;
  /** Only these arrays are unpacked (default: all). */
  readonly keys?: readonly string[];
  /** All unpacked arrays together may have this many bytes (default 2 GiB - 1): a zip bomb is refused before it is unpacked. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 2 ** 31 - 1;
/** A fixed date, so that the same arrays always give the same file. */
const MODIFIED = new Date(1980, 0, 1);

/** The arrays of an .npz file (a zip of .npy files), by name. fflate inflates into a buffer of the declared size, never beyond it. */
export function readNpz(bytes: Uint8Array, options: NpzOptions = {}): Record<string, Tensor> {
  const { subject = ".npz file", keys, maxBytes = DEFAULT_MAX_BYTES } = options;
  let total = 0;
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!name.endsWith(".npy") || (keys !== undefined && !keys.includes(name.slice(0, -4)))) return false;
        total += originalSize;
        if (total > maxBytes)
          throw new BlindspotError({
            code: "E_NPZ_SIZE",
            subject,
            where: name,
            expected: `at most ${maxBytes} bytes unpacked`,
            got: `${total} or more`,
          });
        return true;
      },
    });
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    const got = error instanceof Error ? error.message : String(error);
    throw new BlindspotError({ code: "E_NPZ_FORMAT", subject, expected: "a whole .npz file", got }, { cause: error });
  }
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [name.slice(0, -4), readNpy(content, `${subject}, ${name}`)]),
  );
}

/** An .npz file, compressed unless `level` is 0. */
export function writeNpz(
  arrays: Readonly<Record<string, Tensor>>,
  { level = 9 }: { readonly level?: 0 | 9 } = {},
): Uint8Array<ArrayBuffer> {
  const files = Object.fromEntries(Object.entries(arrays).map(([name, value]) => [`${name}.npy`, writeNpy(value)]));
  return zipOf(files, level);
}

/** Files as a zip; the same files are the same bytes. */
export function zipOf(files: Readonly<Record<string, Uint8Array>>, level: 0 | 9 = 9): Uint8Array<ArrayBuffer> {
  return zipSync(files, { level, mtime: MODIFIED });
}
