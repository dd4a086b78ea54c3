import { sizeOf } from "../tensor/tensor.ts";
import { byteRows, type Layout, makeDataset } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { readSource } from "./files.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError } from "./problems.ts";
import { choice, type DataSpec } from "./spec.ts";

/** Raw records of bytes without a header: one byte of label before (or after) the bytes of an image, as in CIFAR-10's binary files. */
export async function openRecords(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  const shape = spec.query.get("shape") ?? "";
  const dims = shape.split("x").map(Number);
  if (!/^[1-9]\d*(x[1-9]\d*){0,2}$/.test(shape) || dims.length === 2)
    throw dataError("--data", {
      code: "E_DATA_SPEC",
      where: "shape",
      expected: "HEIGHTxWIDTHxCHANNELS, like 32x32x3",
      got: `'${shape}'`,
    });
  const layout = choice<Layout>(spec, "layout", ["hwc", "chw"], "hwc");
  const first = choice(spec, "label", ["first", "last"], "first") === "first";
  const { bytes, sha256 } = await readSource(spec.path, options.maxBytes);
  const record = sizeOf(dims) + 1;
  if (bytes.length === 0)
    throw dataError(spec.path, { code: "E_DATA_EMPTY", expected: "records", got: "an empty file" });
  if (bytes.length % record !== 0)
    throw dataError(spec.path, {
      code: "E_DATA_SIZE",
      expected: `a multiple of ${record} bytes (1 of label and ${shape})`,
      got: `${bytes.length} bytes: ${bytes.length % record} left over`,
      hint: "Is the shape right, and the file whole?",
    });
  const labelAt = first ? 0 : record - 1;
  const labels = Array.from({ length: bytes.length / record }, (_, row) => String(bytes[row * record + labelAt]));
  const described = {
    spec: spec.text,
    sha256,
    dims,
    naturalQuantize: "uint8",
    groups: null,
    ...resolveLabels(labels, options.classes, spec.path, (row) => `record ${row}`),
  } as const;
  return makeDataset(
    described,
    byteRows(bytes, dims, layout, (row) => row * record + (first ? 1 : 0)),
  );
}
