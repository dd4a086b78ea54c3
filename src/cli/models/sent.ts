import type { Dataset } from "../../data/index.ts";
import type { Quantize } from "../../inputs/index.ts";

/** What rows of data are to whoever sends them. */
export interface Sent extends Pick<Dataset, "modality" | "dims" | "fields" | "rows" | "classes"> {
  readonly quantize: Quantize;
}
