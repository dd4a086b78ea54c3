import type { DataSample } from "../../data/dataset.ts";
import type { Modality } from "../../inputs/codec.ts";
import type { Classifier } from "../../models/classifier.ts";
import { scoresOf } from "../../models/row-batches.ts";
import { isCorrect } from "../metrics.ts";
import type { Check, SampleLine } from "../schema.ts";
import { type Effort, type ModelContext, runChecks, type ThreatContext } from "./check.ts";
import { isConstant } from "./model.ts";
import { pointsOf } from "./rows.ts";
import { MODEL_CHECKS, THREAT_CHECKS } from "./table.ts";

export type { Effort, ThreatContext } from "./check.ts";
export { unfinished } from "./coverage.ts";

/** What the model's own checks look at. `samples`: the audit subset; `correct`: those of it that the model gets right. */
export async function modelContext(
  classifier: Classifier,
  seed: number,
  samples: readonly DataSample[],
  correct: readonly DataSample[],
  modality: Modality = "image",
): Promise<ModelContext & { readonly constant: boolean }> {
  const scores = await scoresOf(classifier, pointsOf(samples));
  return { classifier, seed, samples, correct, modality, scores, constant: isConstant({ scores }) };
}

/** Checks of the model itself. */
export function checkModel(context: ModelContext, effort: Effort, signal?: AbortSignal): AsyncGenerator<Check> {
  return runChecks(MODEL_CHECKS, context, effort, () => signal?.aborted === true);
}

/** Checks of one threat. */
export async function* checkThreat(context: ThreatContext): AsyncGenerator<Check> {
  const stopped = (): boolean => context.bench.signal?.aborted === true;
  for await (const check of runChecks(THREAT_CHECKS, context, context, stopped))
    yield { ...check, threat: context.threat.id };
}

/** Every check, for a run that was cut short before the first of them. */
export function uncheckedAll(): Check[] {
  const ids = [...MODEL_CHECKS, ...THREAT_CHECKS].map(({ id }) => id);
  return ids.map((id) => ({ id, status: "skipped", detail: "the run was cut short" }));
}

/** Samples that the model gets right, as far as the lines know. */
export function correctSamples(samples: readonly DataSample[], lines: readonly SampleLine[]): DataSample[] {
  const correct = new Set(lines.filter(isCorrect).map((line) => line.index));
  return samples.filter((sample) => correct.has(sample.index));
}
