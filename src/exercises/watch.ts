import type { Sample } from "../attacks/attack.ts";
import type { PlannedAttack } from "../attacks/record.ts";

/** What the model answered to the attack's queries on one sample, in order. The one that succeeded ends the attack and is not among them. */
export type Trace = Float32Array[];

/** The same attack, its queries written down. For one sample: those of several would be mixed. */
export function watched({ definition, settings }: PlannedAttack): { planned: PlannedAttack; trace: Trace } {
  const trace: Trace = [];
  const run = (sample: Sample, own: typeof settings) => definition.run(watching(sample, trace), own);
  return { planned: { definition: { ...definition, run }, settings }, trace };
}

function watching(sample: Sample, trace: Trace): Sample {
  const seen = <T extends { readonly scores: Float32Array }>(evaluation: T): T => {
    trace.push(Float32Array.from(evaluation.scores));
    return evaluation;
  };
  const watcher: Pick<Sample, "scores" | "gradient"> = {
    scores: async (x, options) => seen(await sample.scores(x, options)),
    gradient: async (x, loss, options) => seen(await sample.gradient(x, loss, options)),
  };
  return Object.assign(Object.create(sample) as Sample, watcher);
}
