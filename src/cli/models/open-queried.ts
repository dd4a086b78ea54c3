import type { ModelFacts } from "../../assess/assess.ts";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Dataset, drawSamples } from "../../data/index.ts";
import type { Quantize } from "../../inputs/index.ts";
import { textOf, textPoint } from "../../inputs/text/code-points.ts";
import { type Arrangement, arrange } from "../../models/arrangement.ts";
import type { Classifier } from "../../models/classifier.ts";
import type { LoadClassifierOptions } from "../../models/index.ts";
import { type Preprocessing, resolvePreprocessing } from "../../models/preprocessing.ts";
import type { Asking, QueriedOptions } from "../../models/queried/asker.ts";
import { type Journal, memoryJournal, noJournal } from "../../models/queried/journal.ts";
import { plannedClassifier } from "../../models/queried/planned-classifier.ts";
import { PROBE_TEXTS, probeRows } from "../../models/queried/probes.ts";
import { openQueried, type QueriedClassifier } from "../../models/queried/queried-classifier.ts";
import type { Transport } from "../../models/queried/transport.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import {
  loadOptions,
  openData,
  openModelFile,
  openSurrogate,
  preprocessingFacts,
  quantizeOf,
  readMask,
  type Target,
} from "../open.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";
import { type Reached, reach } from "./adapters.ts";
import { openJournal } from "./journal-file.ts";
import { rowForms } from "./row-forms.ts";
import type { Sent } from "./sent.ts";
import type { Sitting } from "./sitting.ts";

const TIMEOUT_SECONDS = 30;
const RETRIES = 5;
/** Rows per second to somebody else's machine, unless the user says otherwise. */
const POLITE_RATE = 10;
/** Probes that are rows of the user's data. */
const DATA_PROBES = 8;

/** The way to a model that can only be asked, before it is asked. */
export interface Way {
  readonly reached: Reached;
  readonly asking: Asking;
  readonly arrangement: Arrangement;
  readonly preprocessing: Preprocessing;
  readonly classes: readonly string[] | null;
  readonly isText: boolean;
}

/** Throws what the options and the target's own description show. */
export async function wayTo(given: Given & { readonly model: string }, sent: Sent): Promise<Way> {
  const options = await loadOptions(sent, given);
  const isText = sent.modality === "text";
  const named = given.classes === undefined ? sent.classes : (options.classes ?? null);
  const timeoutMs = 1000 * (given.timeout ?? TIMEOUT_SECONDS);
  const takes = isText ? "texts" : "numbers";
  const reached = await reach(given, { takes, forms: rowForms(sent), classes: named }, timeoutMs);
  try {
    const asking = askingOf(given, reached, timeoutMs);
    const classes = given.classes === undefined ? (reached.classes ?? named) : named;
    return { reached, asking, ...inputOf(reached, sent, options), classes, isText };
  } catch (error) {
    await reached.transport.close();
    throw error;
  }
}

/** Asks the target what it is: the probes. Closing the classifier closes the way. */
export async function openWay(
  { reached: { transport }, isText, ...way }: Way,
  given: Given,
  { journal, probes, signal }: Pick<QueriedOptions, "journal" | "probes" | "signal">,
): Promise<QueriedClassifier> {
  return openQueried({
    transport,
    journal,
    arrangement: way.arrangement,
    preprocessing: way.preprocessing,
    classes: way.classes,
    asking: way.asking,
    probes,
    ...(isText ? { textOf } : {}),
    ...defined({ signal, answers: given.answers }),
  });
}

/** Data, and a model that can only be asked: a function, a program or an endpoint. */
export async function openQueriedTarget(
  given: Given & { readonly model: string; readonly data: string },
  sitting: Sitting,
): Promise<Target> {
  const data = await openData(given);
  const mask = given.mask === undefined ? null : await readMask(given.mask, data.dims);
  const second = given.surrogate === undefined ? null : await openModelFile(given.surrogate);
  const way = await wayTo(given, sentFrom(data, quantizeOf(given, data)));
  const { transport } = way.reached;
  const runtime = second === null ? null : await nodeRuntime();
  const close = async () => {
    await transport.close();
    await runtime?.close();
  };
  try {
    const opened = second === null ? null : await openSurrogate(second, data, given, runtime!);
    const surrogate = opened?.surrogate ?? null;
    if (sitting.dryRun) {
      const classifier = planned(given, way, data);
      return { classifier, surrogate, data, facts: factsOf(given, transport), mask, close };
    }
    const journal = journalFor(way, sitting.journal);
    try {
      const classifier = await openWay(way, given, { journal, probes: await probesOf(data), signal: sitting.signal });
      const facts = { ...factsOf(given, transport), fingerprint: classifier.fingerprint, ...opened?.facts };
      const closeAll = async () => {
        journal.close();
        await close();
      };
      return { classifier, surrogate, data, facts, mask, close: closeAll };
    } catch (error) {
      journal.close();
      throw error;
    }
  } catch (error) {
    await close();
    throw error;
  }
}

function sentFrom({ modality, dims, fields, rows, classes }: Dataset, quantize: Quantize): Sent {
  return { modality, dims, classes, quantize, ...defined({ fields, rows }) };
}

/** Answers are kept, but for a function's, which is asked again more cheaply. */
function journalFor({ reached, arrangement, preprocessing, classes }: Way, path: string | null): Journal {
  if (reached.transport.kind === "function") return noJournal();
  if (path === null) return memoryJournal();
  return openJournal(path, sha256(JSON.stringify([reached.identity, { arrangement, preprocessing }, classes])));
}

async function probesOf(data: Dataset): Promise<Float32Array[]> {
  const size = sizeOf(data.dims);
  const ofData = await someRows(data);
  return data.modality === "text"
    ? [...PROBE_TEXTS.map((text) => textPoint(text, size)), ...ofData]
    : probeRows(size, ofData);
}

async function someRows(data: Dataset): Promise<Float32Array[]> {
  const indices = drawSamples(data, { samples: Math.min(DATA_PROBES, data.length), seed: 0 });
  return Promise.all(indices.map(async (index) => (await data.sample(index)).point));
}

function askingOf(given: Given, { remote, requestRows, concurrency }: Reached, timeoutMs: number): Asking {
  const { maxQueries, costPerQuery, maxCost } = given;
  const problems: Problem[] = [];
  if (maxCost !== undefined && costPerQuery === undefined)
    problems.push({ code: "E_OPTION_MISSING", subject: "--max-cost", expected: "--cost-per-query too" });
  if (requestRows.fixed && given.requestRows !== undefined && given.requestRows !== requestRows.default)
    problems.push({
      code: "E_OPTION",
      subject: "--request-rows",
      expected: "1: the template holds one row",
      got: String(given.requestRows),
      hint: "Use $inputs in the template, if the endpoint takes several rows",
    });
  if (problems.length > 0) throw new BlindspotError(problems);
  return {
    timeoutMs,
    retries: given.retries ?? RETRIES,
    rate: given.rate ?? (remote ? POLITE_RATE : Infinity),
    concurrency: given.concurrency ?? concurrency,
    requestRows: given.requestRows ?? requestRows.default,
    ...(maxQueries === undefined ? {} : { maxQueries }),
    ...(costPerQuery === undefined ? {} : { costPerQuery }),
    ...(maxCost === undefined ? {} : { maxCost }),
  };
}

/** How a row of attack space becomes what the target takes: as it declares, as the user says, or as the data is. */
function inputOf(
  reached: Reached,
  { dims }: Sent,
  options: LoadClassifierOptions,
): Pick<Way, "arrangement" | "preprocessing"> {
  const planes = options.layout === "nchw" && dims.length === 3;
  const declared: readonly (number | string)[] =
    reached.declared ?? options.shape?.map(() => "") ?? (planes ? ["", dims[2]!, dims[0]!, dims[1]!] : ["", ...dims]);
  const arrangement: Arrangement = arrange("input", declared, { ...options, dims });
  const problems: Problem[] = [];
  const preprocessing = resolvePreprocessing(options, dims, reached.bytes, problems);
  if (problems.length > 0) throw new BlindspotError(problems);
  return { arrangement, preprocessing };
}

function planned(given: Given, { reached: { output, transport }, asking, classes }: Way, data: Dataset): Classifier {
  if (classes === null)
    throw new BlindspotError({
      code: "E_CLASSES",
      subject: transport.name,
      expected: "class names: a plan needs their number, and nothing is asked for a plan",
      hint: "Give them with --classes",
    });
  return plannedClassifier({
    classes,
    dims: data.dims,
    output: given.answers ?? output ?? "scores",
    requestRows: asking.requestRows,
    concurrency: asking.concurrency,
    toll: {
      secondsPerQuery: Number.isFinite(asking.rate) ? 1 / asking.rate : null,
      costPerQuery: asking.costPerQuery ?? 0,
    },
  });
}

function factsOf(given: Given, transport: Transport): ModelFacts {
  const { authorized } = given;
  return {
    kind: transport.kind,
    name: targetName(transport),
    preprocessing: preprocessingFacts(given),
    ...(authorized === undefined ? {} : { authorized }),
    runtime: null,
  };
}

/** As results and the corpus call it. */
export function targetName({ name }: Pick<Transport, "name">): string {
  return name.replace(/^cmd:/, "");
}
