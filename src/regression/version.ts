import type { Knowledge } from "../attacks/attack.ts";
import { BlindspotError } from "../base/errors.ts";
import type { Reading } from "../corpus/identity.ts";
import { modelFile } from "../corpus/layout.ts";
import { MODEL_SCHEMA, type ModelRecord } from "../corpus/schema.ts";
import type { Classifier } from "../models/classifier.ts";

/** One version of a model, opened. */
export interface Version {
  readonly name: string;
  readonly classifier: Classifier;
  /** The file's hash, its classes and how its inputs are prepared. */
  readonly record: Omit<ModelRecord, "schema">;
  /** What rows and texts are to it. */
  readonly reading?: Reading;
  /** Where inputs may change, for samples that were found behind a mask: a byte per value. */
  readonly mask?: Uint8Array;
  /** Hashes of the inputs that it was trained on, where they are known. */
  readonly trainedOn?: ReadonlySet<string>;
}

/** Names the version as it is read: another file, other class names or another preparation are another version. */
export function versionDigest({ record }: Version): string {
  return modelFile({ schema: MODEL_SCHEMA, ...record }).digest;
}

/** What an attacker can use of this version. */
export function profilesOf({ classifier }: Version): Knowledge[] {
  const { gradient, output, trees = false } = classifier.capabilities;
  if (gradient || trees) return ["white-box", "score", "label"];
  return output === "scores" ? ["score", "label"] : ["label"];
}

/** Equal effort: what one of them does not allow is not used on the others. */
export function sharedProfiles(versions: readonly Version[], wanted?: readonly Knowledge[]): Knowledge[] {
  const [first, ...others] = versions.map(profilesOf);
  const shared = first!.filter((knowledge) => others.every((profiles) => profiles.includes(knowledge)));
  return wanted === undefined ? shared : shared.filter((knowledge) => wanted.includes(knowledge));
}

/**
 * Throws `E_TARGET_CHANGED` where a model that can only be asked answers fixed probes otherwise than when it was opened: what was learned is of no
 * one version. Where it answers no more there is nothing to compare.
 */
export async function requireUnchanged({ name, classifier }: Version): Promise<void> {
  const { drift, ended } = classifier;
  const isGone =
    ended?.aborted === true && !(ended.reason instanceof BlindspotError && ended.reason.code === "E_BUDGET");
  if (drift === undefined || isGone) return;
  const { differing, of } = await drift.call(classifier);
  if (differing === 0) return;
  throw new BlindspotError(
    {
      code: "E_TARGET_CHANGED",
      subject: name,
      got: `other answers to ${differing} of ${of} probes than when the gate began`,
      hint: "Gate it again when it no longer changes",
    },
    { exitCode: 3 },
  );
}
