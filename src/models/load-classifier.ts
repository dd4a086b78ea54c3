import { explainGradient, withGradient } from "../autodiff/index.ts";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { cloneModel, inferShapes } from "../graph/index.ts";
import type { Model } from "../graph/ir.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";
import type { OpTable } from "../ops/define.ts";
import { operators } from "../ops/index.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { type AdaptedModel, adapt, testRows } from "./adapt.ts";
import { type Arrangement, type ArrangementOptions, arrange } from "./arrangement.ts";
import type { AttackGraph } from "./attack-graph.ts";
import { castFloat16Edges, DeployedModel } from "./deployed.ts";
import { withJoinedColumns } from "./joined-columns.ts";
import { labelNote } from "./label-note.ts";
import { OnnxClassifier } from "./onnx-classifier.ts";
import { type ModelSource, type OpenedModel, openModel } from "./open-model.ts";
import { type Preprocessing, type PreprocessingOptions, resolvePreprocessing } from "./preprocessing.ts";
import type { StepFunctions } from "./step-notes.ts";
import { type OpenedTrees, openTrees } from "./trees/open-trees.ts";
import { withTurnedScores } from "./turned-scores.ts";
import { withoutMaps } from "./without-maps.ts";

export interface LoadClassifierOptions extends PreprocessingOptions, ArrangementOptions {
  /** Where it runs. Default: onnxruntime-node, started for this classifier and closed with it. */
  readonly runtime?: Runtime;
  /** Default: all operators that Blindspot knows. */
  readonly table?: OpTable;
  /** Class names, in the order of the model's outputs. Default, or where a data set has none (null): "0", "1", ... */
  readonly classes?: readonly string[] | null;
  /** Name of the output that holds the scores, where there are several. */
  readonly output?: string;
  /** Name for messages. Default: the path. */
  readonly label?: string;
  /** What rows of a table are: for models that take their columns one by one. */
  readonly rows?: RowSpace;
}

/** By estimate, a gradient pass keeps at most this much: activations, and as much again for their cotangents. */
const PASS_BYTES = 256 * 2 ** 20;
/** More rows gain nothing: measured from 16 to 256 on four convolutional nets, throughput is level. */
const LARGEST_BATCH = 128;

/**
 * A classifier from an ONNX file. Preprocessing goes into the graph that is attacked; `verify` runs the file itself. Scores are logits, taken
 * before a final Softmax or Sigmoid; `verify` gives what the file gives.
 *
 * Throws `E_ONNX_...` for files that can't be read, `E_MODEL_INPUT`, `E_INPUT_SHAPE`, `E_MODEL_OUTPUT`, `E_PREPROCESSING`, `E_CLASSES` for models and
 * options that don't fit, `E_RUNTIME_...` for what ONNX Runtime refuses.
 */
export async function loadClassifier(
  source: ModelSource,
  options: LoadClassifierOptions = {},
): Promise<OnnxClassifier> {
  const tensors = withoutMaps(await openModel(source, options.label));
  const input = describeInput(withJoinedColumns(tensors.opened, options.rows).opened, options);
  const runtime = options.runtime ?? (await (await import("../runtime/node.ts")).nodeRuntime());
  const sessions: Session[] = [];
  const load: Runtime["load"] = async (bytes, loadOptions) => {
    const session = await runtime.load(bytes, loadOptions);
    sessions.push(session);
    return session;
  };
  try {
    const turned = await withTurnedScores(tensors.opened, runtime);
    // Last: from here on what is searched and what decides are two graphs.
    const { opened, note } = withJoinedColumns(turned.opened, options.rows);
    const notes = [note, tensors.note, turned.note].filter((one) => one !== null);
    return await assemble(opened, input, runtime, load, options, notes);
  } catch (error) {
    await Promise.all(sessions.map((session) => session.close()));
    if (options.runtime === undefined) await runtime.close();
    throw error;
  }
}

export interface DescribedInput {
  readonly arrangement: Arrangement;
  readonly preprocessing: Preprocessing;
}

/** What the model takes, from the file alone; all problems at once. */
export function describeInput({ model, label }: OpenedModel, options: LoadClassifierOptions): DescribedInput {
  const { inputs } = model.graph;
  const input = inputs[0];
  const listed = inputs
    .map(({ name, dtype, shape }) => `${name} ${dtype ?? "?"}[${shape?.join(",") ?? "?"}]`)
    .join(", ");
  const refuse = (expected: string, hint: string) =>
    new BlindspotError({ code: "E_MODEL_INPUT", subject: label, expected, got: listed || "no input", hint });
  if (input === undefined || inputs.length > 1)
    throw refuse(
      "a classifier with one input",
      "Columns of a table: give what they hold, --schema. Others: make constants of them in the file.",
    );
  if (input.dtype === null || input.dtype === "string" || input.dtype === "bool")
    throw refuse("an input of numbers", "Of texts: assess, attack and inspect take it; in code, `openClassifier`.");
  const declared = input.shape?.map((dim) => dim ?? "") ?? options.shape?.map(() => "");
  if (declared === undefined)
    throw refuse("an input whose shape is known", `Give it, batch first: --shape ${input.name}=1,3,224,224`);
  const arrangement = arrange(input.name, declared, options);
  const problems: Problem[] = [];
  const preprocessing = resolvePreprocessing(options, arrangement.dims, input.dtype === "uint8", problems);
  if (problems.length > 0) throw new BlindspotError(problems);
  return { arrangement, preprocessing };
}

async function assemble(
  opened: OpenedModel,
  { arrangement, preprocessing }: DescribedInput,
  runtime: Runtime,
  load: Runtime["load"],
  options: LoadClassifierOptions,
  notes: readonly string[],
): Promise<OnnxClassifier> {
  const { model, label } = opened;
  const table = options.table ?? operators;
  const original = await load(castFloat16Edges(model, table) ?? opened.bytes, { label });
  const deployed = new DeployedModel(original, arrangement, preprocessing);
  // One gray row: it shows what the outputs look like.
  const results = await deployed.run(new Float32Array(sizeOf(arrangement.dims)).fill(0.5));
  const common = { model, table, load, label, arrangement, preprocessing, deployed };
  const adapted = await adapt({ ...common, results, output: options.output, rows: options.rows });
  const { graph, head, fixedBatch, session } = adapted;
  const obstacles = gradientProblems(graph, table);
  const gradient = obstacles.length === 0;
  const scores = (row: Float32Array) => deployed.scores(row, head);
  const otherLabel = await labelNote(model, head, deployed, testRows(sizeOf(arrangement.dims), options.rows));
  const trees = await openTrees({ model, head, arrangement, preprocessing, rows: options.rows, scores });
  return new OnnxClassifier({
    runtime,
    ownsRuntime: options.runtime === undefined,
    table,
    label,
    graph,
    session,
    deployed,
    head,
    classes: classNames(options.classes, head.classes, label),
    dims: arrangement.dims,
    gradient,
    maxBatch: fixedBatch ?? largestBatch(graph, table),
    fixedBatch,
    notes: [
      ...notes,
      ...notesOf(opened, arrangement, adapted),
      ...(otherLabel === null ? [] : [otherLabel]),
      ...treeNotes(trees),
    ],
    trees: typeof trees === "string" ? null : trees,
    steps: stepsOf(opened, gradient ? graph : null, table, preprocessing),
    problems: [...adapted.problems, ...obstacles],
  });
}

export function classNames(given: LoadClassifierOptions["classes"], count: number, label: string): readonly string[] {
  if (given == null) return Array.from({ length: count }, (_, i) => String(i));
  if (given.length === count) return given;
  throw new BlindspotError({
    code: "E_CLASSES",
    subject: label,
    expected: `${count} class names, one per output`,
    got: String(given.length),
  });
}

/** Why no gradient model can be written; none where it can. */
function gradientProblems(graph: AttackGraph, table: OpTable): readonly Problem[] {
  try {
    withGradient(graph.model, { table, loss: "cross-entropy", wrt: [graph.input], logits: graph.output });
    return [];
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return error.problems;
  }
}

/** Elements of all values that one row makes, by inferred shapes. */
export function activationsPerRow(model: Model, table: OpTable): number {
  const typed = cloneModel(model);
  try {
    inferShapes(typed, table);
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
  }
  const sizes = typed.graph.nodes.flatMap((node) => node.outputs.map(({ shape }) => shape ?? []));
  return sizes.reduce((sum, shape) => sum + sizeOf(shape.map((dim) => (typeof dim === "number" ? dim : 1))), 0);
}

/** At least two: a batch of one takes other kernels, whose bits differ. */
function largestBatch(graph: AttackGraph, table: OpTable): number {
  const bytesPerRow = 2 * Float32Array.BYTES_PER_ELEMENT * activationsPerRow(graph.model, table);
  return Math.max(2, Math.min(LARGEST_BATCH, Math.floor(PASS_BYTES / Math.max(1, bytesPerRow))));
}

function notesOf({ model }: OpenedModel, arrangement: Arrangement, { head, notes }: AdaptedModel): string[] {
  const result = [...notes];
  const dtype = model.graph.inputs[0]!.dtype!;
  if (arrangement.note !== null) result.unshift(arrangement.note);
  if (head.kind === "label") result.push("the file gives labels only: scores are taken from inside it");
  if (head.stripped !== null) result.push(`logits taken before the final ${head.stripped}`);
  if (head.kind === "binary-logit") result.push("one score per row: class 1 where it is above 0");
  if (head.kind === "binary-probability") result.push("one probability per row: class 1 where it is above 0.5");
  if (dtype !== "float32") result.push(`${dtype} input: values are converted from float32`);
  if (model.graph.initializers.some((value) => value.dtype === "float16"))
    result.push("float16 weights widened to float32 where gradients are computed");
  return result;
}

function treeNotes(trees: OpenedTrees | string | null): string[] {
  if (trees === null) return [];
  if (typeof trees === "string") return [`its trees can't be read, so that attacks see no thresholds: ${trees}`];
  const { trees: list, thresholds } = trees.trees;
  return [
    `${list.length} trees, ${thresholds} thresholds inside the box: read, and in agreement with the model's answers`,
  ];
}

/** Of a model without gradients, only what its input does is known. */
function stepsOf(
  { model }: OpenedModel,
  differentiable: AttackGraph | null,
  table: OpTable,
  { units }: Preprocessing,
): StepFunctions {
  const dtype = model.graph.inputs[0]!.dtype!;
  const rounded = dtype === "uint8" || dtype === "int8" ? ["the rounding of the input"] : [];
  if (units.kind === "grid") rounded.push("the rounding of fields to legal values");
  if (differentiable === null) return { straightThrough: rounded, flat: [] };
  const { straightThrough, flat } = explainGradient(differentiable.model, table, {
    wrt: [differentiable.input],
    output: differentiable.output,
  });
  return { straightThrough: [...rounded, ...straightThrough], flat };
}
