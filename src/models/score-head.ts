import { BlindspotError } from "../base/errors.ts";
import type { Model, Node, Value } from "../graph/ir.ts";
import { isFloat, sizeOf, type Tensor } from "../tensor/tensor.ts";
import type { ScoreMeaning } from "./classifier.ts";

/**
 * What an output holds, one row at a time.
 * `scores`: a number per class. `binary-logit`: one number, class 1 above 0. `binary-probability`: one number, class 1 above 0.5.
 * `label`: the class index, made by an ArgMax.
 */
export type HeadKind = "scores" | "binary-logit" | "binary-probability" | "label";

/** The output that decides the class, and where in the graph its logits are. */
export interface ScoreHead {
  readonly output: string;
  readonly kind: HeadKind;
  /** Number of classes. */
  readonly classes: number;
  /** Raw scores: the value before a final Softmax, Sigmoid or ArgMax. */
  readonly logits: Value;
  /** The operator that was left out, or null. */
  readonly stripped: "Softmax" | "Sigmoid" | "ArgMax" | null;
}

/** Operators that may stand between a Softmax and the output without changing what a row means. */
const WRAPPERS = new Set(["Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze"]);

/** The node behind an output, wrappers skipped. */
export function finalNode(value: Value): Node | null {
  let node = value.producer;
  while (node !== null && node.domain === "" && WRAPPERS.has(node.op)) node = node.inputs[0]?.producer ?? null;
  return node;
}

/** Whether a Softmax of an output [N, C, 1...] runs over the classes. Before opset 13 the axes from `axis` on are taken together. */
function normalizesClasses(node: Node, rank: number, opset: number): boolean {
  const axis = node.int("axis", opset < 13 ? 1 : -1);
  return axis === 1 || axis === 1 - rank;
}

/** The raw scores behind an output that ends in a Sigmoid, or a Softmax over classes: what a loss wants. Else the output itself. */
export function logitsBehind(output: Value, opset: number): { logits: Value; stripped: "Softmax" | "Sigmoid" | null } {
  const final = finalNode(output);
  const operand = final?.inputs[0];
  if (final?.domain !== "" || operand == null) return { logits: output, stripped: null };
  if (final.op === "Sigmoid") return { logits: operand, stripped: "Sigmoid" };
  const rank = operand.rank ?? output.rank ?? 2;
  if (final.op === "Softmax" && normalizesClasses(final, rank, opset)) return { logits: operand, stripped: "Softmax" };
  return { logits: output, stripped: null };
}

function headOf(model: Model, name: string, result: Tensor, batch: number): ScoreHead | null {
  const value = model.graph.outputs.find((output) => output.name === name);
  if (value === undefined) return null;
  const perRow = sizeOf(result.dims) / batch;
  const final = finalNode(value);
  const operand = final?.inputs[0] ?? null;
  const ends = (op: string) => final !== null && operand !== null && final.domain === "" && final.op === op;
  const base = { output: name, classes: perRow, logits: value, stripped: null };
  if (!isFloat(result.dtype)) {
    if (perRow !== 1 || !ends("ArgMax")) return null;
    // How many classes there are stands in the shape of what ArgMax reads, if anywhere.
    const classes = operand!.shape?.at(1);
    if (typeof classes !== "number" || operand!.rank !== 2) return null;
    return { ...base, kind: "label", classes, logits: operand!, stripped: "ArgMax" };
  }
  const behind = logitsBehind(value, model.opset);
  if (perRow === 1) {
    if (behind.stripped !== "Sigmoid") return { ...base, kind: "binary-logit", classes: 2 };
    return { ...base, kind: "binary-probability", classes: 2, ...behind };
  }
  const [, classes, ...rest] = result.dims.length === 1 ? [1, ...result.dims] : result.dims;
  if (classes !== perRow || rest.some((dim) => dim !== 1)) return null;
  return { ...base, kind: "scores", ...behind };
}

/**
 * Finds the output that holds the scores.
 * @param results what the model gave for `batch` rows; outputs that aren't tensors are missing
 * @param wanted `--output NAME`
 * Throws `E_MODEL_OUTPUT`, with all outputs listed.
 */
export function findScoreHead(
  model: Model,
  results: Readonly<Record<string, Tensor>>,
  batch: number,
  wanted?: string,
): ScoreHead {
  const names = model.graph.outputs.map((output) => output.name);
  const describe = (name: string) => {
    const result = results[name];
    return result === undefined ? `${name} (not a tensor)` : `${name} ${result.dtype}[${result.dims.join(",")}]`;
  };
  const listed = names.map(describe).join(", ");
  const refuse = (got: string, hint: string) =>
    new BlindspotError({
      code: "E_MODEL_OUTPUT",
      subject: "the model",
      expected: "an output with one number per class, [N, classes], or a single score per row",
      got,
      hint,
    });
  if (wanted !== undefined && !names.includes(wanted))
    throw refuse(`no output '${wanted}'; outputs: ${listed}`, "Name one of them with --output.");
  const heads = (wanted === undefined ? names : [wanted]).flatMap((name) => {
    const result = results[name];
    const head = result === undefined ? null : headOf(model, name, result, batch);
    return head === null ? [] : [head];
  });
  for (const kinds of [["scores"], ["binary-logit", "binary-probability"], ["label"]] as const) {
    const fitting = heads.filter((head) => (kinds as readonly HeadKind[]).includes(head.kind));
    // Logits and their own Softmax, both exported, are one head.
    if (fitting.length > 0 && fitting.every((head) => head.logits === fitting[0]!.logits))
      return fitting.find((head) => head.stripped === null) ?? fitting[0]!;
    if (fitting.length > 0)
      throw refuse(
        `several that could be it: ${fitting.map((head) => describe(head.output)).join(", ")}`,
        "Say which with --output NAME.",
      );
  }
  throw refuse(
    listed,
    "Export the model with a tensor of scores (for scikit-learn: zipmap=False), or name one with --output NAME.",
  );
}

/** What the scores of `decodeRow` are. */
export function scoreMeaning({ kind, stripped }: ScoreHead): ScoreMeaning {
  if (kind === "label") return "label";
  if (kind === "binary-probability" || stripped === "Softmax") return "probabilities";
  return stripped === "Sigmoid" ? "independent-probabilities" : "logits";
}

/** What `decodeRow` would give for these logits of the attack graph: the operator that was left out is applied again. */
export function scoresLike(head: ScoreHead, logits: Float32Array): Float32Array {
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  if (head.kind === "label") {
    const best = logits.indexOf(Math.max(...logits));
    return logits.map((_, i) => (i === best ? 1 : 0));
  }
  if (head.kind === "binary-probability") return Float32Array.of(sigmoid(-logits[1]!), sigmoid(logits[1]!));
  if (head.stripped === "Sigmoid") return logits.map(sigmoid);
  if (head.stripped !== "Softmax") return logits;
  const largest = Math.max(...logits);
  const exponentials = Array.from(logits, (z) => Math.exp(z - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return Float32Array.from(exponentials, (value) => value / sum);
}

/** Scores per class from one row of the original model's output: as the file gives them, so probabilities where it gives those. */
export function decodeRow(head: ScoreHead, row: readonly number[] | Float32Array): Float32Array {
  if (head.kind === "scores") return Float32Array.from(row);
  const value = row[0]!;
  if (head.kind === "binary-logit") return Float32Array.of(0, value);
  if (head.kind === "binary-probability") return Float32Array.of(1 - value, value);
  return Float32Array.from({ length: head.classes }, (_, i) => (i === value ? 1 : 0));
}
