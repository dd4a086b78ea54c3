import type { Modality, Quantize } from "../inputs/codec.ts";
import type { Field } from "../inputs/field.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";

/** One labelled input, in attack space. `index` is its position in the source, from 0, whatever was drawn. */
export interface DataSample {
  readonly id: string;
  readonly index: number;
  readonly point: Float32Array;
  readonly label: number;
  readonly group?: string;
}

export interface Dataset {
  readonly spec: string;
  /** Of the source's bytes. */
  readonly sha256: string;
  readonly length: number;
  readonly modality: Modality;
  /** [height, width, channels], [features], or [code points] that a text and what is inserted into it may have. */
  readonly dims: readonly number[];
  /** 8-bit sources are attacked as 8-bit inputs unless the user says otherwise. */
  readonly naturalQuantize: Quantize;
  /** Class names, if the source has them (folder names, a column of names). */
  readonly classes: readonly string[] | null;
  readonly labels: Int32Array;
  readonly groups: readonly string[] | null;
  /** Vectors: what each feature is to the user, where the source knows it. */
  readonly fields?: readonly Field[];
  /** Rows of a schema: what is legal. */
  readonly rows?: RowSpace;
  /** Reads one sample. Images in height-width-channel order, each value scaled to 0..1. */
  sample(index: number): Promise<DataSample>;
}
