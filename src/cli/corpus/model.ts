import { BlindspotError } from "../../base/errors.ts";
import { canonicalText } from "../../corpus/canonical-json.ts";
import { contractOf, type Reads } from "../../corpus/contract.ts";
import type { Reading } from "../../corpus/identity.ts";
import type { ModelRecord } from "../../corpus/schema.ts";
import { RowSpace, readRowSchema } from "../../inputs/index.ts";
import { type Classifier, openClassifier } from "../../models/index.ts";
import type { OpenedModel } from "../../models/open-model.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { classNames, inputFacts, modelOptions, openSchema, rowOptions } from "../open.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";

/** Texts that are longer are left out. */
const MOST_CODE_POINTS = 4096;

/** A model file, read as samples of the corpus were found with it. */
export interface KnownModel {
  readonly classifier: Classifier;
  /** As the corpus keeps it; not stored yet. */
  readonly record: Omit<ModelRecord, "schema">;
  /** What rows and texts are to it. */
  readonly reading: Reading;
}

/** How a model is read: as a record of the corpus says, unless options say otherwise. */
export interface HowRead {
  /** What prepares inputs. */
  readonly options: Given;
  readonly classes: readonly string[];
  /** Of a point of attack space. */
  readonly dims: readonly number[];
  readonly isText: boolean;
  readonly reading: Reading;
  /** As the record of the model keeps it. */
  readonly kept: Pick<ModelRecord, "dims" | "rows">;
}

export async function howRead(known: Reads, given: Given): Promise<HowRead> {
  const { schema, ...others } = given;
  const own = schema === undefined ? null : await openSchema(schema, given);
  const source = own === null ? known.rows : { ...own.schema.source };
  const rows = own ?? (source === undefined ? null : new RowSpace(readRowSchema(source, "schema of the corpus")));
  // A record without dims is one of texts, which are as long as they are.
  const isText = known.dims.length === 0;
  const dims = isText ? [MOST_CODE_POINTS] : rows === null ? known.dims : [rows.size];
  return {
    options: { ...(known.preprocessing as Given), ...others },
    classes: given.classes === undefined ? known.classes : await classNames(given.classes),
    dims,
    isText,
    reading: { size: dims[0]!, ...(rows === null ? {} : { rows }) },
    kept: { dims: isText ? [] : [...dims], ...(source === undefined ? {} : { rows: source }) },
  };
}

/** Loads a model file as `howRead` says; where nobody names the classes, the file does, or they are numbers. */
export async function loadKnown(
  opened: OpenedModel,
  known: Omit<Reads, "classes"> & { readonly classes?: readonly string[] },
  given: Given,
  runtime: Runtime,
): Promise<KnownModel> {
  const { options, classes, dims, isText, reading, kept } = await howRead(
    { ...known, classes: [...(known.classes ?? [])] },
    given,
  );
  const classifier = await openClassifier(opened, {
    ...(isText ? defined({ output: options.output }) : modelOptions(options)),
    dims,
    ...rowOptions(reading.rows),
    ...(classes.length === 0 ? {} : { classes }),
    runtime,
    label: opened.label,
  });
  const preprocessing = inputFacts(options, opened);
  const record = {
    kind: "onnx",
    identity: opened.sha256,
    classes: [...classifier.classes],
    ...kept,
    preprocessing,
  };
  return { classifier, record, reading };
}

/** The record of one of these files, the first that there is; else the way in which all models of the corpus were read. */
export function readAs(records: readonly ModelRecord[], identities: readonly string[], model: string): ModelRecord {
  const [own] = identities.flatMap((identity) => records.find((record) => record.identity === identity) ?? []);
  const ways = new Map(records.map((record) => [canonicalText({ ...contractOf(record) }), record]));
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
