import type { RowSpace } from "../inputs/row/row-space.ts";
import type { InputRange } from "./arrays.ts";

export interface OpenOptions {
  /** Names of the model's outputs, in order. Labels in the data are then names of these, or indices. */
  readonly classes?: readonly string[];
  /** What one sample must look like: [height, width, channels] or [features]. Rows of features may be read as images so. */
  readonly dims?: readonly number[];
  /** Where the values of float sources lie (default 0..1); they are scaled from it to 0..1. 8-bit sources are always 0..255. */
  readonly inputRange?: InputRange;
  /** Tables are read by this schema: texts become the numbers that the model takes. Only for `csv:`. */
  readonly rows?: RowSpace;
  /** No file may be larger, packed or unpacked (default 2 GiB - 1). */
  readonly maxBytes?: number;
}

export const DEFAULT_MAX_BYTES = 2 ** 31 - 1;
