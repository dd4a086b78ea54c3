import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Codec } from "../inputs/codec.ts";
import { sizeOf } from "../tensor/tensor.ts";

/** Labelled rows in memory: 8-bit sources as bytes, a quarter of what floats take. */
export interface TrainingRows {
  readonly spec: string;
  /** Of the source. */
  readonly sha256: string;
  readonly count: number;
  /** Values of a row. */
  readonly size: number;
  readonly labels: Int32Array;
  /** SHA-256 of the canonical bytes of each row: equal inputs have equal hashes. */
  readonly hashes: readonly string[];
  readonly groups: readonly string[] | null;
  /** Writes a row, in 0..1, into `target` from `offset`. */
  copy(row: number, target: Float32Array, offset: number): void;
}

/** Reads these samples of a source (all by default). Throws where labels don't fit the model's classes. */
export async function readRows(
  data: Dataset,
  codec: Codec,
  classes: number,
  indices: readonly number[] = Array.from({ length: data.length }, (_, index) => index),
): Promise<TrainingRows> {
  const wrong = indices.find((index) => data.labels[index]! >= classes);
  if (wrong !== undefined)
    throw new BlindspotError({
      code: "E_DATA_LABEL",
      subject: data.spec,
      where: `sample ${wrong}`,
      expected: `a class of the model, 0..${classes - 1}`,
      got: `${data.labels[wrong]}`,
      hint: "Give --classes in the order of the model's outputs",
    });
  const size = sizeOf(data.dims);
  const eightBit = codec.quantize === "uint8";
  const values = eightBit ? new Uint8Array(indices.length * size) : new Float32Array(indices.length * size);
  const hashes: string[] = [];
  for (const [row, index] of indices.entries()) {
    const { point } = await data.sample(index);
    hashes.push(sha256(codec.canonical(point)));
    if (eightBit) for (let i = 0; i < size; i++) values[row * size + i] = Math.round(255 * point[i]!);
    else values.set(point, row * size);
  }
  return {
    spec: data.spec,
    sha256: data.sha256,
    count: indices.length,
    size,
    labels: Int32Array.from(indices, (index) => data.labels[index]!),
    hashes,
    groups: data.groups === null ? null : indices.map((index) => data.groups![index]!),
    copy(row, target, offset) {
      const from = row * size;
      if (eightBit) for (let i = 0; i < size; i++) target[offset + i] = values[from + i]! / 255;
      else target.set(values.subarray(from, from + size) as Float32Array, offset);
    },
  };
}

export interface Overlap {
  /** Distinct inputs that stand in both. */
  readonly inputs: number;
  /** Groups that are cut: some of their samples here, some there. */
  readonly groups: number;
  /** Rows of the second that stand in the first, or belong to a group that does. */
  readonly rows: number;
}

/** In words, for a refusal. */
export function overlapText({ inputs, groups }: Overlap): string {
  return [
    ...(inputs > 0 ? [`${inputs} inputs that stand in both`] : []),
    ...(groups > 0 ? [`${groups} groups that are cut: some of their samples here, some there`] : []),
  ].join(", ");
}

/** What two sets of rows share. */
export function overlapOf(a: TrainingRows, b: TrainingRows): Overlap {
  const shared = (one: readonly string[] | null, other: readonly string[] | null) => {
    const known = new Set(one ?? []);
    return new Set((other ?? []).filter((key) => known.has(key)));
  };
  const [inputs, groups] = [shared(a.hashes, b.hashes), shared(a.groups, b.groups)];
  const touched = b.hashes.filter((hash, row) => inputs.has(hash) || groups.has(b.groups?.[row] ?? ""));
  return { inputs: inputs.size, groups: groups.size, rows: touched.length };
}
