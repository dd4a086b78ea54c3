import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { ModelFacts } from "../assess/assess.ts";
import { BlindspotError } from "../base/errors.ts";
import { type Dataset, openDataset, sharpImages } from "../data/index.ts";
import {
  type Codec,
  imageCodec,
  type Quantize,
  RowSpace,
  readRowSchema,
  rowCodec,
  textCodec,
  vectorCodec,
} from "../inputs/index.ts";
import { type Classifier, type LoadClassifierOptions, openClassifier, takesText } from "../models/index.ts";
import { type OpenedModel, openModel } from "../models/open-model.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { loadSurrogate } from "../surrogates/train-surrogate.ts";
import { readNpy } from "../tensor/npy.ts";
import { sizeOf, toNumbers } from "../tensor/tensor.ts";
import { isQueried } from "./models/is-queried.ts";
import { requireSurrogateFile, surrogateNotes } from "./models/surrogate-file.ts";
import { type Given, longFlag } from "./options.ts";
import { dataRange, modelRange, UNIT } from "./ranges.ts";

/** Names joined by commas, or a file: a JSON array, or one name a line. */
export async function classNames(text: string): Promise<string[]> {
  const refuse = (got: string, hint?: string) =>
    new BlindspotError({
      code: "E_CLASSES",
      subject: `--classes ${text}`,
      expected: "two or more names joined by commas, or a file of them: a JSON array, or one a line",
      got,
      ...(hint === undefined ? {} : { hint }),
    });
  const content = await readFile(text, "utf8").catch(() => null);
  let names: unknown;
  try {
    if (content === null) names = text.split(",");
    else names = content.trimStart().startsWith("[") ? JSON.parse(content) : content.split(/\r?\n/);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const list = (names as unknown[]).map((name) => String(name).trim()).filter((name) => name !== "");
  if (list.length < 2)
    throw refuse(
      list.length === 0 ? "no names" : `'${list[0]}'`,
      content === null ? "There is no such file." : undefined,
    );
  return list;
}

/** Some commands need the file itself: its graph, its gradients, its weights. */
function requireFile(model: string): void {
  if (!isQueried(model)) return;
  throw new BlindspotError({
    code: "E_MODEL_KIND",
    subject: model,
    expected: "an .onnx file",
    got: "a model that can only be asked",
    hint: "assess, attack and inspect take it. Else give the original .onnx file, or a surrogate of it: assess --surrogate train:N keeps one",
  });
}

/** The options of a model's input, as `openClassifier` takes them. */
export function modelOptions(given: Given): LoadClassifierOptions {
  const { mean, std, channels, layout, shape, output } = given;
  const range = given.inputRange === undefined ? {} : modelRange(given.inputRange);
  return Object.fromEntries(
    Object.entries({ ...range, mean, std, channels, layout, shape, output }).filter(([, value]) => value !== undefined),
  );
}

/** The schema of rows. It says where values lie; options that would say so too are refused. */
export async function openSchema(path: string, { inputRange, mean, std }: Given): Promise<RowSpace> {
  const twice = Object.entries({ "--input-range": inputRange, "--mean": mean, "--std": std }).filter(
    ([, value]) => value !== undefined,
  );
  if (twice.length > 0)
    throw new BlindspotError(
      twice.map(([subject]) => ({ code: "E_OPTION_TWICE", subject, expected: "--schema alone: it has the ranges" })),
    );
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new BlindspotError(
      { code: "E_SCHEMA_READ", subject: `--schema ${path}`, expected: "a JSON file", got: (error as Error).message },
      { cause: error },
    );
  }
  return new RowSpace(readRowSchema(json, path));
}

export async function openData(given: Given & { readonly data: string }): Promise<Dataset> {
  const classes = given.classes === undefined ? undefined : await classNames(given.classes);
  const rows = given.schema === undefined ? undefined : await openSchema(given.schema, given);
  const data = await openDataset(given.data, {
    ...(rows === undefined ? {} : { rows }),
    ...(classes === undefined ? {} : { classes }),
    ...(given.inputRange === undefined ? {} : { inputRange: dataRange(given.inputRange) }),
  });
  if (data.modality === "text") refuseForTexts(given);
  return data;
}

/** What only numbers have. */
const OF_NUMBERS = ["inputRange", "mean", "std", "channels", "layout", "shape", "mask"] as const;

function refuseForTexts(given: Given): void {
  const problems = OF_NUMBERS.filter((name) => given[name] !== undefined).map((name) => ({
    code: "E_OPTION",
    subject: longFlag(name),
    expected: "data of numbers",
    got: "texts",
  }));
  if (problems.length > 0) throw new BlindspotError(problems);
}

/** A model file, opened once: its bytes are hashed and loaded. */
export async function openModelFile(model: string): Promise<OpenedModel> {
  requireFile(model);
  return openModel(model);
}

/** What `openClassifier` needs to know to fit a model to this data. */
export async function loadOptions(
  data: Pick<Dataset, "classes" | "dims" | "rows">,
  given: Given,
): Promise<LoadClassifierOptions> {
  const classes = given.classes === undefined ? data.classes : await classNames(given.classes);
  return {
    ...modelOptions(given),
    dims: data.dims,
    ...rowOptions(data.rows),
    ...(classes === null ? {} : { classes }),
  };
}

/** How a model takes rows of a table. */
export function rowOptions(rows: RowSpace | undefined): LoadClassifierOptions {
  return rows === undefined ? {} : { dims: [rows.size], features: rows.boxes, rows };
}

/** The attacker's own model. One that Blindspot trained takes attack space as it is, whatever the target takes. */
export async function openSurrogate(
  opened: OpenedModel,
  data: Dataset,
  given: Given,
  runtime: Runtime,
): Promise<{ readonly surrogate: Classifier; readonly facts: Partial<ModelFacts> }> {
  const notes = surrogateNotes(opened);
  const surrogateSha256 = opened.sha256;
  if (notes === null) return { surrogate: await loadFor(opened, data, given, runtime), facts: { surrogateSha256 } };
  const { classes } = await loadOptions(data, given);
  const surrogate = await loadSurrogate(opened.model, { dims: data.dims, ...(classes && { classes }) }, runtime);
  return { surrogate, facts: { surrogateSha256, surrogate: notes.facts } };
}

async function loadFor(opened: OpenedModel, data: Dataset, given: Given, runtime: Runtime): Promise<Classifier> {
  const kinds = [data.rows === undefined && takesText(opened.model), data.modality === "text"].map((text) =>
    text ? "texts" : "numbers",
  );
  if (kinds[0] !== kinds[1])
    throw new BlindspotError({
      code: "E_MODEL_KIND",
      subject: opened.label,
      expected: `a model of ${kinds[1]}: the data holds such`,
      got: `one of ${kinds[0]}`,
    });
  return openClassifier(opened, { ...(await loadOptions(data, given)), runtime, label: opened.label });
}

/** How inputs of this data are decoded, hashed and written. */
export function codecFor(data: Dataset): (quantize: Quantize) => Codec {
  const { rows } = data;
  if (rows !== undefined) return () => rowCodec(rows);
  if (data.modality === "text") return () => textCodec(sizeOf(data.dims));
  return (quantize) =>
    data.modality === "image" ? imageCodec(data.dims, quantize, sharpImages) : vectorCodec(data.dims, data.fields);
}

/** Model, surrogate and data of a command. */
export interface Target {
  readonly classifier: Classifier;
  readonly surrogate: Classifier | null;
  readonly data: Dataset;
  readonly facts: ModelFacts;
  readonly mask: Uint8Array | null;
  /** Where the model itself runs. */
  readonly runtime?: Runtime;
  /** What a surrogate will be trained from, where it is only planned. */
  readonly training?: SurrogateTraining;
  close(): Promise<void>;
}

export interface SurrogateTraining {
  /** Rows that the target is asked about. */
  readonly queries: number;
  /** Of these, samples that are not attacked. */
  readonly start: number;
  readonly rounds: number;
}

/** A target that is a file, and the runtime that runs it. */
export interface FileTarget extends Target {
  readonly opened: OpenedModel;
  readonly runtime: Runtime;
}

export async function openTarget(
  given: Given & { readonly model: string; readonly data: string },
): Promise<FileTarget> {
  requireSurrogateFile(given.surrogate);
  const opened = await openModelFile(given.model);
  const second = given.surrogate === undefined ? null : await openModelFile(given.surrogate);
  const data = await openData(given);
  const mask = given.mask === undefined ? null : await readMask(given.mask, data.dims);
  const runtime = await nodeRuntime();
  try {
    const classifier = await loadFor(opened, data, given, runtime);
    const other = second === null ? null : await openSurrogate(second, data, given, runtime);
    const facts = { ...factsOf(opened, given, runtime), ...other?.facts };
    return {
      opened,
      classifier,
      surrogate: other?.surrogate ?? null,
      data,
      runtime,
      facts,
      mask,
      close: () => runtime.close(),
    };
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** The same models for a matrix, each against the same data. */
export async function openModels(
  models: readonly string[],
  given: Given & { readonly data: string },
): Promise<{
  readonly opened: readonly OpenedModel[];
  readonly classifiers: readonly Classifier[];
  readonly data: Dataset;
  readonly runtime: Runtime;
  readonly mask: Uint8Array | null;
  close(): Promise<void>;
}> {
  const opened = await Promise.all(models.map(openModelFile));
  const data = await openData(given);
  const mask = given.mask === undefined ? null : await readMask(given.mask, data.dims);
  const runtime = await nodeRuntime();
  try {
    const classifiers: Classifier[] = [];
    for (const one of opened) classifiers.push(await loadFor(one, data, given, runtime));
    return { opened, classifiers, data, runtime, mask, close: () => runtime.close() };
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** What the adversarial inputs of this data can hold, unless the user says otherwise. */
export function quantizeOf({ quantize }: Given, data: Dataset): Quantize {
  return quantize ?? data.naturalQuantize;
}

/** How inputs are prepared, as results and the corpus keep it. */
export function preprocessingFacts(given: Given): Record<string, unknown> {
  const { inputRange, mean, std, channels, layout, shape, output } = given;
  return Object.fromEntries(
    Object.entries({ inputRange: inputRange ?? UNIT, mean, std, channels, layout, shape, output }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** The same of a model of texts. */
function readingFacts({ output }: Given, { tokenizer }: OpenedModel): Record<string, unknown> {
  return {
    ...(output === undefined ? {} : { output }),
    ...(tokenizer === undefined ? {} : { tokenizer: tokenizer.sha256 }),
  };
}

/** How a model file's inputs are prepared. */
export function inputFacts(given: Given, opened: OpenedModel): Record<string, unknown> {
  return takesText(opened.model) ? readingFacts(given, opened) : preprocessingFacts(given);
}

function factsOf(opened: OpenedModel, given: Given, runtime: Runtime): ModelFacts {
  const { name, version, provider, threads } = runtime;
  return {
    kind: "onnx",
    name: basename(opened.label),
    sha256: opened.sha256,
    preprocessing: inputFacts(given, opened),
    runtime: { name, version, provider, threads, optimization: "all" },
  };
}

/** One byte per coordinate: from an array of the input's dims, or of an image's height and width for all of its channels. */
export async function readMask(path: string, dims: readonly number[]): Promise<Uint8Array> {
  let values: number[];
  let shape: readonly number[];
  try {
    const array = readNpy(new Uint8Array(await readFile(path)), path);
    values = toNumbers(array);
    shape = array.dims;
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    throw new BlindspotError(
      { code: "E_MASK", subject: path, expected: "an .npy file", got: (error as Error).message },
      { cause: error },
    );
  }
  const [height, width, channels = 1] = dims;
  const full = shape.join() === dims.join();
  const plane = dims.length === 3 && shape.join() === `${height},${width}`;
  if ((!full && !plane) || !values.every((value) => value === 0 || value === 1))
    throw new BlindspotError({
      code: "E_MASK",
      subject: path,
      expected: `zeros and ones, ${dims.join("x")}${dims.length === 3 ? ` or ${height}x${width}` : ""}`,
      got: shape.join("x"),
    });
  return Uint8Array.from(full ? values : values.flatMap((value) => new Array<number>(channels).fill(value)));
}
