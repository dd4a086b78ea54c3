import type { ModelFacts } from "../../assess/assess.ts";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Dataset, drawSamples } from "../../data/index.ts";
import { textOf, textPoint } from "../../inputs/text/code-points.ts";
import { type Arrangement, arrange } from "../../models/arrangement.ts";
import type { Classifier } from "../../models/classifier.ts";
import type { LoadClassifierOptions } from "../../models/index.ts";
import { resolvePreprocessing } from "../../models/preprocessing.ts";
import type { Asking } from "../../models/queried/asker.ts";
import { memoryJournal, noJournal } from "../../models/queried/journal.ts";
import { plannedClassifier } from "../../models/queried/planned-classifier.ts";
import { PROBE_TEXTS, probeRows } from "../../models/queried/probes.ts";
import { openQueried } from "../../models/queried/queried-classifier.ts";
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
import { type Reached, reach } from "./adapters.ts";
import { openJournal } from "./journal-file.ts";
import { rowForms } from "./row-forms.ts";
import type { Sitting } from "./sitting.ts";

const TIMEOUT_SECONDS = 30;
const RETRIES = 5;
/** Rows per second to somebody else's machine, unless the user says otherwise. */
const POLITE_RATE = 10;
/** Probes that are rows of the user's data. */
const DATA_PROBES = 8;

/** Data, and a model that can only be asked: a function, a program or an endpoint. */
export async function openQueriedTarget(
  given: Given & { readonly model: string; readonly data: string },
  sitting: Sitting,
): Promise<Target> {
  const data = await openData(given);
  const mask = given.mask === undefined ? null : await readMask(given.mask, data.dims);
  const options = await loadOptions(data, given);
  const second = given.surrogate === undefined ? null : await openModelFile(given.surrogate);
  const timeoutMs = 1000 * (given.timeout ?? TIMEOUT_SECONDS);
  const isText = data.modality === "text";
  const named = given.classes === undefined ? data.classes : (options.classes ?? null);
  const sends = {
    takes: isText ? "texts" : "numbers",
    forms: rowForms(data, quantizeOf(given, data)),
    classes: named,
  } as const;
  const reached = await reach(given, sends, timeoutMs);
  const asking = askingOf(given, reached, timeoutMs);
  const input = inputOf(reached, data, options);
  const classes = given.classes === undefined ? (reached.classes ?? named) : named;
  const runtime = second === null ? null : await nodeRuntime();
  const close = async () => {
    await reached.transport.close();
    await runtime?.close();
  };
  try {
    const opened = second === null ? null : await openSurrogate(second, data, given, runtime!);
    const surrogate = opened?.surrogate ?? null;
    if (sitting.dryRun) {
      const classifier = planned(given, reached, asking, data, classes);
      return { classifier, surrogate, data, facts: factsOf(given, reached), mask, close };
    }
    const identity = sha256(JSON.stringify([reached.identity, input, classes]));
    const journal =
      reached.transport.kind === "function"
        ? noJournal()
        : sitting.journal === null
          ? memoryJournal()
          : openJournal(sitting.journal, identity);
    try {
      const classifier = await openQueried({
        transport: reached.transport,
        journal,
        ...input,
        classes,
        asking,
        probes: await probesOf(data),
        ...(isText ? { textOf } : {}),
        signal: sitting.signal,
        ...(given.answers === undefined ? {} : { answers: given.answers }),
      });
      const facts = {
        ...factsOf(given, reached),
        fingerprint: classifier.fingerprint,
        ...opened?.facts,
      };
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
function inputOf(reached: Reached, data: Dataset, options: LoadClassifierOptions) {
  const { dims } = data;
  const planes = options.layout === "nchw" && dims.length === 3;
  const declared: readonly (number | string)[] =
    reached.declared ?? options.shape?.map(() => "") ?? (planes ? ["", dims[2]!, dims[0]!, dims[1]!] : ["", ...dims]);
  const arrangement: Arrangement = arrange("input", declared, { ...options, dims });
  const problems: Problem[] = [];
  const preprocessing = resolvePreprocessing(options, dims, reached.bytes, problems);
  if (problems.length > 0) throw new BlindspotError(problems);
  return { arrangement, preprocessing };
}

function planned(
  given: Given,
  { output, transport }: Reached,
  asking: Asking,
  data: Dataset,
  classes: readonly string[] | null,
): Classifier {
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

function factsOf(given: Given, { transport }: Reached): ModelFacts {
  const { authorized } = given;
  return {
    kind: transport.kind,
    name: transport.name.replace(/^cmd:/, ""),
    preprocessing: preprocessingFacts(given),
    ...(authorized === undefined ? {} : { authorized }),
    runtime: null,
  };
}
