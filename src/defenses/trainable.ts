import { BlindspotError, type Problem } from "../base/errors.ts";
import type { Graph, Model, Node, Value } from "../graph/ir.ts";
import type { AttackGraph } from "../models/index.ts";
import { sizeOf } from "../tensor/tensor.ts";

/** What to do where a model's weights can't be changed here. */
export const INSTEAD =
  "What helps instead: write adversarial inputs with `blindspot attack NAME ... --save DIR` or `blindspot corpus export`, add them with their true labels to the training in the model's own framework, and assess the new version";

export interface Trainable {
  /** Initializers (or Constant nodes, by their output) that training changes. */
  readonly names: readonly string[];
  /** Left as they are because `freeze` names them. */
  readonly frozen: readonly string[];
  /** Numbers in `names`. */
  readonly parameters: number;
}

export interface TrainableOptions {
  /** The file, for messages. */
  readonly label: string;
  /** Names of weights, or what they begin with before a `.`, `/` or `_` (`conv1` for `conv1.weight`); `*` stands for anything. */
  readonly freeze?: readonly string[];
  /** Why there is no gradient; none where there is one. */
  readonly problems: readonly Problem[];
}

/**
 * Which weights of a classifier can be trained: float32 constants of the file that are no preprocessing.
 * @param source the file's model: only what it names can be written back into it
 * @param graph the same in attack space
 * Throws E_UNTRAINABLE, naming every node that stands in the way, and E_FREEZE for patterns that name nothing.
 */
export function trainableWeights(source: Model, graph: AttackGraph, options: TrainableOptions): Trainable {
  const problems = obstacles(source, graph, options);
  if (problems.length > 0) throw new BlindspotError(problems);
  const named = namedConstants(source.graph);
  const inner = graph.model.graph;
  const excluded = new Set([...preprocessing(inner), ...runningStatistics(inner)]);
  const candidates = inner.initializers.filter(
    (value) => value.dtype === "float32" && value.rank! > 0 && named.has(value.name) && !excluded.has(value),
  );
  const used = new Set(inner.nodes.flatMap((node) => node.inputs));
  const weights = candidates.filter((value) => used.has(value));
  const frozen = new Set(frozenBy(options.freeze ?? [], weights));
  const trained = weights.filter(({ name }) => !frozen.has(name));
  if (trained.length === 0)
    throw new BlindspotError({
      code: "E_UNTRAINABLE",
      subject: options.label,
      expected: "float32 weights to train",
      got: weights.length === 0 ? "none" : `${weights.length}, all of them frozen`,
      hint: weights.length === 0 ? INSTEAD : "Freeze fewer",
    });
  return {
    names: trained.map(({ name }) => name),
    frozen: [...frozen],
    parameters: trained.reduce((sum, { constant }) => sum + sizeOf(constant!.dims), 0),
  };
}

function obstacles(source: Model, { model: { graph } }: AttackGraph, { label, problems }: TrainableOptions): Problem[] {
  const found: Problem[] = problems.map(({ hint: _, ...problem }) => ({ ...problem, hint: INSTEAD }));
  const refuse = (subject: string, got: string, hint = INSTEAD) =>
    found.push({ code: "E_UNTRAINABLE", subject, expected: "float32 weights", got, hint });
  for (const node of graph.nodes) {
    const [first] = node.inputs;
    if (node.op === "DequantizeLinear" && first?.constant && sizeOf(first.constant.dims) > 1)
      refuse(
        node.describe(),
        `weights quantized to ${first.dtype} ('${first.name}')`,
        `Harden the float32 model, and quantize it after. ${INSTEAD}`,
      );
  }
  const half = source.graph.initializers.filter(({ dtype }) => dtype === "float16" || dtype === "bfloat16");
  if (half.length > 0)
    refuse(
      label,
      `${half.length} weights of ${half[0]!.dtype} ('${half[0]!.name}', ...)`,
      "Export the model in float32",
    );
  const double = source.graph.initializers.filter(({ dtype, rank }) => dtype === "float64" && rank! > 0);
  if (double.length > 0)
    refuse(label, `${double.length} weights of float64 ('${double[0]!.name}', ...)`, "Export the model in float32");
  const statistics = runningStatistics(graph);
  const shared = statistics.filter((value, i) => statistics.indexOf(value) !== i);
  for (const value of shared)
    found.push({
      code: "E_UNTRAINABLE",
      subject: `'${value.name}'`,
      expected: "running statistics of one BatchNormalization",
      got: "a tensor that several share",
      hint: "Export the model without merging equal initializers, or freeze these layers",
    });
  return found;
}

/** Constants that `withWeights` can replace. */
function namedConstants(graph: Graph): Set<string> {
  const nodes = graph.nodes.filter(({ op, domain }) => op === "Constant" && domain === "");
  return new Set([...graph.initializers, ...nodes.map((node) => node.outputs[0]!)].map(({ name }) => name));
}

function runningStatistics(graph: Graph): Value[] {
  return graph.nodes
    .filter(({ op, domain }) => op === "BatchNormalization" && domain === "")
    .flatMap(({ inputs }) => inputs.slice(3, 5) as Value[]);
}

const ARITHMETIC = new Set(["Add", "Sub", "Mul", "Div"]);
const MOVING = new Set(
  "Cast Concat Expand Flatten Gather Identity Pad Reshape Slice Squeeze Transpose Unsqueeze".split(" "),
);

/** Constants that arithmetic applies to the input before any layer: means and deviations, which are part of how the model reads its input. */
function preprocessing(graph: Graph): Set<Value> {
  const raw = new Set<Value>(graph.inputs);
  const constants = new Set<Value>();
  const isRaw = (node: Node): boolean => {
    if (node.domain !== "" || !(ARITHMETIC.has(node.op) || MOVING.has(node.op))) return false;
    const variable = node.inputs.filter((input) => input !== null && input.constant === null);
    return variable.length > 0 && variable.every((input) => raw.has(input!));
  };
  for (const node of graph.nodes) {
    if (!isRaw(node)) continue;
    for (const output of node.outputs) raw.add(output);
    for (const input of node.inputs) if (input?.constant) constants.add(input);
  }
  return constants;
}

function frozenBy(patterns: readonly string[], weights: readonly Value[]): string[] {
  const problems: Problem[] = [];
  const frozen = patterns.flatMap((pattern) => {
    const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    const matches = new RegExp(`^${escaped.join(".*")}($|[./_])`);
    const found = weights.filter(({ name }) => matches.test(name));
    if (found.length === 0)
      problems.push({
        code: "E_FREEZE",
        subject: `--freeze ${pattern}`,
        expected: "a weight, or the beginning of its name",
        got: "nothing of that name",
        hint: `The weights are ${weights
          .slice(0, 12)
          .map(({ name }) => name)
          .join(", ")}${weights.length > 12 ? ", ..." : ""}`,
      });
    return found.map(({ name }) => name);
  });
  if (problems.length > 0) throw new BlindspotError(problems);
  return [...new Set(frozen)];
}
