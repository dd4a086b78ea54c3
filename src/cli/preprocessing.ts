import { BlindspotError } from "../base/errors.ts";
import { type Dataset, drawSamples } from "../data/index.ts";
import { type LoadClassifierOptions, type ProbeResult, probePreprocessing } from "../models/index.ts";
import type { OpenedModel } from "../models/open-model.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { loadOptions, type Target } from "./open.ts";
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
export async function requirePreprocessing(target: Target, given: Given): Promise<void> {
  if (given.probe === false) return;
  const options = await loadOptions(target.data, given);
  const { problem } = await probe(target.opened, target.data, options, target.runtime, given.seed);
  if (problem !== null) throw new BlindspotError(problem);
}
