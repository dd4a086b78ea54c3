import { sizeOf } from "../tensor/tensor.ts";
import { byteRows, makeDataset } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { hashOfAll, readSource } from "./files.ts";
import { resolveLabels } from "./labels.ts";
import type { OpenOptions } from "./options.ts";
import { dataError } from "./problems.ts";
import type { DataSpec } from "./spec.ts";

interface IdxArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/** An IDX file of bytes (the format of MNIST): 0, 0, type 8, rank, the sizes as 32-bit big-endian numbers, then the data. */
export function readIdx(bytes: Uint8Array, ranks: readonly number[], subject: string): IdxArray {
  const rank = bytes[3] ?? 0;
  if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8 || !ranks.includes(rank) || bytes.length < 4 + 4 * rank)
    throw dataError(subject, {
      code: "E_IDX_HEADER",
      expected: `an IDX file of bytes with ${ranks.join(" or ")} dimensions`,
      got: `a file that begins with ${[...bytes.subarray(0, 4)].join(" ")}`,
      hint: "Give idx:IMAGES,LABELS in this order",
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const data = bytes.subarray(4 + 4 * rank);
  if (sizeOf(dims) !== data.length)
    throw dataError(subject, {
      code: "E_IDX_SIZE",
      expected: `${sizeOf(dims)} bytes of data for [${dims}]`,
      got: `${data.length}`,
    });
  return { dims, data };
}

export async function openIdx(spec: DataSpec, options: OpenOptions & { maxBytes: number }): Promise<Dataset> {
  const paths = spec.path.split(",");
  if (paths.length !== 2 || paths.includes(""))
    throw dataError("--data", { code: "E_DATA_SPEC", expected: "idx:IMAGES,LABELS", got: spec.text });
  const [imageFile, labelFile] = await Promise.all(paths.map((path) => readSource(path, options.maxBytes)));
  const images = readIdx(imageFile!.bytes, [3, 4], paths[0]!);
  const labels = readIdx(labelFile!.bytes, [1], paths[1]!);
  const count = images.dims[0]!;
  if (count !== labels.data.length)
    throw dataError(spec.text, {
      code: "E_DATA_COUNT",
      expected: `as many labels as images, ${count}`,
      got: `${labels.data.length}`,
    });
  const [height = 0, width = 0, channels = 1] = images.dims.slice(1);
  const dims = [height, width, channels];
  const described = {
    spec: spec.text,
    sha256: hashOfAll([imageFile!.sha256, labelFile!.sha256]),
    dims,
    naturalQuantize: "uint8",
    groups: null,
    ...resolveLabels(Array.from(labels.data, String), options.classes, paths[1]!, (record) => `label ${record}`),
  } as const;
  return makeDataset(
    described,
    byteRows(images.data, dims, "hwc", (row) => row * sizeOf(dims)),
  );
}
