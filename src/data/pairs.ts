import type { DataSample, Dataset } from "./dataset.ts";
import { openDataset } from "./open.ts";
import type { OpenOptions } from "./options.ts";
import { dataError } from "./problems.ts";
import { openTextAttack } from "./textattack.ts";

/** Inputs that another tool made, each with what it was made from where that is known. */
export interface Pairs {
  readonly inputs: Dataset;
  readonly clean: Dataset | null;
  /** What an input was made from; null where there are no clean sides. */
  cleanOf(input: DataSample): Promise<DataSample | null>;
}

const TEXTATTACK = "textattack:";

/**
 * Opens a source of inputs and, where `clean` names one, the source of what they were made from: the sample of the same name in a folder, of the same position
 * elsewhere. `textattack:FILE` holds both. Throws where the two do not fit.
 */
export async function openPairs(spec: string, clean: string | undefined, options: OpenOptions): Promise<Pairs> {
  if (spec.startsWith(TEXTATTACK)) return pairs(await openTextAttack(spec.slice(TEXTATTACK.length), options));
  const inputs = await openDataset(spec, options);
  if (clean === undefined) return pairs({ inputs, clean: null });
  // Names of classes are sorted where nobody gives them: by those of the inputs, both sides agree.
  const classes = options.classes ?? inputs.classes ?? undefined;
  const origin = await openDataset(clean, { ...options, ...(classes === undefined ? {} : { classes }) });
  const text = inputs.modality === "text";
  if (origin.modality !== inputs.modality || (!text && origin.dims.join() !== inputs.dims.join()))
    throw dataError(clean, {
      code: "E_DATA_PAIRS",
      expected: `${inputs.modality} inputs${text ? "" : ` of ${inputs.dims.join("x")}`}, as in ${spec}`,
      got: `${origin.modality} inputs of ${origin.dims.join("x")}`,
    });
  return pairs({ inputs, clean: origin });
}

function pairs({ inputs, clean }: Pick<Pairs, "inputs" | "clean">): Pairs {
  let names: Promise<ReadonlyMap<string, number>> | undefined;
  return {
    inputs,
    clean,
    async cleanOf({ id, index, label }) {
      if (clean === null) return null;
      const same = index < clean.length ? await clean.sample(index) : null;
      if (same?.id !== id) names ??= namesOf(clean);
      const at = same?.id === id ? index : (await names!).get(id);
      const refuse = (expected: string, got: string) =>
        dataError(clean.spec, { code: "E_DATA_PAIRS", where: `sample ${id}`, expected, got });
      if (at === undefined) throw refuse("the clean side of every input", "none of this name");
      const sample = await clean.sample(at);
      if (sample.label !== label) throw refuse(`class ${label}, as of the input`, `class ${sample.label}`);
      return sample;
    },
  };
}

async function namesOf(data: Dataset): Promise<ReadonlyMap<string, number>> {
  const names = new Map<string, number>();
  for (let i = 0; i < data.length; i++) names.set((await data.sample(i)).id, i);
  return names;
}
