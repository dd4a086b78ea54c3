import { BlindspotError } from "../../base/errors.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { ModelRecord } from "../../corpus/schema.ts";
import { textPoint } from "../../inputs/text/code-points.ts";
import type { OpenedModel } from "../../models/open-model.ts";
import { noJournal } from "../../models/queried/journal.ts";
import { PROBE_TEXTS, probeRows } from "../../models/queried/probes.ts";
import type { Version } from "../../regression/version.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { howRead, loadKnown, readAs } from "../corpus/model.ts";
import { isQueried } from "../models/is-queried.ts";
import { openWay, targetName, wayTo } from "../models/open-queried.ts";
import { openModelFile, preprocessingFacts, readMask } from "../open.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";
import { recordBeside } from "../training-facts.ts";
import { shortNames } from "./short-names.ts";

export interface OpenVersions {
  readonly versions: readonly Version[];
  /** Where files run; null where there is none. */
  readonly runtime: Runtime | null;
  close(): Promise<void>;
}

/**
 * Versions of a model, each read as its own record in the corpus says, else as that of another of them. Options that say otherwise are taken at
 * their word: what was found under another reading is then incomparable. A model that can only be asked is known by its answers alone.
 */
export async function openVersions(
  paths: readonly string[],
  given: Given,
  corpus: Corpus,
  signal: AbortSignal,
): Promise<OpenVersions> {
  const files = await Promise.all(paths.map((path) => (isQueried(path) ? null : openModelFile(path))));
  const held = files.filter((file) => file !== null);
  const records = await corpus.models();
  const runtime = held.length === 0 ? null : await nodeRuntime();
  const names = shortNames(paths.map((path, i) => files[i]?.label ?? path));
  const opened: Version[] = [];
  const close = async () => {
    for (const { classifier } of opened) if (classifier.asked !== undefined) await classifier.close();
    await runtime?.close();
  };
  try {
    for (const [i, file] of files.entries()) {
      const identities = [file, ...held].flatMap((one) => one?.sha256 ?? []);
      const known = readAs(records, identities, paths[i]!);
      const version = await (file === null
        ? openAsked({ ...given, model: paths[i]! }, known, signal)
        : openFile(file, names[i]!, known, given, runtime!)
      ).catch((error: unknown) => {
        throw otherContract(error);
      });
      const { mask } = given;
      opened.push(mask === undefined ? version : { ...version, mask: await readMask(mask, version.classifier.dims) });
    }
    return { versions: opened, runtime, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFile(
  file: OpenedModel,
  name: string,
  known: ModelRecord,
  given: Given,
  runtime: Runtime,
): Promise<Version> {
  const loaded = await loadKnown(file, known, given, runtime);
  const training = await recordBeside({ options: { model: file.label }, model: { sha256: file.sha256 } });
  return { name, ...loaded, ...defined({ trainedOn: training?.trainedOn }) };
}

/** What only endpoints take. */
const OF_ENDPOINTS = ["adapter", "authorized", "bearer", "header"] as const;

/** Whatever it is asked it is asked afresh: an answer that wavers, or a model that was exchanged, must show. */
async function openAsked(
  given: Given & { readonly model: string },
  known: ModelRecord,
  signal: AbortSignal,
): Promise<Version> {
  const { options, classes, dims, isText, reading, kept } = await howRead(known, given);
  const own = { ...options, model: given.model };
  if (!/^https?:/.test(given.model)) for (const name of OF_ENDPOINTS) delete (own as Given)[name];
  const modality = isText ? "text" : reading.rows !== undefined ? "row" : dims.length === 3 ? "image" : "vector";
  const quantize = given.quantize ?? (modality === "image" ? "uint8" : "none");
  const way = await wayTo(own, { modality, dims, classes, quantize, ...defined({ rows: reading.rows }) });
  const [size] = dims;
  const probes = isText ? PROBE_TEXTS.map((text) => textPoint(text, size!)) : probeRows(sizeOf(dims), []);
  const classifier = await openWay(way, own, { journal: noJournal(), probes, signal });
  const { transport } = way.reached;
  const record = {
    kind: transport.kind,
    identity: classifier.fingerprint,
    classes: [...classifier.classes],
    ...kept,
    preprocessing: preprocessingFacts(options),
  };
  return { name: targetName(transport), classifier, record, reading };
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
