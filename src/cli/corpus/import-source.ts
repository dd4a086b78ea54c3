import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { BlindspotError } from "../../base/errors.ts";
import { readBundleLine } from "../../corpus/bundle.ts";
import { sourceName } from "../../corpus/from-run.ts";
import { codecOf, formOf, type Reading } from "../../corpus/identity.ts";
import { asFile, type Claim } from "../../corpus/incoming.ts";
import type { Kind, ModelRecord } from "../../corpus/schema.ts";
import { type OpenOptions, openPairs, type Pairs } from "../../data/index.ts";
import { codecFor } from "../open.ts";

/** A source of claims, opened. */
export interface ImportSource {
  /** How a model must read these inputs, as far as the source knows; null where each line says. */
  readonly shape: (Pick<ModelRecord, "dims" | "rows"> & { readonly classes?: readonly string[] }) | null;
  /** From position `from` on. Each is read when it is asked for; what can't be read is thrown, and the next call goes on behind it. */
  claims(from: number): AsyncGenerator<() => Promise<Claim>>;
}

const BUNDLE = "bundle:";

/** Opens `bundle:FILE`, or any source of `openPairs`. */
export async function openImport(
  spec: string,
  { clean, kind, ...options }: OpenOptions & { readonly clean?: string; readonly kind: Kind },
): Promise<ImportSource> {
  if (spec.startsWith(BUNDLE)) return bundleSource(spec);
  return pairSource(spec, await openPairs(spec, clean, options), kind);
}

function bundleSource(spec: string): ImportSource {
  const name = sourceName(spec);
  return {
    shape: null,
    async *claims(from) {
      let index = 0;
      const input = createReadStream(spec.slice(BUNDLE.length), "utf8");
      const failed = new Promise<never>((_, reject) => {
        input.on("error", (error) =>
          reject(
            new BlindspotError(
              { code: "E_DATA_READ", subject: spec, expected: "a readable file", got: error.message },
              { cause: error },
            ),
          ),
        );
      });
      failed.catch(() => {});
      const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
      for (;;) {
        const next = await Promise.race([lines.next(), failed]);
        if (next.done) return;
        const [line, at] = [next.value, index];
        if (line.trim() === "") continue;
        if (index++ >= from) yield () => readBundleLine(line, { spec: name, index: at });
      }
    },
  };
}

function pairSource(spec: string, pairs: Pairs, kind: Kind): ImportSource {
  const { inputs, clean } = pairs;
  const name = sourceName(spec);
  const { modality, dims, rows } = inputs;
  const reading = (size: number): Reading => ({ size, ...(rows === undefined ? {} : { rows }) });
  const form = formOf(codecFor(inputs)(inputs.naturalQuantize));
  return {
    shape: {
      dims: modality === "text" ? [] : [...dims],
      ...(inputs.classes === null ? {} : { classes: inputs.classes }),
      ...(rows === undefined ? {} : { rows: rows.schema.source }),
    },
    async *claims(from) {
      for (let index = from; index < inputs.length; index++)
        yield async () => {
          const sample = await inputs.sample(index);
          const origin = await pairs.cleanOf(sample);
          const { point, label, id, group } = sample;
          return {
            form,
            input: await asFile(codecOf(form, reading(dims[0]!)), point),
            clean: origin === null ? null : await asFile(codecOf(form, reading(clean!.dims[0]!)), origin.point),
            kind,
            label: { name: inputs.classes?.[label] ?? String(label), index: label },
            data: { spec: name, sample: id, index, ...(group === undefined ? {} : { group }) },
          };
        };
    },
  };
}
