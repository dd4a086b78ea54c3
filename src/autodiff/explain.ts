import type { Model, Node, Value } from "../graph/ir.ts";
import { dependencies } from "../graph/walk.ts";
import type { OpDefinition, OpTable } from "../ops/define.ts";
import { isFloat } from "../tensor/tensor.ts";
import { findPath, missingRule } from "./backward.ts";
import { find, prepared } from "./rewrite.ts";

export interface GradientExplanation {
  /** A gradient with respect to every one of `wrt` can be written. */
  readonly differentiable: boolean;
  /** Nodes that stand in the way, as `Conv 'layer1'`, and why. */
  readonly blockers: readonly { readonly node: string; readonly reason: string }[];
  /** Nodes on the way whose rule passes the cotangent through what is really a step function (quantization). */
  readonly straightThrough: readonly string[];
  /** Nodes on the way whose derivative is zero almost everywhere. */
  readonly flat: readonly string[];
  /** How often each operator occurs in the model, and whether it can be passed. */
  readonly operators: ReadonlyMap<string, { readonly count: number; readonly gradient: boolean }>;
}

/**
 * Whether and how a model can be differentiated.
 * @param options.wrt names of inputs or inner values (default: the float inputs)
 * @param options.output name of the output or inner value that holds the scores (default: the first output)
 */
export function explainGradient(
  model: Model,
  table: OpTable,
  options: { readonly wrt?: readonly string[]; readonly output?: string } = {},
): GradientExplanation {
  const { graph } = prepared(model, table);
  const floats = graph.inputs.filter(({ dtype }) => isFloat(dtype));
  const targets = options.wrt === undefined ? floats : find(graph, options.wrt);
  const outputs = options.output === undefined ? graph.outputs.slice(0, 1) : find(graph, [options.output]);

  const from = (starts: readonly Value[]) =>
    findPath(graph.nodes, {
      table,
      targets: starts,
      outputs: outputs.map((value) => ({ value, cotangent: value })),
    });
  const { nodes } = from(targets);
  const definitionOf = (node: Node): OpDefinition | undefined => table.get(node.op, node.domain);
  const blockers = nodes
    .filter((node) => typeof definitionOf(node)?.gradient !== "function")
    .map((node) => ({ node: node.describe(), reason: missingRule(node, table).got! }));
  for (const target of targets) {
    if (outputs.includes(target) || from([target]).nodes.length > 0) continue;
    const cuts = describeCuts(graph.nodes, target, outputs, table);
    blockers.push(
      ...(cuts.length === 0
        ? [{ node: `'${target.name}'`, reason: "does not lead to the output" }]
        : cuts.map((node) => ({ node, reason: "its output does not vary smoothly with its input" }))),
    );
  }
  if (targets.length === 0) blockers.push({ node: "the model", reason: "has no input of a float type" });
  const flagged = (flag: "straightThrough" | "flat"): string[] =>
    nodes.filter((node) => definitionOf(node)?.[flag]).map((node) => node.describe());
  return {
    differentiable: blockers.length === 0,
    blockers,
    straightThrough: flagged("straightThrough"),
    flat: flagged("flat"),
    operators: countOperators(graph.nodes, table),
  };
}

/** The nodes at which paths from a value to the outputs end, because what leaves them toward the outputs is not smooth. */
export function describeCuts(nodes: readonly Node[], from: Value, outputs: readonly Value[], table: OpTable): string[] {
  const { dependent } = findPath(nodes, { table, targets: [from], outputs: [] });
  const leading = new Set(outputs);
  const cuts: Node[] = [];
  for (const node of [...nodes].reverse()) {
    const useful = node.outputs.filter((output) => leading.has(output));
    if (useful.length === 0) continue;
    const used = [...dependencies(node)];
    for (const value of used) leading.add(value);
    const reached = used.some((value) => dependent.has(value));
    if (reached && !useful.some((output) => dependent.has(output))) cuts.push(node);
  }
  return cuts.reverse().map((node) => node.describe());
}

function countOperators(nodes: readonly Node[], table: OpTable): Map<string, { count: number; gradient: boolean }> {
  const counts = new Map<string, { count: number; gradient: boolean }>();
  for (const node of nodes) {
    const name = node.domain === "" ? node.op : `${node.domain}.${node.op}`;
    const gradient = table.get(node.op, node.domain)?.gradient !== undefined;
    counts.set(name, { count: (counts.get(name)?.count ?? 0) + 1, gradient });
  }
  return counts;
}
