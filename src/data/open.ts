import { openCsv } from "./csv.ts";
import type { Dataset } from "./dataset.ts";
import { openFolder } from "./folder.ts";
import { openIdx } from "./idx.ts";
import { openLibsvm } from "./libsvm.ts";
import { openNpz } from "./npz.ts";
import { DEFAULT_MAX_BYTES, type OpenOptions } from "./options.ts";
import { dataError } from "./problems.ts";
import { openRecords } from "./records.ts";
import { type DataSpec, parseDataSpec } from "./spec.ts";
import { openJsonLines } from "./texts.ts";

type Opener = (spec: DataSpec, options: OpenOptions & { maxBytes: number }) => Promise<Dataset>;

const OPENERS: Readonly<Record<string, Opener>> = {
  folder: openFolder,
  idx: openIdx,
  npz: openNpz,
  records: openRecords,
  csv: openCsv,
  tsv: openCsv,
  jsonl: openJsonLines,
  libsvm: openLibsvm,
};

/**
 * Opens a source of labelled data: `folder:DIR`, `idx:IMAGES,LABELS`, `npz:FILE`, `records:FILE?shape=32x32x3&layout=hwc&label=first`,
 * `csv:FILE?label=COLUMN`, `tsv:FILE?text=COLUMN&label=COLUMN`, `jsonl:FILE?text=KEY&label=KEY`. Files ending in .gz are unpacked. Throws one BlindspotError that lists what is wrong with the source.
 */
export async function openDataset(spec: string, options: OpenOptions = {}): Promise<Dataset> {
  const parsed = parseDataSpec(spec);
  if (options.rows !== undefined && (!["csv", "tsv"].includes(parsed.kind) || parsed.query.has("text")))
    throw dataError("--data", {
      code: "E_DATA_KIND",
      expected: "csv: or tsv:, without text=: a schema describes the columns of a table",
      got: spec,
    });
  const dataset = await OPENERS[parsed.kind]!(parsed, { maxBytes: DEFAULT_MAX_BYTES, ...options });
  const { dims } = options;
  if (dims === undefined || dims.join() === dataset.dims.join()) return dataset;
  throw dataError(spec, { code: "E_DATA_SHAPE", expected: dims.join("x"), got: dataset.dims.join("x") });
}
