import { z } from "zod";
import { BlindspotError } from "../base/errors.ts";
import { pooled } from "../base/pooled.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { codecOf } from "../corpus/identity.ts";
import { type Case, incomparable } from "./case.ts";
import { changesOf } from "./changes.ts";
import { readInputs } from "./inputs.ts";
import { type Memory, memoryKey } from "./memory.ts";
import { observe } from "./replay.ts";
import { changeSchema, type Observation, observationSchema, type ReplayCase } from "./schema.ts";
import { type Version, versionDigest } from "./version.ts";

/** What one version makes of one case. */
export interface Replayed {
  readonly observation: Observation;
  readonly rendition: ReplayCase["rendition"];
  readonly changes?: ReplayCase["changes"];
}

export interface ReplayWork {
  readonly corpus: Corpus;
  readonly memory: Memory;
  readonly toolVersion: string;
  readonly signal?: AbortSignal | undefined;
  /** Called after each case. */
  readonly onCase?: (done: number) => void;
}

export interface ReplayedAll {
  /** In the order of the cases. */
  readonly replayed: readonly Replayed[];
  /** How many were asked now, and how many answers were remembered. */
  readonly asked: number;
  readonly remembered: number;
}

const rememberedSchema = z.object({
  observation: observationSchema,
  rendition: z.enum(["raw", "witness"]),
  changes: z.array(changeSchema).optional(),
});
/** Inputs held in memory at once, for each pass that the model overlaps. */
const AHEAD = 4;

/**
 * Asks a version about every case. What it was asked before, as the same file read in the same way, is not asked again. A model that we do not hold
 * may be another by now, whatever its fingerprint says: it is always asked.
 */
export async function replayAll(version: Version, cases: readonly Case[], work: ReplayWork): Promise<ReplayedAll> {
  const asker = memoryKey({ what: "replay", toolVersion: work.toolVersion, version: versionDigest(version) });
  const isHeld = version.classifier.asked === undefined;
  let [asked, remembered, done] = [0, 0, 0];
  const replayed = await pooled(cases, AHEAD * version.classifier.concurrency, async (one): Promise<Replayed> => {
    const key = `${asker} ${one.decides}`;
    const before = rememberedSchema.safeParse(isHeld ? work.memory.get(key) : undefined);
    let result: Replayed;
    const reason = incomparable(version, one);
    if (reason !== null) result = { observation: { state: "incomparable", detail: reason }, rendition: "raw" };
    else if (before.success) {
      remembered++;
      const { changes, ...others } = before.data;
      result = changes === undefined ? others : { ...others, changes };
    } else if (work.signal?.aborted === true)
      result = { observation: { state: "skipped", detail: "time was over" }, rendition: "raw" };
    else {
      asked++;
      result = await ask(version, one, work.corpus);
      if (isHeld && result.observation.state !== "error") await work.memory.put(key, result);
    }
    work.onCase?.(++done);
    return result;
  });
  return { replayed, asked, remembered };
}

/** A damaged file or a model that fails is one case without an answer, not the end of the gate. */
async function ask(version: Version, one: Case, corpus: Corpus): Promise<Replayed> {
  try {
    const inputs = await readInputs(corpus, one, version);
    const changes = changesOf(codecOf(one.entry.manifest, version.reading), inputs.point, inputs.clean);
    const observation = await observe(version, one, inputs);
    return { observation, rendition: inputs.rendition, ...(changes === null ? {} : { changes }) };
  } catch (error) {
    // A budget that is spent is no fault of this case.
    const end = endOf(version, undefined);
    if (end !== null) return { observation: { state: "skipped", detail: end }, rendition: "raw" };
    const detail = error instanceof BlindspotError ? error.message : `E_UNEXPECTED ${(error as Error).message}`;
    return { observation: { state: "error", detail }, rendition: "raw" };
  }
}

/** Why a version is asked no more, or null. */
export function endOf({ classifier: { ended } }: Version, signal: AbortSignal | undefined): string | null {
  if (signal?.aborted === true) return "time was over";
  if (ended?.aborted !== true) return null;
  const reason: unknown = ended.reason;
  if (!(reason instanceof BlindspotError) || reason.code === "E_STOPPED") return "time was over";
  return reason.code === "E_BUDGET" ? "the budget of queries is spent" : reason.message;
}
