import { BlindspotError, type Problem } from "../base/errors.ts";
import { type Dataset, drawSamples } from "../data/index.ts";
import { type LoadClassifierOptions, type ProbeResult, probePreprocessing } from "../models/index.ts";
import type { OpenedModel } from "../models/open-model.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type FileTarget, loadOptions } from "./open.ts";
import type { Given } from "./options.ts";

const PROBE_SAMPLES = 100;

/** Tries the usual ranges, normalizations, channel orders and layouts on a draw of the data. */
export async function probe(
  opened: OpenedModel,
  data: Dataset,
  options: LoadClassifierOptions,
  runtime: Runtime,
  seed = 0,
): Promise<ProbeResult> {
  const indices = drawSamples(data, { samples: PROBE_SAMPLES, seed });
  const samples = await Promise.all(indices.map((index) => data.sample(index)));
  const points = samples.map((sample) => sample.point);
  const labels = samples.map((sample) => sample.label);
  return probePreprocessing(opened.bytes, { points, labels }, { ...options, runtime, label: opened.label });
}

/** Stops (exit code 2) where another preprocessing is clearly better or accuracy is near chance: any figure would be about the mistake. */
export async function requirePreprocessing(
  {
    opened,
    data,
    runtime,
  }: Pick<FileTarget, "data" | "runtime"> & { readonly opened: OpenedModel | readonly OpenedModel[] },
  given: Given,
): Promise<void> {
  // A text goes to the model as it stands.
  if (given.probe === false || data.modality === "text") return;
  const options = await loadOptions(data, given);
  const problems: Problem[] = [];
  for (const model of [opened].flat() as OpenedModel[]) {
    const { problem } = await probe(model, data, options, runtime, given.seed);
    if (problem !== null) problems.push(problem);
  }
  if (problems.length > 0) throw new BlindspotError(problems);
}
