import { BlindspotError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Codec } from "../../inputs/codec.ts";
import { readSamples } from "../plan.ts";
import type { Check } from "../schema.ts";
import { percent } from "./check.ts";

export const NOT_TRAINED_ON = "not-trained-on";

/** What a model that was hardened here has seen. */
export interface SeenInTraining {
  /** SHA-256 of the canonical bytes of each input that it was trained on; null where the list is not at hand. */
  readonly inputs: ReadonlySet<string> | null;
  /** SHA-256 of the source by which the epoch was chosen. */
  readonly chosenBy: string | null;
}

export interface TrainingDataOptions {
  readonly data: Dataset;
  readonly codec?: (quantize: "uint8" | "none") => Codec;
  /** Of a model that was hardened here. */
  readonly seenInTraining?: SeenInTraining;
  /** Measure on samples that it was trained on, too: the check fails, and the headline is withdrawn. */
  readonly allowOverlap?: boolean;
}

/**
 * Whether the samples of a run took part in the training of its model. Throws E_DATA_OVERLAP where some did, unless that is allowed: then the check
 * fails, which withdraws the headline. Empty for a model of which nothing is known.
 */
export async function trainingDataCheck(options: TrainingDataOptions, indices: readonly number[]): Promise<Check[]> {
  const { data, seenInTraining: seen } = options;
  if (seen === undefined) return [];
  const codec = options.codec?.(data.naturalQuantize);
  const check = (status: Check["status"], detail: string, more = {}): Check[] => [
    { id: NOT_TRAINED_ON, status, detail, ...more },
  ];
  if (seen.inputs === null || codec === undefined)
    return check("skipped", "the list of the inputs that this model was trained on (.trained-on.txt) is not beside it");
  let trainedOn = 0;
  for await (const { point } of readSamples(data, indices))
    if (seen.inputs.has(sha256(codec.canonical(point)))) trainedOn++;
  const found = [
    ...(trainedOn > 0
      ? [`${trainedOn} of ${indices.length} samples (${percent(trainedOn / indices.length)}) were trained on`]
      : []),
    ...(seen.chosenBy === data.sha256 ? ["the epoch of the training was chosen on this same data"] : []),
  ];
  if (found.length === 0) return check("pass", `none of ${indices.length} samples was trained on`);
  const detail = `${found.join("; ")}: the figures flatter`;
  if (options.allowOverlap) return check("fail", detail, { try: "Measure on data that took no part in the training." });
  throw new BlindspotError({
    code: "E_DATA_OVERLAP",
    subject: data.spec,
    expected: "data that took no part in the training of this model",
    got: found.join("; "),
    hint: "Measure on held-out data; or say --allow-overlap: the check not-trained-on fails, and the headline is withdrawn",
  });
}
