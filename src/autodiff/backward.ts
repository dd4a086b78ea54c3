import { BlindspotError, internalError, type Problem } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Shape, Value } from "../graph/ir.ts";
import { dependencies } from "../graph/walk.ts";
import type { GradientRule, OpTable } from "../ops/define.ts";
import { int64Vector, isFloat } from "../tensor/tensor.ts";

export interface BackwardRequest {
  readonly table: OpTable;
  /** Where the backward pass starts: values of the graph and what flows into them, of the same shape. */
  readonly outputs: readonly { readonly value: Value; readonly cotangent: Value }[];
  /** What to differentiate with respect to: graph inputs, weights, or inner values. */
  readonly targets: readonly Value[];
}

/**
 * Reverse-mode differentiation, written as ONNX nodes behind those of the graph. Returns for each target its cotangent, of the
 * target's shape, or null where no path leads from it to an output. Costs nothing outside the paths from targets to outputs.
 *
 * Everything specific to an operator is in its rule; here is what all share: pruning, order, un-broadcasting, accumulation.
 * Throws E_OP_NO_GRADIENT, naming every node on a path whose operator has no rule.
 */
export function backward(op: OpBuilder, request: BackwardRequest): Map<Value, Value | null> {
  const { table, outputs, targets } = request;
  const path = findPath(op.graph.nodes, request);
  const rules = rulesOf(path.nodes, table);

  const cotangents = new Map<Value, Value>();
  const accumulate = (value: Value, cotangent: Value): void => {
    const sum = cotangents.get(value);
    cotangents.set(value, sum === undefined ? cotangent : op.Add(sum, cotangent));
  };
  const scope = op.scope;
  for (const { value, cotangent } of outputs) accumulate(value, cotangent);
  for (const node of [...path.nodes].reverse()) {
    const flowing = node.outputs.map((output) => cotangents.get(output) ?? null);
    if (flowing.every((cotangent) => cotangent === null)) continue;
    const needs = (i: number): boolean => {
      const input = node.inputs[i];
      return input != null && path.dependent.has(input);
    };
    // PyTorch's names begin with a slash.
    op.scope = `${scope}grad/${(node.name || node.outputs[0]!.name).replace(/^\//, "")}/`;
    const context = { op, node, inputs: [...node.inputs], outputs: [...node.outputs], cotangents: flowing, needs };
    for (const [i, cotangent] of rules.get(node)!(context).entries()) {
      if (cotangent === null || !needs(i)) continue;
      accumulate(node.inputs[i]!, sumToShape(op, cotangent, node.inputs[i]!, node, i));
    }
  }
  op.scope = scope;
  return new Map(targets.map((target) => [target, cotangents.get(target) ?? null]));
}

interface Path {
  /** In topological order: nodes that lie on some path from a target to an output. */
  readonly nodes: readonly Node[];
  /** Values that a derivative may reach, because they depend on a target. */
  readonly dependent: ReadonlySet<Value>;
}

/** The nodes between targets and outputs that a derivative can pass. Integers stop it, unless the operator is straight-through. */
export function findPath(nodes: readonly Node[], { table, outputs, targets }: BackwardRequest): Path {
  const dependent = new Set<Value>(targets);
  const forward = nodes.filter((node) => {
    const definition = table.get(node.op, node.domain);
    if (definition?.gradient === "discrete") return false;
    if (![...dependencies(node)].some((value) => dependent.has(value))) return false;
    // The integers between QuantizeLinear and DequantizeLinear carry float cotangents.
    for (const output of node.outputs)
      if (output.dtype === null || isFloat(output.dtype) || definition?.straightThrough) dependent.add(output);
    return true;
  });
  const wanted = new Set<Value>(outputs.map(({ value }) => value));
  const between = forward.reverse().filter((node) => {
    if (!node.outputs.some((output) => wanted.has(output) && dependent.has(output))) return false;
    for (const value of dependencies(node)) if (dependent.has(value)) wanted.add(value);
    return true;
  });
  return { nodes: between.reverse(), dependent };
}

/** The problem of a node that a derivative would have to pass and that has no rule. */
export function missingRule(node: Node, table: OpTable): Problem {
  const known = table.get(node.op, node.domain) !== undefined;
  const operator = node.domain === "" ? node.op : `${node.domain}.${node.op}`;
  return {
    code: "E_OP_NO_GRADIENT",
    subject: node.describe(),
    expected: "an operator with a gradient rule",
    got: `${operator}, ${known ? "which has none" : "which is unknown here"}`,
    hint: "Attacks that only query the model still work: --profile score",
  };
}

/** Throws E_OP_NO_GRADIENT, naming every node between `targets` and `outputs` that a derivative cannot pass. */
export function requireRules(
  nodes: readonly Node[],
  table: OpTable,
  targets: readonly Value[],
  outputs: readonly Value[],
): void {
  const path = findPath(nodes, { table, targets, outputs: outputs.map((value) => ({ value, cotangent: value })) });
  rulesOf(path.nodes, table);
}

function rulesOf(nodes: readonly Node[], table: OpTable): Map<Node, GradientRule> {
  const rules = new Map<Node, GradientRule>();
  const problems: Problem[] = [];
  for (const node of nodes) {
    const rule = table.get(node.op, node.domain)?.gradient;
    if (typeof rule === "function") rules.set(node, rule);
    else problems.push(missingRule(node, table));
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  return rules;
}

/**
 * The adjoint of broadcasting: sums a cotangent over the axes along which the value was repeated. Sizes that are not known to be
 * equal when the graph is written are compared when it runs; only the ranks must be known.
 */
function sumToShape(op: OpBuilder, cotangent: Value, value: Value, node: Node, input: number): Value {
  if (cotangent.shape === null || value.shape === null) throw unknownRank(node, input, value);
  const from = cotangent.shape;
  const to = value.shape;
  const added = from.length - to.length;
  if (added < 0) throw internalError(`${node.describe()}: cotangent of input ${input} has rank ${from.length}`);
  const leading = Array.from({ length: added }, (_, axis) => axis);
  let result = cotangent;
  if (added > 0) result = op.ReduceSum(result, int64Vector(leading), { keepdims: 0 });
  result = sumRepeated(op, result, from.slice(added), value, node, input);
  if (result !== cotangent || to.some((dim, axis) => dim !== from[axis])) result.shape = to;
  return result;
}

function sumRepeated(op: OpBuilder, cotangent: Value, from: Shape, value: Value, node: Node, input: number): Value {
  const to = value.shape!;
  const same = (axis: number): boolean => to[axis] !== null && to[axis] === from[axis];
  const axes = [...to.keys()].filter((axis) => !same(axis));
  if (axes.length === 0) return cotangent;
  if (axes.every((axis) => to[axis] === 1)) return op.ReduceSum(cotangent, int64Vector(axes), { keepdims: 1 });
  const clash = axes.find((axis) => typeof to[axis] === "number" && typeof from[axis] === "number" && to[axis] !== 1);
  if (clash !== undefined)
    throw internalError(`${node.describe()}: cotangent of input ${input} is [${from}], the input [${to}]`);
  // Shapes differ exactly where the value was repeated; no such axis means that nothing is summed.
  const repeated = op.Not(op.Equal(op.Shape(cotangent), op.Shape(value)));
  const runtimeAxes = op.Squeeze(op.NonZero(repeated), int64Vector([0]));
  return op.ReduceSum(cotangent, runtimeAxes, { keepdims: 1, noop_with_empty_axes: 1 });
}

function unknownRank(node: Node, input: number, value: Value): BlindspotError {
  return new BlindspotError({
    code: "E_SHAPE_UNKNOWN",
    subject: node.describe(),
    where: `input ${input} ('${value.name}')`,
    expected: "a known number of dimensions",
    got: "a value of unknown rank",
    hint: "Fix the input's shape with --shape input=1,3,224,224",
  });
}
