import { opBuilder } from "../graph/builder.ts";
import { cloneModel, writeModel } from "../graph/index.ts";
import { Graph, Model, type Node } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { float32 } from "../tensor/tensor.ts";
import type { OpenedModel } from "./open-model.ts";
import { finalNode } from "./score-head.ts";

/** Support vectors that are asked about. */
const MOST_ROWS = 32;
const OPSET = 18;
const UNTYPED = { get: () => undefined };

/**
 * A support vector machine says its class in one output and its scores in another. Of two classes without probabilities ONNX Runtime (1.30) gives the lower score to the class that it
 * names, so that whoever takes the highest score has nearly all of them wrong: where it does so, a Neg is added to the file. `note` says so; null where nothing had to be said.
 */
export async function withTurnedScores(
  opened: OpenedModel,
  runtime: Runtime,
): Promise<{ readonly opened: OpenedModel; readonly note: string | null }> {
  const machines = opened.model.graph.outputs.map((output) => ({ output: output.name, node: machineBehind(output) }));
  const found = machines.find(({ node }) => node !== null);
  if (found === undefined) return { opened, note: null };
  const node = found.node!;
  if ((node.numbers("prob_a") ?? []).length > 0)
    return {
      opened,
      note: "its label counts votes of pairs, and may not be the class of its highest probability, which decides here",
    };
  if (node.numbers("vectors_per_class")?.length !== 2 || !(await namesTheLower(node, runtime)))
    return { opened, note: null };
  const model = cloneModel(opened.model);
  const { graph } = model;
  const op = opBuilder(graph, operators);
  graph.outputs = graph.outputs.map((output) => {
    if (output.name !== found.output) return output;
    output.name = op.freshName(found.output);
    const turned = op.Neg(output);
    Object.assign(turned, { name: found.output, dtype: output.dtype, shape: output.shape });
    return turned;
  });
  const note = "scores turned: its runtime gives the lower score to the class that the label names";
  return { opened: { ...opened, model, bytes: writeModel(model) }, note };
}

/** The machine whose scores an output holds. */
function machineBehind(output: Model["graph"]["outputs"][number]): Node | null {
  const node = finalNode(output);
  const isScores = output.dtype === "float32" || output.dtype === "float64";
  return isScores && node?.op === "SVMClassifier" && node.domain === "ai.onnx.ml" ? node : null;
}

/** Whether the operator alone, asked about its own support vectors, never names the class with the higher score. */
async function namesTheLower(node: Node, runtime: Runtime): Promise<boolean> {
  const support = node.numbers("support_vectors") ?? [];
  const vectors = (node.numbers("vectors_per_class") ?? []).reduce((sum, own) => sum + own, 0);
  const features = support.length / vectors;
  const rows = Math.min(vectors, MOST_ROWS);
  const graph = new Graph("machine");
  const op = opBuilder(graph, UNTYPED);
  const x = op.input("x", { dtype: "float32", shape: [rows, features] });
  const { classlabels_strings: _names, ...attributes } = Object.fromEntries(node.attributes);
  const [label, scores] = op.node(node.op, [x], { ...attributes, classlabels_ints: [0, 1] }, 2, node.domain);
  op.output(Object.assign(label!, { name: "label", dtype: "int64" }));
  op.output(Object.assign(scores!, { name: "scores", dtype: "float32" }));
  const model = new Model(graph, OPSET);
  model.opsets.set(node.domain, 1);
  const session = await runtime.load(writeModel(model), { label: "a support vector machine alone" });
  try {
    const first = Float32Array.from({ length: rows * features }, (_, i) => support[i]!);
    const answers = await session.run({ x: float32([rows, features], first) });
    const values = answers["scores"]!.data as Float32Array;
    const lower = Array.from(answers["label"]!.data as BigInt64Array, Number).flatMap((named, row) => {
      const [own, other] = [values[2 * row + named]!, values[2 * row + 1 - named]!];
      return own === other ? [] : [own < other];
    });
    return lower.length > 0 && lower.every((one) => one);
  } finally {
    await session.close();
  }
}
