import type { PlannedAttack, SampleRecord } from "../attacks/record.ts";
import { runSamples } from "../attacks/runner.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Classifier } from "../models/classifier.ts";
import type { Threat } from "../threats/threat.ts";
import { sampleLine } from "./sample-line.ts";
import type { SampleLine } from "./schema.ts";

/** What the curve and the checks need to attack a few samples beside the main run. */
export interface Bench {
  readonly classifier: Classifier;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Runs these attacks, one after the other on what still stands, on these samples. Lines come in the order of the samples. */
export async function attackOnce(
  bench: Bench,
  threat: Threat,
  planned: readonly PlannedAttack[],
  samples: readonly DataSample[],
): Promise<SampleLine[]> {
  const knowledge = planned[0]!.definition.knowledge;
  const lines = new Map<number, SampleLine>();
  const records: AsyncIterable<SampleRecord> = runSamples(each(samples), {
    classifier: bench.classifier,
    threat,
    profiles: [{ knowledge, attacks: planned }],
    seed: bench.seed,
    ...(bench.signal === undefined ? {} : { signal: bench.signal }),
  });
  for await (const record of records) lines.set(record.index, sampleLine(threat.id, record));
  return samples.map((sample) => lines.get(sample.index)).filter((line) => line !== undefined);
}
