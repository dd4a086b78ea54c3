import { readNpz } from "../tensor/npz.ts";
import { isFloat, sizeOf, type Tensor, toNumbers } from "../tensor/tensor.ts";
import { BYTE_RANGE, byteRows, fieldsOf, type Layout, makeDataset, scaleRows, toHwc, UNIT_RANGE } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { readSource } from "./files.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError } from "./problems.ts";
import { choice, type DataSpec } from "./spec.ts";

/**
 * NumPy arrays: `x` [n, h, w, c], [n, c, h, w], [n, h, w] or [n, features]; `y` [n] or [n, 1], indices or names; optional `group` [n].
 * uint8 is 0..255; float32 and float64 lie in the input range. The arrays may have other names: `npz:FILE?x=x_adv&y=labels`.
 */
export async function openNpz(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  const { bytes, sha256 } = await readSource(spec.path, options.maxBytes);
  const [inputs, labelled] = ["x", "y"].map((key) => spec.query.get(key) ?? key) as [string, string];
  const keys = [inputs, labelled, "group"];
  const arrays = readNpz(bytes, { subject: spec.path, keys, maxBytes: options.maxBytes });
  const { [inputs]: x, [labelled]: y, group } = arrays;
  if (x === undefined || y === undefined)
    throw dataError(spec.path, {
      code: "E_DATA_KEYS",
      expected: `arrays ${inputs} and ${labelled}`,
      got: Object.keys(arrays).join(", ") || "neither",
      hint: "If they have other names, say which: npz:FILE?x=NAME&y=NAME",
    });
  if (x.dtype !== "uint8" && x.dtype !== "float32" && x.dtype !== "float64")
    throw dataError(spec.path, {
      code: "E_DATA_TYPE",
      where: "x",
      expected: "uint8, float32 or float64",
      got: x.dtype,
    });
  const count = x.dims[0] ?? 0;
  const { dims, layout } = rowShape(x.dims.slice(1), spec, options);
  if (count === 0) throw dataError(spec.path, { code: "E_DATA_EMPTY", where: "x", expected: "at least one row" });
  const labels = resolveLabels(column(y, "y", count, spec.path), options.classes, spec.path, (row) => `y[${row}]`);
  const eightBit = x.dtype === "uint8";
  const range = options.inputRange ?? UNIT_RANGE;
  const described = {
    spec: spec.text,
    sha256,
    dims,
    naturalQuantize: eightBit ? "uint8" : "none",
    groups: group === undefined ? null : column(group, "group", count, spec.path),
    ...(dims.length === 1 ? { fields: fieldsOf(dims[0]!, eightBit ? BYTE_RANGE : range) } : {}),
    ...labels,
  } as const;
  const size = sizeOf(dims);
  if (eightBit)
    return makeDataset(
      described,
      byteRows(x.data as Uint8Array, dims, layout, (row) => row * size),
    );
  const values = x.data as Float32Array | Float64Array;
  const scaled = scaleRows(values, size, range, spec.path, (row, feature) => `x[${row}], value ${feature}`);
  return makeDataset(described, (row) => toHwc(scaled.slice(row * size, (row + 1) * size), dims, layout));
}

/** Labels or groups as text: whole numbers, or names. */
function column(value: Tensor, name: string, count: number, subject: string): string[] {
  const length = value.data.length;
  const flat = value.dims[0] === length;
  if (!flat || length !== count)
    throw dataError(subject, {
      code: "E_DATA_COUNT",
      where: name,
      expected: `[${count}], one for each row of x`,
      got: `[${value.dims}]`,
    });
  if (value.dtype === "string") return [...(value.data as readonly string[])];
  if (value.dtype === "float16" || value.dtype === "bfloat16")
    throw dataError(subject, { code: "E_DATA_TYPE", where: name, expected: "integers or names", got: value.dtype });
  return isFloat(value.dtype) ? toNumbers(value).map(String) : Array.from(value.data as Int32Array, String);
}

const IMAGE_CHANNELS = [1, 3, 4];

/** Which axis holds the channels is told by its size, unless `layout` says it. */
function rowShape(
  shape: readonly number[],
  spec: DataSpec,
  options: OpenOptions,
): { dims: readonly number[]; layout: Layout } {
  const wanted = options.dims;
  if (wanted !== undefined && shape.length === 1 && sizeOf(wanted) === shape[0]) return { dims: wanted, layout: "hwc" };
  if (shape.length === 1) return { dims: shape, layout: "hwc" };
  if (shape.length === 2) return { dims: [...shape, 1], layout: "hwc" };
  const given = spec.query.has("layout") ? choice<Layout>(spec, "layout", ["hwc", "chw"], "hwc") : undefined;
  const last = IMAGE_CHANNELS.includes(shape[2] ?? 0);
  const leading = IMAGE_CHANNELS.includes(shape[0] ?? 0);
  if (shape.length !== 3 || (given === undefined && last === leading))
    throw dataError(spec.path, {
      code: "E_DATA_SHAPE",
      where: "x",
      expected: "[n, h, w, c], [n, c, h, w], [n, h, w] or [n, features]",
      got: `[n, ${shape.join(", ")}]`,
      hint: "Say where the channels are with npz:FILE?layout=hwc or chw",
    });
  const layout = given ?? (last ? "hwc" : "chw");
  return { dims: layout === "hwc" ? shape : [shape[1]!, shape[2]!, shape[0]!], layout };
}
