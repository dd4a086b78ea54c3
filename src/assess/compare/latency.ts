import type { Classifier } from "../../models/classifier.ts";
import type { CostFacts } from "../schema.ts";
import { median } from "../statistics.ts";

const ROUNDS = 100;
const WARM_UP = 6;
const FULL_BATCH = 64;

/**
 * Milliseconds that a row takes on both models: alone, through the file as it is deployed, and in a full batch of 64 (less where a model takes
 * less). The models take turns, so that whatever else the machine does meets both alike. `rows`: one or more inputs, used in turn.
 */
export async function measureLatency(
  models: readonly [before: Classifier, after: Classifier],
  rows: readonly Float32Array[],
): Promise<CostFacts["latency"]> {
  const fullBatch = Math.min(FULL_BATCH, ...models.map(({ maxBatch }) => maxBatch));
  const size = rows[0]!.length;
  const batch = new Float32Array(fullBatch * size);
  for (let i = 0; i < fullBatch; i++) batch.set(rows[i % rows.length]!, i * size);
  const times = models.map(() => ({ single: [] as number[], full: [] as number[] }));
  for (let round = -WARM_UP; round < ROUNDS; round++)
    // Whoever goes second finds other caches: each goes first in half of the rounds.
    for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const model = models[i]!;
      const single = await milliseconds(() => model.verify(rows[(round + WARM_UP) % rows.length]!));
      const full = await milliseconds(() => model.scores({ data: batch.slice(), count: fullBatch }));
      if (round < 0) continue;
      times[i]!.single.push(single);
      times[i]!.full.push(full / fullBatch);
    }
  const [before, after] = times.map(({ single, full }) => ({ single: median(single), full: median(full) }));
  return { before: before!, after: after!, fullBatch, rounds: ROUNDS };
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
