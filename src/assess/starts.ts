import { BlindspotError } from "../base/errors.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Codec, Quantize } from "../inputs/codec.ts";
import type { StoredRun } from "./store.ts";

/** What fooled an earlier version, for warm attacks on the next. */
export interface Starts {
  /** Names the run that they come from. */
  readonly id: string;
  /** By position of the sample in the data source. */
  readonly byIndex: ReadonlyMap<number, readonly Float32Array[]>;
}

/** The adversarial inputs of a stored run on the same data; of one whose inputs are missing or damaged, what is left. */
export async function startsOf(
  run: StoredRun,
  data: Pick<Dataset, "sha256" | "spec">,
  codec: (quantize: Quantize) => Codec,
): Promise<Starts> {
  const { result, findings } = run;
  if (result.data.sha256 !== data.sha256)
    throw new BlindspotError({
      code: "E_START_DATA",
      subject: "--start-from",
      expected: `a run on ${data.spec}`,
      got: `one on ${result.data.spec}`,
      hint: "What fooled a version is the start only at the very sample",
    });
  const byIndex = new Map<number, Float32Array[]>();
  for (const { subject, perturbation, constraints } of findings) {
    const bytes = perturbation.blob === undefined ? null : await run.blob(perturbation.blob.adversarial);
    if (bytes === null) continue;
    const point = await codec(constraints.quantization ?? "none").decode(bytes);
    byIndex.set(subject.index, [...(byIndex.get(subject.index) ?? []), point]);
  }
  return { id: `${result.model.sha256 ?? result.model.fingerprint} ${result.startedAt}`, byIndex };
}
