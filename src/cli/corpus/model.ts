import { BlindspotError } from "../../base/errors.ts";
import { canonicalText } from "../../corpus/canonical-json.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Reading } from "../../corpus/identity.ts";
import type { ModelRecord } from "../../corpus/schema.ts";
import { RowSpace, readRowSchema } from "../../inputs/index.ts";
import { type Classifier, openClassifier } from "../../models/index.ts";
import type { OpenedModel } from "../../models/open-model.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { classNames, modelOptions, openModelFile, preprocessingFacts } from "../open.ts";
import type { Given } from "../options.ts";

/** Texts that are longer are left out. */
const MOST_CODE_POINTS = 4096;

/** A model file, read as samples of the corpus were found with it. */
export interface KnownModel {
  readonly classifier: Classifier;
  /** As the corpus keeps it; not stored yet. */
  readonly record: Omit<ModelRecord, "schema">;
  /** What rows and texts are to it. */
  readonly reading: Reading;
  close(): Promise<void>;
}

/** Opens a model file in a runtime of its own. */
export async function openKnownModel(corpus: Corpus, given: Given & { readonly model: string }): Promise<KnownModel> {
  const opened = await openModelFile(given.model);
  const runtime = await nodeRuntime();
  try {
    const known = readAs(await corpus.models(), [opened.sha256], given.model);
    return { ...(await loadKnown(opened, known, given, runtime)), close: () => runtime.close() };
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/**
 * Loads a model file as a record of the corpus says that models are read: classes, size and preparation of inputs. Options that are given count
 * before that.
 */
export async function loadKnown(
  opened: OpenedModel,
  known: Pick<ModelRecord, "classes" | "dims" | "preprocessing" | "rows">,
  given: Given,
  runtime: Runtime,
): Promise<Omit<KnownModel, "close">> {
  const read: Given = { ...(known.preprocessing as Given), ...given };
  const classes = given.classes === undefined ? known.classes : await classNames(given.classes);
  const rows = known.rows === undefined ? null : new RowSpace(readRowSchema(known.rows, "schema of the corpus"));
  // A record without dims is one of texts, which are as long as they are.
  const text = known.dims.length === 0;
  const classifier = await openClassifier(opened.bytes, {
    ...(text ? {} : modelOptions(read)),
    ...(rows === null ? {} : { features: rows.boxes }),
    dims: text ? [MOST_CODE_POINTS] : known.dims,
    classes,
    runtime,
    label: opened.label,
  });
  const record = {
    kind: "onnx",
    identity: opened.sha256,
    classes: [...classifier.classes],
    dims: text ? [] : [...classifier.dims],
    preprocessing: preprocessingFacts(read),
    ...(known.rows === undefined ? {} : { rows: known.rows }),
  };
  return { classifier, record, reading: { size: classifier.dims[0]!, ...(rows === null ? {} : { rows }) } };
}

/** The record of one of these files, the first that there is; else the way in which all models of the corpus were read. */
export function readAs(records: readonly ModelRecord[], identities: readonly string[], model: string): ModelRecord {
  const [own] = identities.flatMap((identity) => records.find((record) => record.identity === identity) ?? []);
  const ways = new Map(
    records.map((record) => [
      canonicalText([record.classes, record.dims, record.preprocessing, record.rows ?? null]),
      record,
    ]),
  );
  const known = own ?? (ways.size === 1 ? [...ways.values()][0] : undefined);
  if (known !== undefined) return known;
  throw new BlindspotError({
    code: "E_CORPUS_MODEL",
    subject: model,
    expected: "a model that samples of this corpus were found with, or one that is read like all of these",
    got: ways.size === 0 ? "a corpus without models" : `${ways.size} ways to read a model`,
    hint: "Assess it first: blindspot assess --model MODEL --data SPEC --threat SPEC --corpus DIR",
  });
}
