import type { CorruptionFailure } from "../corruptions/measure.ts";
import type { DataSample } from "../data/dataset.ts";
import { imageCodec } from "../inputs/index.ts";
import { norms } from "../inputs/measures/norms.ts";
import { plainPng } from "../inputs/png.ts";
import type { Added, Corpus } from "./corpus.ts";
import { sourceName } from "./from-run.ts";

/** What all failures of a sitting share. */
export interface CorruptionFacts {
  /** Record of the model in the corpus. */
  readonly model: string;
  readonly modelName: string;
  readonly classes: readonly string[];
  readonly spec: string;
  readonly seed: number;
}

/** Stores an image that a common corruption made wrong, with the clean one. */
export async function storeCorruption(
  corpus: Corpus,
  { model, modelName, classes, spec, seed }: CorruptionFacts,
  { point: clean, label, id, index, group }: DataSample,
  dims: readonly number[],
  { corruption, severity, point, predicted }: CorruptionFailure,
): Promise<Added> {
  const { l0, l1, l2, linf } = norms(point, clean);
  const classOf = (at: number) => ({ name: classes[at] ?? String(at), index: at });
  return corpus.add({
    codec: imageCodec(dims, "uint8", plainPng),
    point,
    clean,
    events: [
      {
        event: "found",
        kind: "corruption",
        model,
        modelName,
        label: classOf(label),
        predicted: classOf(predicted),
        data: { spec: sourceName(spec), sample: id, index, ...(group === undefined ? {} : { group }) },
        corruption: { name: corruption, severity, seed },
        distance: { l0, l1, l2, linf },
      },
    ],
  });
}
