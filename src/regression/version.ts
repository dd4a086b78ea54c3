import type { Knowledge } from "../attacks/attack.ts";
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
  /** Hashes of the inputs that it was trained on, where they are known. */
  readonly trainedOn?: ReadonlySet<string>;
}

/** Names the version as it is read: another file, other class names or another preparation are another version. */
export function versionDigest({ record }: Version): string {
  return modelFile({ schema: MODEL_SCHEMA, ...record }).digest;
}

/** What an attacker can use of this version. */
export function profilesOf({ classifier }: Version): Knowledge[] {
  const { gradient, output } = classifier.capabilities;
  if (gradient) return ["white-box", "score", "label"];
  return output === "scores" ? ["score", "label"] : ["label"];
}
