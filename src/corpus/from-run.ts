import type { Finding, Result, SampleLine } from "../assess/schema.ts";
import type { StoredRun } from "../assess/store.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Added, Corpus } from "./corpus.ts";
import { foundChange } from "./found-change.ts";
import { codecOf, formOf, type Reading } from "./identity.ts";
import type { ClassRef, EventBody } from "./schema.ts";

/** What storing a run did. */
export interface StoredFromRun {
  readonly findings: { readonly stored: number; readonly isNew: number };
  readonly naturalErrors: { readonly stored: number; readonly isNew: number };
  /** What could not be stored, in sentences. */
  readonly notes: readonly string[];
}

interface RunFacts {
  readonly corpus: Corpus;
  readonly result: Result;
  /** Record of the model in the corpus. */
  readonly model: string;
  /** Name of the run, for the record. */
  readonly name: string;
  /** What its inputs are to the model. */
  readonly reading: Reading;
}

type RunData = Pick<Dataset, "sample" | "naturalQuantize" | "modality" | "sha256" | "rows">;

/**
 * Stores the findings of a run and what the model gets wrong without any attack. Storing the same run twice changes nothing.
 * @param data where the run's samples came from; without it natural errors can't be stored, since a run does not keep their inputs, nor rows,
 * whose schema the data has
 */
export async function storeRun(
  corpus: Corpus,
  run: StoredRun,
  data: RunData | null,
  name: string,
): Promise<StoredFromRun> {
  const { result, findings, samples } = run;
  const rows = data?.rows;
  const model = await corpus.storeModel(recordOf(result, data));
  const notes: string[] = [];
  const reading = { size: result.model.dims[0]!, ...(rows === undefined ? {} : { rows }) };
  const facts: RunFacts = { corpus, result, model, name, reading };
  const stored: Added[] = [];
  let lost = 0;
  for (const finding of findings) {
    const added = await storeFinding(facts, run, finding);
    if (added === null) lost++;
    else stored.push(added);
  }
  const unread = rows === undefined && findings.some(({ subject }) => subject.modality === "row");
  const why = unread ? "are rows, whose schema is not at hand" : "have no stored inputs, or damaged ones";
  if (lost > 0) notes.push(`${lost} of ${findings.length} findings ${why}: left out`);
  const wrong = [...new Map(samples.filter(isNaturalError).map((line) => [line.index, line])).values()];
  const natural: Added[] = [];
  if (data !== null && data.sha256 === result.data.sha256)
    for (const line of wrong) natural.push(await storeNaturalError(facts, data, line));
  else if (wrong.length > 0)
    notes.push(
      `${wrong.length} natural errors are left out: the data of the run ${data === null ? "is not open" : "has changed"}`,
    );
  const forgotten = [...stored, ...natural].filter((one) => one.forgotten).length;
  if (forgotten > 0) notes.push(`${forgotten} were forgotten before, and stay so`);
  return { findings: counted(stored), naturalErrors: counted(natural), notes };
}

/** How the model of a run was read. Of texts it is the data that says how long they may be, not the model. */
function recordOf({ model }: Result, data: RunData | null): Parameters<Corpus["storeModel"]>[0] {
  const { kind, sha256, fingerprint, classes, dims, preprocessing } = model;
  const identity = (sha256 ?? fingerprint)!;
  const rows = data?.rows?.schema.source;
  const read = { kind, identity, classes, dims: data?.modality === "text" ? [] : dims, preprocessing };
  return rows === undefined ? read : { ...read, rows };
}

function counted(added: readonly Added[]): { stored: number; isNew: number } {
  const kept = new Map(added.filter(({ forgotten }) => !forgotten).map(({ id }) => [id, false]));
  for (const { id, isNew } of added) if (isNew) kept.set(id, true);
  return { stored: kept.size, isNew: [...kept.values()].filter(Boolean).length };
}

function isNaturalError({ status }: SampleLine): boolean {
  return status === "misclassified";
}

function classOf({ model }: Result, index: number): ClassRef {
  return { name: model.classes[index] ?? String(index), index };
}

async function storeFinding(facts: RunFacts, run: StoredRun, finding: Finding): Promise<Added | null> {
  const { blob } = finding.perturbation;
  if (blob === undefined) return null;
  const [clean, adversarial] = await Promise.all([run.blob(blob.original), run.blob(blob.adversarial)]);
  if (clean === null || adversarial === null) return null;
  const { corpus, result, reading } = facts;
  const quantize = finding.constraints.quantization ?? "none";
  const { modality } = finding.subject;
  if (modality === "row" && reading.rows === undefined) return null;
  const codec = codecOf(formOf({ modality, dims: result.model.dims, quantize }), reading);
  const { outputChange, subject, attack, threatModel, constraints, perturbation } = finding;
  const [point, origin] = await Promise.all([codec.decode(adversarial), codec.decode(clean)]);
  const event: EventBody = {
    event: "found",
    kind: "adversarial",
    run: facts.name,
    model: facts.model,
    modelName: result.model.name,
    label: classOf(result, outputChange.trueLabel),
    predicted: classOf(result, outputChange.after.label),
    confidence: outputChange.after.confidence,
    margin: outputChange.after.margin,
    data: source(result, subject.sampleId, subject.index, subject.group),
    threat: constraints.threat,
    attack: {
      name: attack.name,
      knowledge: threatModel.knowledge,
      settings: attack.settings,
      seed: finding.seed,
      queries: attack.queriesUsed,
      gradients: attack.gradientsUsed,
    },
    ...foundChange(perturbation, origin),
    finding: finding.id,
  };
  return corpus.add({ codec, point, clean: origin, events: [event] });
}

async function storeNaturalError(
  { corpus, result, model, name, reading }: RunFacts,
  data: RunData,
  line: SampleLine,
): Promise<Added> {
  const { point } = await data.sample(line.index);
  const { modality, naturalQuantize: quantize } = data;
  const codec = codecOf(formOf({ modality, dims: result.model.dims, quantize }), reading);
  const event: EventBody = {
    event: "found",
    kind: "natural",
    run: name,
    model,
    modelName: result.model.name,
    label: classOf(result, line.label),
    predicted: classOf(result, line.predicted.before),
    data: source(result, line.sample, line.index, line.group),
  };
  return corpus.add({ codec, point, clean: null, events: [event] });
}

function source({ data }: Result, sample: string, index: number, group: string | undefined) {
  return { spec: sourceName(data.spec), sample, index, ...(group === undefined ? {} : { group }) };
}

/** A source as it was given, without the folders of the machine that it lay on: the corpus is shared. */
export function sourceName(spec: string): string {
  const colon = spec.indexOf(":") + 1;
  const [paths = "", ...query] = spec.slice(colon).split("?");
  const names = paths.split(",").map((path) => /[^/\\]*[/\\]*$/.exec(path)![0]);
  return [spec.slice(0, colon) + names.join(","), ...query].join("?");
}
