import { basename } from "node:path";
import { BlindspotError } from "../../base/errors.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Version } from "../../regression/version.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { loadKnown, readAs } from "../corpus/model.ts";
import { openModelFile } from "../open.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";
import { recordBeside } from "../training-facts.ts";

export interface OpenVersions {
  readonly versions: readonly Version[];
  close(): Promise<void>;
}

/**
 * Versions of a model, each read as its own record in the corpus says, else as that of another of them. Options that say otherwise are taken at
 * their word: what was found under another reading is then incomparable.
 */
export async function openVersions(paths: readonly string[], given: Given, corpus: Corpus): Promise<OpenVersions> {
  const files = await Promise.all(paths.map(openModelFile));
  const records = await corpus.models();
  const runtime = await nodeRuntime();
  try {
    const versions: Version[] = [];
    for (const file of files) {
      const identities = [file, ...files].map(({ sha256 }) => sha256);
      const known = readAs(records, identities, file.label);
      const loaded = await loadKnown(file, known, given, runtime).catch((error: unknown) => {
        throw otherContract(error);
      });
      const record = await recordBeside({ options: { model: file.label }, model: { sha256: file.sha256 } });
      versions.push({ name: basename(file.label), ...loaded, ...defined({ trainedOn: record?.trainedOn }) });
    }
    return { versions, close: () => runtime.close() };
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** A version with other outputs can't be compared: that is no mistake of whoever asked. */
function otherContract(error: unknown): unknown {
  if (!(error instanceof BlindspotError) || error.code !== "E_CLASSES") return error;
  return new BlindspotError(
    error.problems.map((problem) => ({
      ...problem,
      code: "E_INCOMPARABLE",
      hint: "The corpus was found on models with other classes. Begin a corpus of its own for this one",
    })),
    { exitCode: 3, cause: error },
  );
}
