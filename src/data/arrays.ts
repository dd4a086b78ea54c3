import type { Modality, Quantize } from "../inputs/codec.ts";
import type { Field } from "../inputs/field.ts";
import { fromLevels } from "../inputs/points.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { DataSample, Dataset } from "./dataset.ts";
import { dataError, RecordProblems } from "./problems.ts";

export type Layout = "hwc" | "chw";

/** Bounds of the values in a source of floats: one pair, or one pair per feature. */
export interface InputRange {
  readonly low: number | readonly number[];
  readonly high: number | readonly number[];
}

export const UNIT_RANGE: InputRange = { low: 0, high: 1 };
export const BYTE_RANGE: InputRange = { low: 0, high: 255 };

/** The features of vectors in this range. `names` in their order, where the source has some. */
export function fieldsOf(size: number, { low, high }: InputRange, names: readonly string[] | null = null): Field[] {
  const at = (bound: number | readonly number[], i: number) => (typeof bound === "number" ? bound : bound[i]!);
  return Array.from({ length: size }, (_, i) => ({
    ...(names === null ? {} : { name: names[i]! }),
    low: at(low, i),
    high: at(high, i),
  }));
}

interface Described {
  readonly spec: string;
  readonly sha256: string;
  /** [height, width, channels] or [features]. */
  readonly dims: readonly number[];
  readonly naturalQuantize: Quantize;
  readonly labels: Int32Array;
  readonly classes: readonly string[] | null;
  readonly groups: readonly string[] | null;
  readonly fields?: readonly Field[];
  readonly rows?: RowSpace;
  /** Default: by what else is described. */
  readonly modality?: Modality;
}

/** A dataset from a way to read one point. `idOf` names sample i (default: its index). */
export function makeDataset(
  described: Described,
  point: (index: number) => Float32Array | Promise<Float32Array>,
  idOf: (index: number) => string = String,
): Dataset {
  const { labels, groups } = described;
  return {
    ...described,
    length: labels.length,
    modality: described.modality ?? modalityOf(described),
    async sample(index): Promise<DataSample> {
      const label = labels[index];
      if (label === undefined)
        throw dataError(described.spec, { code: "E_DATA_INDEX", expected: `0..${labels.length - 1}`, got: `${index}` });
      const group = groups?.[index];
      return { id: idOf(index), index, point: await point(index), label, ...(group === undefined ? {} : { group }) };
    },
  };
}

function modalityOf({ rows, dims }: Described): Modality {
  if (rows !== undefined) return "row";
  return dims.length === 1 ? "vector" : "image";
}

/** One image in height-width-channel order, whatever the order of its source. */
export function toHwc<T extends Float32Array | Uint8Array>(row: T, dims: readonly number[], layout: Layout): T {
  const [height = 1, width = 1, channels = 1] = dims;
  if (layout === "hwc" || dims.length !== 3 || channels === 1) return row;
  const result = row.slice() as T;
  const area = height * width;
  for (let channel = 0; channel < channels; channel++)
    for (let pixel = 0; pixel < area; pixel++) result[pixel * channels + channel] = row[channel * area + pixel]!;
  return result;
}

/** Reads 8-bit rows: `offset(i)` is where row i begins in `bytes`. */
export function byteRows(bytes: Uint8Array, dims: readonly number[], layout: Layout, offset: (row: number) => number) {
  const size = sizeOf(dims);
  return (index: number): Float32Array =>
    fromLevels(toHwc(bytes.subarray(offset(index), offset(index) + size), dims, layout));
}

/**
 * Checks and scales rows of floats to 0..1 by the declared range, in place of the values. Not a number, or outside the range: one
 * error that lists the first ten such records.
 */
export function scaleRows(
  values: Float64Array | Float32Array,
  size: number,
  range: InputRange,
  subject: string,
  where: (row: number, feature: number) => string,
): Float32Array {
  const bound = (side: number | readonly number[], name: string): readonly number[] => {
    const list = typeof side === "number" ? new Array<number>(size).fill(side) : side;
    if (list.length !== size)
      throw dataError("--input-range", {
        code: "E_DATA_RANGE",
        where: name,
        expected: `${size} values`,
        got: `${list.length}`,
      });
    return list;
  };
  const low = bound(range.low, "low");
  const high = bound(range.high, "high");
  // One feature of several may be constant.
  const constant = (feature: number) => low[feature] === high[feature] && typeof range.low !== "number";
  const empty = low.findIndex((value, feature) => !(value < high[feature]! || constant(feature)));
  if (empty >= 0)
    throw dataError("--input-range", {
      code: "E_DATA_RANGE",
      expected: "LO below HI",
      got: `${low[empty]}..${high[empty]}`,
    });
  const problems = new RecordProblems(subject);
  let least = Infinity;
  let most = -Infinity;
  let outside = false;
  const scaled = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const feature = i % size;
    if (value < least) least = value;
    if (value > most) most = value;
    scaled[i] = constant(feature) ? 0 : (value - low[feature]!) / (high[feature]! - low[feature]!);
    if (value >= low[feature]! && value <= high[feature]!) continue;
    outside ||= !Number.isNaN(value);
    const expected = `a number in ${low[feature]}..${high[feature]}`;
    problems.add({ code: "E_DATA_VALUE", where: where(Math.floor(i / size), feature), expected, got: `${value}` });
  }
  problems.throwIfAny(
    outside
      ? `All values lie in ${least}..${most}; declare the range of your data with --input-range LO..HI. Columns of a table that have each their own: blindspot init --data writes a schema (docs/rows.md)`
      : "Repair the row, or leave it out",
  );
  return scaled;
}
