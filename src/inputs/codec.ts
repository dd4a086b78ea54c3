import type { Field, FieldValue } from "./field.ts";
import type { ImageChange } from "./measures/image-change.ts";
import type { TextChange } from "./text/text-change.ts";

export type Quantize = "uint8" | "none";

/** `row`: named fields of a schema, each with its own legal values; `vector`: numbers; `text`: Unicode code points. */
export type Modality = "image" | "vector" | "row" | "text";

/** A field that changed, in the user's own terms. */
export interface FieldChange {
  readonly index: number;
  readonly name: string;
  readonly from: FieldValue;
  readonly to: FieldValue;
}

/**
 * Everything modality-dependent about one input, behind one contract. Threats, runner, corpus and findings know only this.
 * A point is a Float32Array in attack space (each coordinate scaled to 0..1; images in height-width-channel order).
 */
export interface Codec {
  readonly modality: Modality;
  /** [height, width, channels], or [features] (of a row: the numbers that the model takes; of a text: the code points that fit). */
  readonly dims: readonly number[];
  readonly size: number;
  readonly quantize: Quantize;
  /** Bytes that identify the point: the same input always has the same bytes. Throws on NaN. */
  canonical(point: Float32Array): Uint8Array;
  /** A file that stores the point without loss: PNG for 8-bit images, JSON for rows, UTF-8 for texts, .npy (float32) otherwise. */
  encode(
    point: Float32Array,
  ): Promise<{ readonly bytes: Uint8Array; readonly extension: "png" | "npy" | "json" | "txt" }>;
  /** Reads such a file back. */
  decode(bytes: Uint8Array): Promise<Float32Array>;
  /** Problems of the point itself (outside 0..1, NaN, wrong length), or null. */
  check(point: Float32Array): string | null;
  /** Images: where x0 was changed to x, and how that looks. */
  readonly imageChange?: (x: Float32Array, x0: Float32Array) => ImageChange;
  /** Vectors: what each coordinate is to the user. */
  readonly fields?: readonly Field[];
  /** Rows: the fields in which x differs from x0, dearest first. */
  readonly fieldChanges?: (x: Float32Array, x0: Float32Array) => readonly FieldChange[];
  /** Texts: the edits that lead from x0 to x. */
  readonly textChange?: (x: Float32Array, x0: Float32Array) => TextChange;
}
